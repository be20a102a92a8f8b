import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quoteCommand, quoteWord } from '../../../../src-main/transport/ssh/quote.ts'
import { remoteCommandText } from '../../../../src-main/transport/ssh/remote-command.ts'

/** What a real shell makes of the text: its words, each ended by a NUL. */
function wordsSeenByShell(text: string): string[] {
  return execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${text}`])
    .toString('utf8')
    .split('\0')
    .slice(0, -1)
}

const nasty = fc.constantFrom(
  ...`'"\\\`$;&|<>(){}[]*?!#~=%^ \t\n\r`,
  '$(id)',
  '`id`',
  "'; id; '",
  '-rf',
  'é',
  '日本',
  '\x1b',
  '\x7f',
)
const word = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(nasty, { maxLength: 12 }).map((parts) => parts.join('')),
)
const shellWord = word.map((text) => Buffer.from(text.replaceAll('\0', '')).toString('utf8'))

describe('quoting', () => {
  it('gives a real shell exactly the words that went in', () => {
    fc.assert(
      fc.property(fc.array(shellWord, { minLength: 1, maxLength: 8 }), (words) => {
        expect(wordsSeenByShell(quoteCommand(words))).toEqual(words)
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['plain', 'plain'],
    ['/run/haproxy/admin.sock', '/run/haproxy/admin.sock'],
    ['', "''"],
    ["it's", `'it'\\''s'`],
    ['a;b', "'a;b'"],
    ['~', "'~'"],
    ['A=b', "'A=b'"],
    ['line\nbreak', "'line\nbreak'"],
  ])('%j becomes %s', (given, quoted) => {
    expect(quoteWord(given)).toBe(quoted)
  })

  it('refuses a NUL', () => {
    expect(() => quoteWord('a\0b')).toThrow(expect.objectContaining({ code: 'request.invalid' }))
  })
})

describe('the remote command', () => {
  it.each(['', '-rf', 'PATH=/tmp', '--', 'a=b/c'])(
    'refuses %j as a program, which env or timeout would take for something else',
    (program) => {
      expect(() => remoteCommandText({ argv: [program], killAfterS: 5, sudo: 'none' })).toThrow(
        expect.objectContaining({ code: 'request.invalid' }),
      )
    },
  )

  it('puts the time limit around sudo, or inside it where sudo allows that', () => {
    const argv = ['nginx', '-t'] as const
    expect(remoteCommandText({ argv, killAfterS: 6, sudo: 'outside' })).toBe(
      "exec env 'LC_ALL=C' timeout -k 2 6 sudo -n nginx -t",
    )
    expect(remoteCommandText({ argv, killAfterS: 6, sudo: 'inside' })).toBe(
      "exec env 'LC_ALL=C' sudo -n timeout -k 2 6 nginx -t",
    )
    expect(remoteCommandText({ argv, killAfterS: null, sudo: 'none' })).toBe("exec env 'LC_ALL=C' nginx -t")
  })
})
