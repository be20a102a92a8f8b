import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { losslessSuite } from '../../lossless-suite.ts'
import { parseLine, quoteWord } from '../../../../../src-main/domain/haproxy/config/parse-line.ts'
import {
  appendWords,
  insertLine,
  printLines,
  removeLine,
  removeWords,
  replaceWord,
} from '../../../../../src-main/domain/config-text/line-tree.ts'
import { parseConfig, sectionsOf } from '../../../../../src-main/domain/haproxy/config/tree.ts'

const sample = `# a pool
global
\tmaxconn 2000

defaults
    mode http
    timeout server "30s" # long

backend api
    server api1 10.0.0.1:80 check weight 10  # first
    server api2 10.0.0.2:80 check
`
const values = (text: string): string[] => parseLine(text).words.map(({ value }) => value)

describe('a line', () => {
  it.each([
    ['a "b c" \'d "e\'', ['a', 'b c', 'd "e']],
    [String.raw`x\ty "x\ty" 'x\ty'`, ['x\ty', 'x\ty', String.raw`x\ty`]],
    [String.raw`x\qy x\x41y x\#y x\ y`, [String.raw`x\qy`, 'xAy', 'x#y', 'x y']],
    [String.raw`$FOO \$FOO "\$FOO" "$FOO" "\${FOO-z}"`, ['$FOO', String.raw`\$FOO`, '$FOO', '$FOO', '${FOO-z}']],
    [`ab#c`, ['ab']],
    [`"a"'b'c ""`, ['abc', '']],
    ['x\\', ['x\\']],
    ['mode http\r', ['mode', 'http']],
  ])('%j is split as HAProxy 2.6.12 splits it', (text, expected) => {
    expect(parseLine(text)).toMatchObject({ problem: null })
    expect(values(text)).toEqual(expected)
  })

  it.each([
    ['  description "multi', 14, 'unmatched quote'],
    [String.raw`a x\x4`, 3, 'truncated or invalid hexadecimal sequence'],
    ['"${FOO"', 1, 'malformed environment variable'],
    [Array.from({ length: 66 }, (_, index) => `a${index}`).join(' '), 246, 'too many words, truncating after word 64'],
  ])('%j is refused at column %i', (text, column, message) => {
    expect(parseLine(text).problem).toEqual({ column, message })
  })

  it('knows the variables it refers to', () => {
    expect(parseLine('bind "${HOST}:$PORT" $NOT').words[1]?.variables).toEqual(['HOST', 'PORT'])
    expect(parseLine('bind $NOT').words[1]?.variables).toEqual([])
  })

  it('reads back whatever it quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(values(`server ${quoteWord(value)} x`)).toEqual(['server', value, 'x'])
      }),
      { numRuns: 5000 },
    )
  })
})

describe('a file', () => {
  losslessSuite({
    roundTrip: (text) => printLines(parseConfig(text)),
    pieces: ['\n', '\r\n', ' ', '\t', '"', "'", '\\', '#', '$', '${', '}', 'server', 'backend x', '.if', '\0', 'ü', '\x80'],
    pathological: ['"', '\\', '\n', '"$', "'\\x", 'a '],
    shipped: ['/etc/haproxy/haproxy.cfg'],
  })

  it('knows its sections', () => {
    expect(sectionsOf(parseConfig(sample)).map(({ kind, name, lines }) => [kind, name, lines.length])).toEqual([
      ['', null, 1],
      ['global', null, 2],
      ['defaults', null, 3],
      ['backend', 'api', 2],
    ])
  })
})

describe('an edit', () => {
  const tree = parseConfig(sample)
  const diff = (changed: string): string[] => {
    const before = new Set(sample.split('\n'))
    return changed.split('\n').filter((line) => !before.has(line))
  }

  it('changes one word and nothing else', () => {
    expect(diff(printLines(replaceWord(tree, 10, 5, '20')))).toEqual(['    server api1 10.0.0.1:80 check weight 20  # first'])
    expect(diff(printLines(replaceWord(tree, 7, 2, "it's 5")))).toEqual([`    timeout server "it's 5" # long`])
  })

  it('adds words before the comment and takes words out', () => {
    expect(diff(printLines(appendWords(tree, 10, ['backup'])))).toEqual([
      '    server api1 10.0.0.1:80 check weight 10 backup  # first',
    ])
    expect(diff(printLines(removeWords(tree, 10, 4, 6)))).toEqual(['    server api1 10.0.0.1:80 check  # first'])
  })

  it('adds a line as its neighbours stand, and takes one away', () => {
    expect(diff(printLines(insertLine(tree, 11, ['server', 'api 3', '10.0.0.3:80'])))).toEqual([
      "    server 'api 3' 10.0.0.3:80",
    ])
    expect(printLines(insertLine(tree, 2, ['nbthread', '2']))).toContain('global\n\tnbthread 2\n\tmaxconn 2000\n')
    expect(printLines(insertLine(parseConfig('backend x'), 1, ['balance', 'source']))).toBe('backend x\n    balance source\n')
    expect(printLines(removeLine(tree, 3))).toBe(sample.replace('\tmaxconn 2000\n', ''))
  })
})
