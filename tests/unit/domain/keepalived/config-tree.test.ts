import { describe, expect, it } from 'vitest'
import { insertLine, printLines, replaceWord } from '../../../../src-main/domain/config-text/line-tree.ts'
import { parseTree, statementsOf, type Statement } from '../../../../src-main/domain/keepalived/config-tree.ts'

import { losslessSuite } from '../lossless-suite.ts'

const sample = `! the first pair
vrrp_instance "VI 1"
{
    interface eth0  # uplink
    virtual_ipaddress { 198.18.7.100/24 }
    priority 150
}
`
const shape = (statements: readonly Statement[]): unknown[] =>
  statements.map(({ words, block }) => [...words.map(({ value }) => value), ...(block === null ? [] : [shape(block)])])

describe('the tree of a file', () => {
  losslessSuite({
    roundTrip(text) {
      const tree = parseTree(text)
      statementsOf(tree)
      return printLines(tree)
    },
    pieces: ['\n', '\r\n', ' ', '\t', '"', '\\', '#', '!', '{', '}', '$A=', '@x', 'vrrp_instance', '\0', 'ü', '\x80'],
    pathological: ['a{', '{', '}', '"', '"\\', '\n', 'a ', '"a\n'],
    shipped: [
      '/usr/share/doc/keepalived/samples/keepalived.conf.vrrp',
      '/usr/share/doc/keepalived/samples/keepalived.conf.sample',
    ],
  })

  it('knows blocks, wherever their braces stand', () => {
    expect(statementsOf(parseTree(sample))).toMatchObject({ problems: [] })
    expect(shape(statementsOf(parseTree(sample)).statements)).toEqual([
      [
        'vrrp_instance',
        'VI 1',
        [
          ['interface', 'eth0'],
          ['virtual_ipaddress', [['198.18.7.100/24']]],
          ['priority', '150'],
        ],
      ],
    ])
  })

  it.each([
    ['}\n', "1:0 extra '}'"],
    ['a {\n b\n', "2:2 1 missing '}'"],
    ['{\n}\n', "1:0 '{' without a keyword before it"],
    ['a {\n notify "/bin/x y\n}\n', '2:8 unmatched quote'],
  ])('says what is wrong with %j', (text, expected) => {
    const said = statementsOf(parseTree(text)).problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
    expect(said[0]).toBe(expected)
  })
})

describe('an edit', () => {
  it('changes a word or adds a line, and nothing else', () => {
    const tree = parseTree(sample)
    expect(printLines(replaceWord(tree, 6, 1, '90'))).toBe(sample.replace('150', '90'))
    expect(printLines(insertLine(tree, 3, ['state', 'BACKUP']))).toBe(sample.replace('{\n', '{\n    state BACKUP\n'))
    expect(printLines(insertLine(tree, 4, ['notify', '/bin/x "y"']))).toContain('# uplink\n    notify "/bin/x \\"y\\""\n')
  })
})
