import { describe, expect, it } from 'vitest'
import type { NodeId } from '#contract'
import { CliError } from '../../../../src-main/shells/cli/exit-codes.ts'
import { nodeValues } from '../../../../src-main/shells/cli/node-values.ts'

const [lb1, lb2] = ['lb1', 'lb2'] as [NodeId, NodeId]
const yaml = 'all:\n  interface: eth0\nlb1:\n  priority: 150\n  version: 1.10\nlb2:\n  priority: 100\n  version: "é x"\n'
const filled = (text: string, node: NodeId): string =>
  nodeValues('values.yaml', yaml).fill(Buffer.from(text, 'utf8'), 'k.conf', node).toString('utf8')

describe('values of each node in a shared file', () => {
  it('stand where their names stand, as they are written, and no other byte is another', () => {
    const text = 'priority {{priority}}\r\ninterface {{ interface }} # ü {x} {{ }}\nversion {{version}}'
    expect(filled(text, lb1)).toBe('priority 150\r\ninterface eth0 # ü {x} {{ }}\nversion 1.10')
    expect(filled(text, lb2)).toBe('priority 100\r\ninterface eth0 # ü {x} {{ }}\nversion é x')
    const odd = Buffer.from([0xff, 0x0a, 0xc3])
    expect(nodeValues('values.yaml', yaml).fill(odd, 'k.conf', lb1)).toEqual(odd)
  })

  it('are asked for by the right name, with the place of the wrong one', () => {
    expect(() => filled('a\nb {{prio}}', lb2)).toThrow(new CliError({ code: 'request.invalid', message: 'k.conf:2: values.yaml gives lb2 no value "prio".', effect: 'none', details: {} })) // prettier-ignore
    expect(() => filled('{{constructor}}', lb2)).toThrow(/no value "constructor"/)
    const values = nodeValues('values.yaml', yaml)
    values.fill(Buffer.from('{{interface}} {{priority}}'), 'k.conf', lb1)
    expect(() => values.expectAllUsed([lb1])).toThrow(/^values\.yaml:5: no file that is pushed has \{\{version\}\}, which lb1/)
    values.fill(Buffer.from('{{version}}'), 'k.conf', lb1)
    values.expectAllUsed([lb1])
  })

  it('that a node says itself go before those of all', () => {
    const values = nodeValues('v.yaml', 'all: { a: 1 }\nlb1: { a: 2 }\n')
    const text = (node: NodeId): string => values.fill(Buffer.from('{{a}}'), 'f', node).toString()
    expect(text(lb1)).toBe('2')
    values.expectAllUsed([lb1])
    expect(text(lb2)).toBe('1')
  })

  it.each([
    ['lb1:\n  a: [1]\n', /^v\.yaml:2: /],
    ['lb1:\n  a: "x\n\n    y"\n', /^v\.yaml:2: .*one line/],
    ['lb1: 3\n', /^v\.yaml:1: /],
    ['lb1: {a: 1\n', /^v\.yaml:\d: not YAML/],
  ])('are refused as %j', (text, why) => expect(() => nodeValues('v.yaml', text)).toThrow(why))
})
