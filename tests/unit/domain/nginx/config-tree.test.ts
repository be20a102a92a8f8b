import { describe, expect, it } from 'vitest'
import {
  insertDirectiveAfter,
  insertWordAfter,
  parseTree,
  printTree,
  removeDirective,
  removeWord,
  replaceToken,
  type TreeDirective,
} from '../../../../src-main/domain/nginx/config-tree.ts'

import { losslessSuite } from '../lossless-suite.ts'

const sample = `http {
    upstream api { # two
        ip_hash;
        server 10.0.0.1:80 weight=3  down;  # first
        server 10.0.0.2:80;
    }
}
`
const parse = (text: string) => parseTree('/etc/nginx/nginx.conf', text)
const tree = parse(sample)
const found = (test: (directive: TreeDirective) => boolean, among = tree.directives): TreeDirective => {
  const all = (list: readonly TreeDirective[]): TreeDirective[] => list.flatMap((each) => [each, ...all(each.block ?? [])])
  return all(among).find(test) ?? expect.fail('there is no such directive')
}
const server = (address: string) => found(({ words }) => words[1]?.text === address)
const changedLines = (text: string): string[] => text.split('\n').filter((line) => !sample.split('\n').includes(line))

describe('the tree of a file', () => {
  losslessSuite({
    roundTrip: (text) => printTree(parse(text)),
    pieces: ['{', '}', ';', '"', "'", '\\', '#', '\n', '\r\n', ' ', '$', '${', 'a', 'x_by_lua_block', '\0', 'ü', '\x80'],
    pathological: ['a{', '}', '"', "'\\", '\n', 'a b;', '${', '#\n'],
    shipped: ['/etc/nginx/nginx.conf', '/etc/nginx/mime.types', '/etc/nginx/sites-available/default'],
  })

  it('knows line and column', () => {
    expect(server('10.0.0.1:80').words.map(({ line, column }) => [line, column])).toEqual([
      [4, 9],
      [4, 16],
      [4, 28],
      [4, 38],
    ])
  })

  it('leaves Lua alone', () => {
    const lua = parse('location / { content_by_lua_block { if x then y = { "a;" } end } access_log off; }')
    expect(lua.problems).toEqual([])
    expect(lua.directives[0]?.block?.map(({ words }) => words[0].text)).toEqual(['content_by_lua_block', 'access_log'])
  })
})

describe('an edit', () => {
  it('changes, adds and takes away a word, and nothing else', () => {
    const { words } = server('10.0.0.1:80')
    const [, address, weight, down] = words
    if (address === undefined || weight === undefined || down === undefined) return expect.fail('words are missing')
    expect(changedLines(printTree(replaceToken(tree, weight, 'weight=5')))).toEqual([
      '        server 10.0.0.1:80 weight=5  down;  # first',
    ])
    expect(changedLines(printTree(removeWord(tree, down)))).toEqual(['        server 10.0.0.1:80 weight=3;  # first'])
    const up = removeWord(tree, down)
    expect(printTree(insertWordAfter(up, findWord(up, 'weight=3'), 'down'))).toBe(
      sample.replace('weight=3  down', 'weight=3 down'),
    )
  })

  it('keeps a comment that stands between words', () => {
    const odd = parse('server a # why\n down;')
    const down = odd.directives[0]?.words[2] ?? expect.fail('no word')
    expect(printTree(removeWord(odd, down))).toBe('server a # why\n;')
  })

  it('adds and takes away a directive', () => {
    expect(changedLines(printTree(insertDirectiveAfter(tree, server('10.0.0.2:80'), 'server 10.0.0.3:80')))).toEqual([
      '        server 10.0.0.3:80;',
    ])
    expect(printTree(removeDirective(tree, server('10.0.0.2:80')))).toBe(sample.replace('        server 10.0.0.2:80;\n', ''))
    const line = parse('a; b; c;')
    const [, b] = line.directives
    expect(printTree(removeDirective(line, b ?? expect.fail('no b')))).toBe('a; c;')
  })
})

function findWord(of: ReturnType<typeof parse>, text: string) {
  return of.tokens.find((token) => token.text === text) ?? expect.fail(`no word ${text}`)
}
