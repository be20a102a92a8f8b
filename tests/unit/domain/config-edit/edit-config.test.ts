import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyEdits, type ConfigIntent, type ConfigText } from '#contract'
import { semanticDiff } from '../../../../src-main/domain/config-diff/semantic-diff.ts'
import { editConfig } from '../../../../src-main/domain/config-edit/edit-config.ts'
import { EditRefusal } from '../../../../src-main/domain/config-edit/edit-refusal.ts'

const haproxy = `# the api
global
    maxconn 100
defaults
    mode http
    default-server inter 3s check
backend be_api
\tbalance roundrobin
\tserver api1 10.0.0.1:80 weight 5 # first
\tserver api2 10.0.0.2:80  backup
\tserver 'a b' 10.0.0.3:80 no-check weight "\${W}"

\t# below
frontend fe
    default_backend be_api
`
const nginx = `events {}
http {
    upstream api {
        least_conn;
        server 10.0.0.1:80 weight=2; # first
        server 10.0.0.2:80 backup max_fails=3
            # why it is down
            down;
        keepalive 4;
    }
    upstream one { server 10.0.0.1; }
}
`
const keepalived = `! vip
vrrp_instance VI_1 {
    state BACKUP
    interface eth0   # lan
    virtual_router_id 51
    priority 150
    virtual_ipaddress {
        198.18.0.9/24 dev eth0
        198.18.0.10/24
    }
}
vrrp_instance VI_2 { interface eth0 }
vrrp_instance VI_3 {
    @lb1 priority 150
    advert_int $ADVERT
    virtual_ipaddress { 198.18.0.11 }
}
`
const text = { haproxy, nginx, keepalived }
type Kind = keyof typeof text
const fileOf = (kind: Kind, crlf = false): ConfigText => ({
  path: `/etc/${kind}.cfg`,
  kind,
  text: crlf ? text[kind].replaceAll('\n', '\r\n') : text[kind],
})
const apply = (files: readonly ConfigText[], intent: ConfigIntent): ConfigText[] => {
  const edits = editConfig(files, intent)
  return files.map((file) => ({
    ...file,
    text: applyEdits(file.text, edits.find(({ path }) => path === file.path)?.edits ?? []),
  }))
}
const only = (intent: ConfigIntent): ConfigText => {
  const [file] = apply([fileOf(intent.kind)], intent)
  if (file === undefined) throw new Error('no file')
  return file
}
const setHaproxy = (server: string, option: string, value: string | boolean | null): ConfigIntent => ({
  ...{ what: 'server.set', kind: 'haproxy', pool: 'be_api', server, option, value },
})
const setNginx = (server: string, option: string, value: string | boolean | null, pool = 'api'): ConfigIntent => ({
  ...{ what: 'server.set', kind: 'nginx', pool, server, option, value },
})
const setRouter = (
  router: string,
  keyword: 'state' | 'priority' | 'advert_int' | 'nopreempt',
  value: string | boolean | null,
): ConfigIntent => ({ what: 'router.set', kind: 'keepalived', router, keyword, value })
const addressOf = (what: 'router.addAddress' | 'router.removeAddress', address: string, router = 'VI_1'): ConfigIntent => ({
  ...{ what, kind: 'keepalived', router, address },
})

