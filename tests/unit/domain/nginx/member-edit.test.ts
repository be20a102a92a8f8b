import { describe, expect, it } from 'vitest'
import {
  applyChanges,
  findMember,
  putBack,
  putIntoService,
  takeOut,
  type ConfigSource,
  type LineChange,
  type MemberRef,
} from '../../../../src-main/domain/nginx/member-edit.ts'

const main = '/etc/nginx/nginx.conf'
const ref = (address: string, upstream = 'app', context: MemberRef['context'] = 'http'): MemberRef => ({
  context,
  upstream,
  address,
})
const one = (text: string): ConfigSource[] => [{ path: main, text }]
const http = (block: string): ConfigSource[] => one(`http {\n  upstream app {\n${block}\n  }\n}\n`)

function apply(files: readonly ConfigSource[], changes: readonly LineChange[]): ConfigSource[] {
  return files.map((file) => ({
    ...file,
    text: applyChanges(
      file,
      changes.filter((change) => change.file === file.path),
    ),
  }))
}
const find = (files: readonly ConfigSource[], member: MemberRef, version = '1.22.1') =>
  findMember(files, member, version) ?? expect.fail(`no ${member.address}`)
const changesOf = (answer: ReturnType<typeof putBack>): LineChange[] =>
  Array.isArray(answer) ? answer : expect.fail('refused')

/** Out and back: what is between, after it was found that the way back ends where it began. */
function outAndBack(files: readonly ConfigSource[], member: MemberRef, version?: string): ConfigSource[] {
  const before = find(files, member, version)
  const out = apply(files, takeOut(before))
  expect(find(out, member, version).isOut).toBe(true)
  const back = apply(out, changesOf(putBack(find(out, member, version).lines, before.lines)))
  expect(back).toEqual(files)
  return out
}

describe('a member of an upstream', () => {
  it.each([
    ['    server 10.0.0.1:80;', '    server 10.0.0.1:80 down;'],
    ['\tserver 10.0.0.1  weight=2\n\t\tmax_fails=1 ; # kept\r', '\tserver 10.0.0.1  weight=2\n\t\tmax_fails=1 down ; # kept\r'],
    [
      'server 10.0.0.9:80; server "10.0.0.1:80" backup;server 10.0.0.2;',
      'server 10.0.0.9:80; server "10.0.0.1:80" backup down;server 10.0.0.2;',
    ],
    ['server # why\n 10.0.0.1:80 # x\n;', 'server # why\n 10.0.0.1:80 down # x\n;'],
    ['# server 10.0.0.1:80;\nserver 10.0.0.1:80; # \xe9\xff', '# server 10.0.0.1:80;\nserver 10.0.0.1:80 down; # \xe9\xff'],
  ])('goes out by one word and comes back byte for byte: %j', (block, becomes) => {
    expect(outAndBack(http(block), ref('10.0.0.1:80'))).toEqual(http(becomes))
  })

  it('keeps its slot in ip_hash, and is taken out by `drain` where sessions stick and nginx knows the word', () => {
    expect(outAndBack(http('ip_hash; server 10.0.0.1:80;'), ref('10.0.0.1:80'))[0]?.text).toContain('server 10.0.0.1:80 down;')
    const sticky = http('sticky cookie srv; server 10.0.0.1:80;')
    expect(outAndBack(sticky, ref('10.0.0.1:80'), '1.29.6')[0]?.text).toContain(':80 drain;')
    expect(outAndBack(sticky, ref('10.0.0.1:80'), '1.29.5')[0]?.text).toContain(':80 down;')
    expect(outAndBack(http('server 10.0.0.1:80;'), ref('10.0.0.1:80'), '1.30.0')[0]?.text).toContain(':80 down;')
  })

  it('that was `down` before is not touched, and stays so when it is put back', () => {
    const files = http('server 10.0.0.1:80 down weight=3; server 10.0.0.2:80;')
    const member = find(files, ref('10.0.0.1:80'))
    expect(takeOut(member)).toEqual([])
    expect(putBack(member.lines, member.lines)).toEqual([])
    const ready = apply(files, putIntoService(member))
    expect(ready[0]?.text).toContain('server 10.0.0.1:80 weight=3;')
    expect(apply(ready, changesOf(putBack(find(ready, ref('10.0.0.1:80')).lines, member.lines)))).toEqual(files)
  })

  it('that is listed twice goes out on every line, also when one of them was out', () => {
    const files = http('server 10.0.0.1:80;\nserver 10.0.0.1:80 down;\nserver 10.0.0.1;')
    expect(find(files, ref('10.0.0.1:80')).isOut).toBe(false)
    expect(outAndBack(files, ref('10.0.0.1:80'))[0]?.text.match(/ down;/g)).toHaveLength(3)
  })

  it('is found by http or stream, in an included file, by name and by socket', () => {
    const files: ConfigSource[] = [
      {
        path: main,
        text: 'http { include conf.d/*.conf; }\nstream { upstream app { server db.example:80; server unix:/run/x.sock; } }\n',
      },
      { path: '/etc/nginx/conf.d/a.conf', text: 'upstream app { include /etc/nginx/members; }\n' },
      { path: '/etc/nginx/members', text: 'server db.example:80;\nserver [2001:db8::1]:80;\n' },
    ]
    expect(find(files, ref('db.example:80')).lines).toEqual([
      { file: '/etc/nginx/members', line: 1, written: 'server db.example:80' },
    ])
    expect(outAndBack(files, ref('[2001:db8::1]:80'))[2]?.text).toContain('server [2001:db8::1]:80 down;')
    expect(outAndBack(files, ref('db.example:80', 'app', 'stream'))[0]?.text).toContain('db.example:80 down;')
    expect(outAndBack(files, ref('unix:/run/x.sock', 'app', 'stream'))[0]?.text).toContain('unix:/run/x.sock down;')
    expect(findMember(files, ref('10.9.9.9:80'), '1.22.1')).toBeNull()
  })

  it('whose line stands in a file that two pools include is told to', () => {
    const files: ConfigSource[] = [
      { path: main, text: 'http { include both; }\nstream { include both; }\n' },
      { path: '/etc/nginx/both', text: 'upstream app { server 10.0.0.1:80; }\n' },
    ]
    expect(find(files, ref('10.0.0.1:80')).sharedWith).toEqual(['stream upstream app'])
  })

  it('comes back although other lines have changed meanwhile, which stay', () => {
    const files = http('server 10.0.0.1:80;')
    const before = find(files, ref('10.0.0.1:80'))
    const edited = apply(files, takeOut(before)).map((file) => ({ ...file, text: `# by hand\n${file.text}` }))
    const back = apply(edited, changesOf(putBack(find(edited, ref('10.0.0.1:80')).lines, before.lines)))
    expect(back[0]?.text).toBe(`# by hand\n${files[0]?.text}`)
  })

  it('is not put back over a line that somebody has changed, given or taken', () => {
    const before = find(http('server 10.0.0.1:80;'), ref('10.0.0.1:80')).lines
    const heavier = find(http('server 10.0.0.1:80 weight=5 down;'), ref('10.0.0.1:80')).lines
    expect(putBack(heavier, before)).toMatchObject({ file: main, line: 3 })
    const twice = find(http('server 10.0.0.1:80 down;\nserver 10.0.0.1:80;'), ref('10.0.0.1:80')).lines
    expect(putBack(twice, before)).toMatchObject({ line: 4 })
    expect(putBack(before, twice)).toBeNull()
  })
})
