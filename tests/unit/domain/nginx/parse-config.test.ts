import { describe, expect, it } from 'vitest'
import { parseConfig, type Directive } from '../../../../src-main/domain/nginx/parse-config.ts'
import { splitConfigDump } from '../../../../src-main/domain/nginx/split-config-dump.ts'
import { fixture } from './fixtures.ts'

const parse = (text: string) => parseConfig([{ path: '/etc/nginx/nginx.conf', text }])
const shape = (directives: readonly Directive[]): unknown[] =>
  directives.map(({ name, args, block }) => (block === null ? [name, ...args] : [name, ...args, shape(block)]))

describe('splitConfigDump', () => {
  it('takes away exactly the one LF that nginx appends to every file', () => {
    const files = splitConfigDump(fixture('config-dump.txt'))
    expect(files.map((file) => file.path)).toEqual([
      '/run/w/ngx/nginx.conf',
      '/run/w/ngx/conf.d/app.conf',
      '/run/w/ngx/conf.d/z-last.conf',
      '/run/w/ngx/streams/db.conf',
    ])
    expect(files[0]?.text.endsWith('stream { include streams/*.conf; }\n')).toBe(true)
    expect(files[2]?.text).toBe('# no final newline')
    expect(files[3]?.text.endsWith('proxy_timeout 1h; }\n')).toBe(true)
  })

  it('has no files for the nothing that a broken configuration prints', () => expect(splitConfigDump('')).toEqual([]))
})

describe('parseConfig', () => {
  it('reads what nginx reads, with the place of every directive', () => {
    const { directives, problems } = parseConfig(splitConfigDump(fixture('config-dump.txt')))
    expect(problems).toEqual([])
    const upstream = directives.find(({ name }) => name === 'stream')?.block?.find(({ name }) => name === 'upstream')
    expect(upstream).toMatchObject({ args: ['app'], file: '/run/w/ngx/streams/db.conf', line: 1 })
    expect(upstream?.block?.[1]).toMatchObject({ name: 'server', args: ['127.0.0.1:9001'], line: 3 })
  })

  it.each<[string, string, unknown[]]>([
    ['quotes keep blanks, braces and semicolons', `a "b c;{}#" 'd "e"';`, [['a', 'b c;{}#', 'd "e"']]],
    ['a quote inside a word is a character', `a b"c;`, [['a', 'b"c']]],
    ['escapes', String.raw`a "b\"c" d\;e 'f\'g' \d\t;`, [['a', 'b"c', String.raw`d\;e`, `f'g`, '\\d\t']]],
    ['a hash begins a comment only where a word could begin', 'a b#c; # d; {\ne;', [['a', 'b#c'], ['e']]],
    [
      '${ does not open a block',
      'set $a ${b}c; d { e; }',
      [
        ['set', '$a', '${b}c'],
        ['d', [['e']]],
      ],
    ],
    ['no blank is needed before a brace', 'a{b c;}d;', [['a', [['b', 'c']]], ['d']]],
    [
      'CRLF',
      'a b;\r\nc {\r\n}\r\n',
      [
        ['a', 'b'],
        ['c', []],
      ],
    ],
  ])('%s', (_name, text, expected) => {
    const { directives, problems } = parse(text)
    expect(problems).toEqual([])
    expect(shape(directives)).toEqual(expected)
  })

  it.each([
    ['a b', 'nginx.conf:1: "a" is not ended by ";"'],
    ['a {\nb;', 'nginx.conf:2: unexpected end of file, expecting "}"'],
    ['a;\n}', 'nginx.conf:2: unexpected "}"'],
    ['a\n"b', 'nginx.conf:2: the string that starts here has no closing "'],
    ['include x.conf;', 'nginx.conf:1: included file x.conf is missing'],
  ])('tells where %j is wrong and reads on', (text, expected) => {
    expect(parse(text).problems.map(({ file, line, message }) => `${file.slice(11)}:${line}: ${message}`)).toContain(expected)
  })

  it('puts includes in the order of their names, each below its own directory', () => {
    const { directives } = parseConfig([
      { path: '/etc/nginx/nginx.conf', text: 'http { include conf.d/*.conf; include /opt/[ab]?.conf; }' },
      { path: '/etc/nginx/conf.d/b.conf', text: 'b;' },
      { path: '/etc/nginx/conf.d/a.conf', text: 'a;' },
      { path: '/etc/nginx/conf.d/.hidden.conf', text: 'hidden;' },
      { path: '/etc/nginx/conf.d/deeper/c.conf', text: 'c;' },
      { path: '/opt/b1.conf', text: 'b1;' },
    ])
    expect(shape(directives)).toEqual([['http', [['a'], ['b'], ['b1']]]])
  })

  it('reads a file as often as it is included, and no file for ever', () => {
    const twice = parseConfig([
      { path: '/n/nginx.conf', text: 'a { include x; } b { include x; }' },
      { path: '/n/x', text: 'c;' },
    ])
    expect(shape(twice.directives)).toEqual([
      ['a', [['c']]],
      ['b', [['c']]],
    ])
    expect(parseConfig([{ path: '/n/nginx.conf', text: 'include nginx.conf;' }]).problems).toHaveLength(1)
  })

  it('survives a comment that forges the framing of the dump', () => {
    const dump =
      '# configuration file /etc/nginx/nginx.conf:\nhttp {\nupstream a { server 127.0.0.1; }\n}\n# configuration file /etc/passwd:\n\n'
    const { directives } = parseConfig(splitConfigDump(dump))
    expect(shape(directives)).toEqual([['http', [['upstream', 'a', [['server', '127.0.0.1']]]]]])
  })
})
