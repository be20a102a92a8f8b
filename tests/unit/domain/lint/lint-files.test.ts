import { describe, expect, it } from 'vitest'
import type { ServiceKind } from '#contract'
import { certificateUses } from '../../../../src-main/domain/lint/certificate-uses.ts'
import { certificateFindings } from '../../../../src-main/domain/lint/certificate-findings.ts'
import { lintFiles } from '../../../../src-main/domain/lint/lint-files.ts'

const timeouts = '  timeout client 30s\n  timeout server 30s\n  timeout connect 5s\n'
const haproxy = (text: string): string => `defaults\n  mode http\n${timeouts}${text}`
const two = '  server a 10.0.0.1:80 check\n  server b 10.0.0.2:80 check\n'
const upstream = (inside: string): string => `http {\nupstream api {\n${inside}}\n}\n`
const instance = (inside: string, name = 'VI_1'): string =>
  `vrrp_instance ${name} {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n 198.18.0.9\n }\n${inside}}\n`
const quiet = 'global_defs {\n vrrp_higher_prio_send_advert true\n reload_check_config }\n'

/** `rule@line` of every finding, without the remarks that most files would get */
function found(kind: ServiceKind, ...texts: string[]): string[] {
  const files = texts.map((text, index) => ({ path: `/${index}`, kind, text }))
  return lintFiles(files).map(({ rule, file, line }) => `${rule}@${texts.length > 1 ? `${file}:` : ''}${line}`)
}

describe('two whole configurations of HAProxy', () => {
  const whole = (servers: string, more = ''): string =>
    `global\n  maxconn 5000\n${haproxy(`frontend f\n  bind 198.18.0.1:80${more}\n  default_backend b\nbackend b\n${servers}`)}`

  it('are those of members, and not one in which names are taken twice', () => {
    expect(found('haproxy', whole(two), whole(two).replace('198.18.0.1', '198.18.0.2'))).toEqual([])
  })
  it('must not differ in what clients are answered', () => {
    const other = whole(`${two.replace('10.0.0.2', '10.0.0.9')}  server c 10.0.0.3:80 check\n`, '\n  bind :8080')
    expect(found('haproxy', whole(two), other)).toEqual(['haproxy/members-differ@/1:8', 'haproxy/members-differ@/1:14', 'haproxy/members-differ@/1:15']) // prettier-ignore
    expect(found('haproxy', whole(two), whole(two.replace(' check\n', '\n')))).toContain('haproxy/members-differ@/1:12')
    expect(found('haproxy', whole(two), `${whole(two)}backend more\n${two}`)).toEqual(['haproxy/members-differ@/1:14'])
  })
})

describe('certificates', () => {
  const now = Date.parse('2026-11-23T00:00:00Z')
  const day = 86_400_000
  const uses = certificateUses([
    {
      kind: 'haproxy',
      path: '/h',
      text: 'global\n  crt-base /etc/tls\nfrontend f\n  bind :443 ssl crt edge.pem crt /etc/all\n',
    },
    { kind: 'nginx', path: '/etc/nginx/n', text: 'http {\n server {\n  ssl_certificate n.pem;\n }\n}\n' },
  ])
  const valid = (path: string, fromDays: number, toDays: number) => ({ path, subject: 'CN=edge', notBefore: now + fromDays * day, notAfter: now + toDays * day }) // prettier-ignore

  it('are found where they are named, in a file or in a folder', () => {
    expect(uses.map(({ path, file, line }) => `${path} ${file}:${line}`)).toEqual(['/etc/tls/edge.pem /h:4', '/etc/all /h:4', '/etc/nginx/n.pem /etc/nginx/n:3']) // prettier-ignore
  })
  it('that are over, not yet, or soon over are told of, each at its line', () => {
    const seen = [
      valid('/etc/tls/edge.pem', -90, -1),
      valid('/etc/all/a.pem', 1, 90),
      valid('/etc/all/b.pem', -90, 90),
      valid('/etc/nginx/n.pem', -80, 10),
    ]
    expect(
      certificateFindings(uses, seen, now).map(({ rule, severity, line, message }) => `${severity} ${rule}@${line} ${message}`),
    ).toEqual([
      'error haproxy/certificate-expired@4 /etc/tls/edge.pem expired on 2026-11-22 (CN=edge)',
      'error haproxy/certificate-expired@4 /etc/all/a.pem is not valid before 2026-11-24 (CN=edge)',
      'warning nginx/certificate-expires-soon@3 /etc/nginx/n.pem expires on 2026-12-03, in 10 days (CN=edge)',
    ])
  })
})

