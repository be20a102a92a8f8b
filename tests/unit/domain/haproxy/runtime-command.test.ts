import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  faultFrom,
  faultOfChange,
  lineFrom,
  maxLineBytes,
  nameFault,
  setStateCommand,
  setWeightCommand,
} from '../../../../src-main/domain/haproxy/runtime-command.ts'

const replies = JSON.parse(readFileSync(new URL('../../../fixtures/haproxy/replies.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>
const reply = (line: string): string => replies[line] ?? expect.fail(`no recorded reply to "${line}"`)

describe('names', () => {
  it.each(['w1', 'api-1_v2.tyo:green', '10.0.0.1:80', 'A'])('takes %j, which HAProxy takes', (name) =>
    expect(nameFault(name)).toBeNull(),
  )

  it.each([
    '',
    ' ',
    'a b',
    'a;b',
    'a\nb',
    'a\rb',
    'a/b',
    'a\\b',
    'a<<b',
    "a'b",
    'a"b',
    'a\0b',
    'a#b',
    'ä',
    '$(id)',
    '`id`',
    'a'.repeat(1025),
  ])('refuses %j', (name) => expect(nameFault(name)).not.toBeNull())

  it('lets no name through that could end the command, start another or be a payload', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (name) => {
        if (nameFault(name) !== null) return
        const line = lineFrom([setStateCommand({ pool: name, server: name }, 'drain')])
        expect(line).toBe(`set server ${name}/${name} state drain\n`)
        expect(line).toMatch(/^set server [^\s;/\\]+\/[^\s;/\\]+ state drain\n$/)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('lineFrom', () => {
  it('puts the prefix before every command, because the master hands only the first of "@1 a;b" to the worker', () => {
    expect(lineFrom(['show info', 'show stat'], '@1 ')).toBe('@1 show info;@1 show stat\n')
  })

  it('refuses what is not one command each: a separator, a payload, an escape, a control character, nothing at all', () => {
    for (const command of ['a;b', 'a\nb', 'a <<\nx', 'a << x', 'a\\', 'a\tb', 'é', '']) expect(lineFrom([command])).toBeNull()
    expect(lineFrom([])).toBeNull()
  })

  it('is never longer than 8 kB: a line of 15 kB is never answered and leaks a CLI slot for ever', () => {
    const command = 'x'.repeat(maxLineBytes - 1)
    expect(lineFrom([command])).toHaveLength(maxLineBytes)
    expect(lineFrom([`${command}x`])).toBeNull()
    expect(lineFrom([command], '@1 ')).toBeNull()
  })
})

describe('replies, as HAProxy 2.6.12 gave them', () => {
  it('takes an empty line, and nothing else, for success of a change', () => {
    expect(faultOfChange(reply('admin: set server be_app/w1 state drain'))).toBeNull()
    expect(faultOfChange(reply('admin: set server be_source/s1 weight 100%'))).toBeNull()
    expect(faultOfChange('whatever a later version may say\n')).toBe('refused')
  })

  it.each([
    ['no-such-server', 'admin: set server be_app/nope state drain'],
    ['no-such-backend', 'admin: set server nope/w1 state drain'],
    ['no-such-backend', 'admin: show servers state nope'],
    ['refused', 'admin: set server be_app state drain'],
    ['refused', 'admin: set server be_app/w1 state sideways'],
    ['refused', 'admin: set server be_app/w1 weight 257'],
    ['refused', 'admin: set server be_app/w1 weight x'],
    ['refused', 'admin: set server be_source/s1 weight 3'],
    ['not-permitted', 'user: set server be_app/w1 state drain'],
    ['not-permitted', 'operator: set server be_app/w1 weight 3'],
    ['unknown-command', 'admin: SHOW INFO'],
    ['unknown-command', 'master: show stat'],
    ['no-such-worker', 'master: @!99999 show info'],
    ['old-worker', 'old worker: set server be_app/w1 state drain'],
    ['old-worker', 'old worker: shutdown sessions server be_app/w1'],
  ] as const)('is %s for "%s"', (fault, line) => expect(faultOfChange(reply(line))).toBe(fault))

  it('does not take a table for a refusal', () => {
    expect(faultFrom('1\n# be_id be_name\n')).toBeNull()
  })
})

describe('setWeightCommand', () => {
  const ref = { pool: 'be', server: 's' }
  it('says the configured weight and 0 in per cent: static algorithms accept nothing else', () => {
    expect(setWeightCommand(ref, 5, 5)).toBe('set server be/s weight 100%')
    expect(setWeightCommand(ref, 0, 5)).toBe('set server be/s weight 0%')
    expect(setWeightCommand(ref, 3, 5)).toBe('set server be/s weight 3')
  })
})