/** The lines that are there on one side only. */
function changedLines(kind: Kind, after: string): string[] {
  const [old, now] = [text[kind].split('\n'), after.split('\n')]
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `-${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ]
}

describe('an edit of HAProxy', () => {
  it.each<[string, ConfigIntent, string[]]>([
    [
      'a value in its place, the comment kept',
      setHaproxy('api1', 'weight', '7'),
      ['-\tserver api1 10.0.0.1:80 weight 5 # first', '+\tserver api1 10.0.0.1:80 weight 7 # first'],
    ],
    [
      'a value that is not there yet',
      setHaproxy('api2', 'maxconn', '50'),
      ['-\tserver api2 10.0.0.2:80  backup', '+\tserver api2 10.0.0.2:80  backup maxconn 50'],
    ],
    [
      'a value that is taken away',
      setHaproxy('api1', 'weight', null),
      ['-\tserver api1 10.0.0.1:80 weight 5 # first', '+\tserver api1 10.0.0.1:80 # first'],
    ],
    ['what default-server gives already', setHaproxy('api1', 'inter', '3s'), []],
    [
      'a flag that default-server sets, switched off',
      setHaproxy('api1', 'check', false),
      ['-\tserver api1 10.0.0.1:80 weight 5 # first', '+\tserver api1 10.0.0.1:80 weight 5 no-check # first'],
    ],
    [
      'and on again',
      setHaproxy('a b', 'check', true),
      ['-\tserver \'a b\' 10.0.0.3:80 no-check weight "${W}"', '+\tserver \'a b\' 10.0.0.3:80 weight "${W}"'],
    ],
    [
      'a flag of its own',
      setHaproxy('api2', 'backup', false),
      ['-\tserver api2 10.0.0.2:80  backup', '+\tserver api2 10.0.0.2:80'],
    ],
    [
      'disabled',
      setHaproxy('api2', 'disabled', true),
      ['-\tserver api2 10.0.0.2:80  backup', '+\tserver api2 10.0.0.2:80  backup disabled'],
    ],
    [
      'the address',
      setHaproxy('api2', 'address', '10.0.0.9:81'),
      ['-\tserver api2 10.0.0.2:80  backup', '+\tserver api2 10.0.0.9:81  backup'],
    ],
    [
      'a server out',
      { what: 'server.remove', kind: 'haproxy', pool: 'be_api', server: 'api1' },
      ['-\tserver api1 10.0.0.1:80 weight 5 # first'],
    ],
    [
      'a server in, below the last one, without what it inherits',
      {
        ...{ what: 'server.add', kind: 'haproxy', pool: 'be_api', server: "o'b #1", address: '10.0.0.4:80' },
        options: [
          { option: 'check', value: true },
          { option: 'weight', value: '3' },
        ],
      },
      ['+\tserver "o\'b #1" 10.0.0.4:80 weight 3'],
    ],
  ])('%s', (_name, intent, lines) => expect(changedLines('haproxy', only(intent).text)).toEqual(lines))

  it('lands in the file that holds the pool, and knows what an earlier file gives', () => {
    const files: ConfigText[] = [
      { path: '/etc/haproxy/10.cfg', kind: 'haproxy', text: 'defaults\n  default-server weight 3\n' },
      { path: '/etc/haproxy/20.cfg', kind: 'haproxy', text: 'backend b\n  server a 10.0.0.1:80' },
    ]
    const add = (value: string): ConfigIntent => ({
      ...{ what: 'server.add', kind: 'haproxy', pool: 'b', server: 'c', address: '10.0.0.2:80' },
      options: [{ option: 'weight', value }],
    })
    expect(editConfig(files, add('3'))).toEqual([
      { path: '/etc/haproxy/20.cfg', edits: [{ from: 32, to: 32, insert: '\n  server c 10.0.0.2:80' }] },
    ])
    expect(apply(files, add('4'))[1]?.text).toBe('backend b\n  server a 10.0.0.1:80\n  server c 10.0.0.2:80 weight 4')
  })

  it.each<[string, ConfigIntent]>([
    ['No backend or listen section is called be_x.', { what: 'server.remove', kind: 'haproxy', pool: 'be_x', server: 'a' }],
    ['/etc/haproxy.cfg:7: be_api has no server api9.', setHaproxy('api9', 'weight', '1')],
    ['no option "wieght"', setHaproxy('api1', 'wieght', '1')],
    ['"weight" of a server wants a value', setHaproxy('api1', 'weight', true)],
    ['environment variable', setHaproxy('a b', 'weight', '3')],
  ])('is refused: %s', (message, intent) => {
    expect(() => only(intent)).toThrow(EditRefusal)
    expect(() => only(intent)).toThrow(message)
  })
})

describe('an edit of nginx', () => {
  it.each<[string, ConfigIntent, string[]]>([
    [
      'a value in its place',
      setNginx('10.0.0.1:80', 'weight', '9'),
      ['-        server 10.0.0.1:80 weight=2; # first', '+        server 10.0.0.1:80 weight=9; # first'],
    ],
    ['a word behind a comment taken away', setNginx('10.0.0.2:80', 'down', false), ['-            down;', '+            ;']],
    [
      'a word more',
      setNginx('10.0.0.1:80', 'max_conns', '10'),
      ['-        server 10.0.0.1:80 weight=2; # first', '+        server 10.0.0.1:80 weight=2 max_conns=10; # first'],
    ],
    [
      'a member of a block on one line',
      setNginx('10.0.0.1:80', 'down', true, 'one'),
      ['-    upstream one { server 10.0.0.1; }', '+    upstream one { server 10.0.0.1 down; }'],
    ],
    [
      'a member out',
      { what: 'server.remove', kind: 'nginx', pool: 'api', server: '10.0.0.1:80' },
      ['-        server 10.0.0.1:80 weight=2; # first'],
    ],
    [
      'a member in, below the last one',
      {
        what: 'server.add',
        kind: 'nginx',
        pool: 'api',
        server: 'unix:/run/a b',
        address: 'unix:/run/a b',
        options: [{ option: 'weight', value: '2' }],
      },
      ['+        server "unix:/run/a b" weight=2;'],
    ],
    [
      'a member into a block on one line',
      { what: 'server.add', kind: 'nginx', pool: 'one', server: '10.0.0.5:80', address: '10.0.0.5:80', options: [] },
      ['-    upstream one { server 10.0.0.1; }', '+    upstream one { server 10.0.0.1; server 10.0.0.5:80; }'],
    ],
  ])('%s', (_name, intent, lines) => expect(changedLines('nginx', only(intent).text)).toEqual(lines))

  it('lands in the included file that has the members', () => {
    const files: ConfigText[] = [
      { path: '/etc/nginx/nginx.conf', kind: 'nginx', text: 'http { include up/*.conf; }\n' },
      { path: '/etc/nginx/up/a.conf', kind: 'nginx', text: 'upstream a {\n  include members/a;\n}\n' },
      { path: '/etc/nginx/members/a', kind: 'nginx', text: 'server 10.0.0.1:80;\n' },
    ]
    expect(apply(files, setNginx('10.0.0.1:80', 'weight', '2', 'a'))[2]?.text).toBe('server 10.0.0.1:80 weight=2;\n')
  })
})

describe('an edit of keepalived', () => {
  it.each<[string, ConfigIntent, string[]]>([
    ['a value in its place', setRouter('VI_1', 'priority', '90'), ['-    priority 150', '+    priority 90']],
    ['a value that is not there yet', setRouter('VI_1', 'advert_int', '0.5'), ['+    advert_int 0.5']],
    ['a flag', setRouter('VI_1', 'nopreempt', true), ['+    nopreempt']],
    [
      'into a block on one line',
      setRouter('VI_2', 'priority', '90'),
      ['-vrrp_instance VI_2 { interface eth0 }', '+vrrp_instance VI_2 { interface eth0', '+    priority 90', '+ }'],
    ],
    ['an address more', addressOf('router.addAddress', '198.18.0.20/24 dev eth0'), ['+        198.18.0.20/24 dev eth0']],
    ['an address less', addressOf('router.removeAddress', '198.18.0.9/24'), ['-        198.18.0.9/24 dev eth0']],
    ['what is said already', setRouter('VI_1', 'state', 'BACKUP'), []],
  ])('%s', (_name, intent, lines) => expect(changedLines('keepalived', only(intent).text)).toEqual(lines))

  it.each<[string, ConfigIntent]>([
    ['priority wants a number from 1 to 255', setRouter('VI_1', 'priority', '256')],
    ['depends on a condition (@lb1)', setRouter('VI_3', 'priority', '9')],
    ['each node has its own', setRouter('VI_3', 'advert_int', '2')],
    ['quotes or braces', addressOf('router.addAddress', '198.18.0.1 label "x')],
    ['the only address', addressOf('router.removeAddress', '198.18.0.11', 'VI_3')],
    ['No vrrp_instance is called VI_9', setRouter('VI_9', 'priority', '9')],
  ])('is refused: %s', (message, intent) => expect(() => only(intent)).toThrow(message))
})

describe('edits of any kind', () => {
  const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(...'ab1 #"\'\\{};$!=-/.é') })
  const name = word.filter((each) => each.trim() === each)
  const figure = fc.integer({ min: 1, max: 250 }).map(String)
  const crlf = fc.boolean()
  const pairs: [string, fc.Arbitrary<[ConfigIntent, ConfigIntent]>, string][] = [
    [
      'a server of HAProxy in and out',
      fc.tuple(name, name, figure).map(([server, address, weight]): [ConfigIntent, ConfigIntent] => [
        {
          ...{ what: 'server.add', kind: 'haproxy', pool: 'be_api', server: `n${server}`, address },
          options: [
            { option: 'weight', value: weight },
            { option: 'backup', value: true },
          ],
        },
        { what: 'server.remove', kind: 'haproxy', pool: 'be_api', server: `n${server}` },
      ]),
      'server.added',
    ],
    [
      'a member of nginx in and out',
      fc.tuple(name, figure).map(([server, weight]): [ConfigIntent, ConfigIntent] => [
        {
          ...{ what: 'server.add', kind: 'nginx', pool: 'api', server: `unix:/${server}`, address: `unix:/${server}` },
          options: [{ option: 'weight', value: weight }],
        },
        { what: 'server.remove', kind: 'nginx', pool: 'api', server: `unix:/${server}` },
      ]),
      'server.added',
    ],
    [
      'a weight there and back',
      figure
        .filter((value) => value !== '5')
        .map((value) => [setHaproxy('api1', 'weight', value), setHaproxy('api1', 'weight', '5')]),
      'server.weight',
    ],
    [
      'a weight more and less',
      figure
        .filter((value) => value !== '1')
        .map((value) => [setNginx('10.0.0.2:80', 'weight', value), setNginx('10.0.0.2:80', 'weight', null)]),
      'server.weight',
    ],
    ['a flag', fc.constant([setHaproxy('api1', 'disabled', true), setHaproxy('api1', 'disabled', false)]), 'server.disabled'],
    ['a check', fc.constant([setHaproxy('api1', 'check', false), setHaproxy('api1', 'check', true)]), 'server.check'],
    [
      'a priority',
      figure
        .filter((value) => value !== '150')
        .map((value) => [setRouter('VI_1', 'priority', value), setRouter('VI_1', 'priority', '150')]),
      'router.priority',
    ],
    [
      'an advert interval',
      figure
        .filter((value) => value !== '1')
        .map((value) => [setRouter('VI_1', 'advert_int', value), setRouter('VI_1', 'advert_int', null)]),
      'router.advert',
    ],
    [
      'an address',
      figure.map((last) => [
        addressOf('router.addAddress', `198.18.7.${last}/24`),
        addressOf('router.removeAddress', `198.18.7.${last}/24`),
      ]),
      'router.addresses',
    ],
  ]

  it.each(pairs)('%s: one change in the words of the trade, and every byte back', (_name, both, what) => {
    fc.assert(
      fc.property(both, crlf, fc.boolean(), ([edit, inverse], withCrlf, isCut) => {
        const whole = fileOf(edit.kind, withCrlf)
        // a file whose last line has no end
        const file = { ...whole, text: isCut ? whole.text.trimEnd() : whole.text }
        const after = apply([file], edit)
        expect(semanticDiff([file], after).map((change) => change.what)).toEqual([what])
        expect(withCrlf && /(?<!\r)\n/.test(after[0]?.text ?? '')).toBe(false)
        expect(apply(after, inverse)).toEqual([file])
        expect(editConfig(after, edit.what === 'server.add' ? inverse : edit).flatMap(({ edits }) => edits)).toHaveLength(
          edit.what === 'server.add' ? 1 : 0,
        )
      }),
      { numRuns: 300 },
    )
  })
})