describe('haproxy', () => {
  it('has nothing to say of a sound file', () => {
    expect(found('haproxy', haproxy(`frontend f\n  bind :80\n  default_backend b\nbackend b\n${two}`))).toEqual([])
  })

  it.each<[string, string, string]>([
    ['no check', haproxy('backend b\n  server a 10.0.0.1:80\n  server b 10.0.0.2:80 check\n'), 'haproxy/no-health-check@7'],
    ['one server', haproxy('backend b\n  server a 10.0.0.1:80 check\n'), 'haproxy/single-server@7'],
    ['a cookie without redispatch', haproxy(`backend b\n  cookie S insert\n${two}`), 'haproxy/sticky-without-fallback@7'],
    [
      'redispatch switched off again',
      haproxy(`  option redispatch\nbackend b\n  cookie S insert\n  no option redispatch\n${two}`),
      'haproxy/sticky-without-fallback@8',
    ],
    ['no timeouts', `backend b\n${two}`, 'haproxy/missing-timeout@1'],
    ['an admin socket on TCP', 'global\n  stats socket ipv4@0.0.0.0:9999 level admin\n', 'haproxy/admin-socket-on-tcp@2'],
    ['two binds of one port', haproxy(`frontend f\n  bind :80\nfrontend g\n  bind *:80\n`), 'haproxy/bind-twice@9'],
    [
      'a limit beyond the process',
      `global\n  maxconn 100\n${haproxy('frontend f\n  bind :80\n  maxconn 200\n')}`,
      'haproxy/maxconn@10',
    ],
    ['a state file', `${haproxy('')}  load-server-state-from-file global\nbackend b\n${two}`, 'haproxy/server-state@6'],
    [
      'a misspelt option',
      haproxy('backend b\n  server a 10.0.0.1:80 check wieght 3\n  server b 10.0.0.2:80 check\n'),
      'haproxy/unknown-server-option@7',
    ],
    ['a name twice', haproxy(`backend b\n${two}  server a 10.0.0.3:80 check\n`), 'haproxy/duplicate-server@9'],
    [
      'a listen and a backend of one name',
      haproxy(`listen b\n  bind :1\n${two}backend b\n${two}`),
      'haproxy/duplicate-proxy@10',
    ],
    ['a route to nowhere', haproxy('frontend f\n  bind :80\n  use_backend x if TRUE\n'), 'haproxy/missing-backend@8'],
    ['no line feed at the end', 'global\n  maxconn 5', 'haproxy/syntax@2'],
    ['an open quote', 'global\n  description "x\n', 'haproxy/syntax@2'],
    ['a line before the first section', '  maxconn 5\nglobal\n', 'haproxy/syntax@1'],
  ])('finds %s', (_what, text, expected) => {
    expect(found('haproxy', text)).toContain(expected)
  })

  it('knows what a name of another file is', () => {
    const files = [haproxy('frontend f\n  bind :80\n  default_backend b\n'), `backend b\n${two}`]
    expect(found('haproxy', ...files)).toEqual([])
  })
})

describe('nginx', () => {
  it('has nothing to say of a sound file', () => {
    expect(found('nginx', upstream('server 10.0.0.1;\nserver 10.0.0.2 backup;\n'))).toEqual([])
    expect(found('nginx', upstream('server app.example;\n'))).toEqual([])
  })

  it.each<[string, string, string]>([
    ['one server', upstream('server 10.0.0.1;\n'), 'nginx/single-server@2'],
    ['nobody left', upstream('server 10.0.0.1 down;\nserver 10.0.0.2 down;\n'), 'nginx/single-server@2'],
    ['failures that do not count', upstream('server 10.0.0.1 max_fails=0;\nserver 10.0.0.2;\n'), 'nginx/no-health-check@3'],
    ['a backup below ip_hash', upstream('ip_hash;\nserver 10.0.0.1;\nserver 10.0.0.2 backup;\n'), 'nginx/backup-with-hash@5'],
    ['drain', upstream('server 10.0.0.1 drain;\nserver 10.0.0.2;\n'), 'nginx/drain@3'],
    ['an empty upstream', upstream(''), 'nginx/empty-upstream@2'],
    ['a name twice', `${upstream('server a;\n')}${upstream('server b;\n')}`, 'nginx/duplicate-upstream@7'],
    ['a method below keepalive', upstream('server a;\nkeepalive 4;\nleast_conn;\n'), 'nginx/keepalive-order@5'],
    ['a POST that is repeated', 'http {\nproxy_next_upstream error non_idempotent;\n}\n', 'nginx/non-idempotent-retry@2'],
    ['a missing brace', 'http {\n', 'nginx/syntax@2'],
  ])('finds %s', (_what, text, expected) => {
    expect(found('nginx', text)).toContain(expected)
  })
})

describe('keepalived', () => {
  it('has nothing to say of a sound pair', () => {
    const pair = [`${quiet}${instance(' priority 150\n')}`, `${quiet}${instance(' priority 100\n')}`]
    expect(found('keepalived', ...pair)).toEqual([])
  })

  it.each<[string, string, string]>([
    [
      'a missing interface',
      `${quiet}vrrp_instance V {\n virtual_router_id 5\n virtual_ipaddress {\n 1.2.3.4\n}\n}\n`,
      'keepalived/incomplete@4',
    ],
    [
      'an impossible id',
      `${quiet}vrrp_instance V {\n interface e\n virtual_router_id 256\n virtual_ipaddress {\n 1.2.3.4\n}\n}\n`,
      'keepalived/incomplete@6',
    ],
    ['no address', `${quiet}vrrp_instance V {\n interface e\n virtual_router_id 5\n}\n`, 'keepalived/no-address@4'],
    ['an id twice on a segment', `${quiet}${instance('', 'A')}${instance('', 'B')}`, 'keepalived/vrid-reuse@13'],
    ['a long password', `${quiet}${instance(' authentication {\n auth_pass 123456789\n }\n')}`, 'keepalived/auth-pass@11'],
    ["an example's password", `${quiet}${instance(' authentication {\n auth_pass 1111\n }\n')}`, 'keepalived/auth-pass@11'],
    ['nopreempt of a MASTER', `${quiet}${instance(' state MASTER\n nopreempt\n')}`, 'keepalived/nopreempt-master@11'],
    [
      'a weight that nopreempt makes void',
      `${quiet}vrrp_script s {\n script "/bin/x"\n weight -60\n}\n${instance(' nopreempt\n track_script {\n s\n }\n')}`,
      'keepalived/nopreempt-weight@16',
    ],
    ['a script that nobody defined', `${quiet}${instance(' track_script {\n s\n }\n')}`, 'keepalived/undefined-script@11'],
    [
      'a check of a process',
      `${quiet}vrrp_script s {\n script "/usr/bin/killall -0 haproxy"\n}\n`,
      'keepalived/check-process-only@4',
    ],
    ['a split brain that heals slowly', instance(''), 'keepalived/higher-prio-advert@1'],
    ['a reload that takes anything', instance(''), 'keepalived/reload-check@1'],
    ['an extra brace', `${quiet}}\n`, 'keepalived/syntax@4'],
  ])('finds %s', (_what, text, expected) => {
    expect(found('keepalived', text)).toContain(expected)
  })

  it('takes the word alone for a yes, as keepalived does', () => {
    const flag = (says: string): string => quiet.replace('send_advert true', `send_advert${says}`) + instance('')
    for (const says of ['', ' on', ' yes']) expect(found('keepalived', flag(says))).toEqual([])
    for (const says of [' off', ' no', ' false'])
      expect(found('keepalived', flag(says))).toContain('keepalived/higher-prio-advert@4')
  })

  it('compares the members of a pair', () => {
    const script = 'vrrp_script s {\n script "/bin/x"\n weight -20\n}\n'
    const high = `${quiet}${script}${instance(' priority 150\n track_script {\n s\n }\n')}`
    expect(found('keepalived', high, `${quiet}${instance(' priority 100\n')}`)).toEqual(['keepalived/weight-never-flips@/0:16'])
    expect(found('keepalived', `${quiet}${instance('')}`, `${quiet}${instance(' advert_int 2\n')}`)).toEqual([
      'keepalived/equal-priority@/1:4',
      'keepalived/members-differ@/1:10',
    ])
    const peers = ' priority 90\n unicast_peer {\n 10.0.0.1\n }\n'
    expect(found('keepalived', `${quiet}${instance('')}`, `${quiet}${instance(peers)}`)).toEqual([
      'keepalived/members-differ@/0:4',
    ])
  })

  it('misses the partner of a member: in its file, and among its peers', () => {
    const one = `${quiet}${instance(' priority 150\n')}`
    const other = instance(' priority 100\n')
    const second = instance('', 'VI_2').replace('51', '52')
    expect(found('keepalived', one, `${quiet}${other}${second}`)).toEqual(['keepalived/single-member@/1:12'])
    expect(found('keepalived', `${quiet}${second}`, `${quiet}${other}`), 'of two nodes that are no pair').toEqual([])
    const unicast = (own: string, peer: string, priority: number): string =>
      `${quiet}${instance(` priority ${priority}\n unicast_src_ip ${own}\n unicast_peer {\n ${peer}\n }\n`)}`
    expect(found('keepalived', unicast('10.0.0.1', '10.0.0.2', 150), unicast('10.0.0.2', '10.0.0.1', 100))).toEqual([])
    expect(found('keepalived', unicast('10.0.0.1', '10.0.0.3', 150), unicast('10.0.0.2', '10.0.0.1', 100))).toEqual([
      'keepalived/unicast-peer@/0:12',
    ])
  })
})
