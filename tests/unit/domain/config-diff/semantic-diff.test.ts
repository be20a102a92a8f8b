import { describe, expect, it } from 'vitest'
import type { ConfigText, ServiceKind } from '#contract'
import { semanticDiff } from '../../../../src-main/domain/config-diff/semantic-diff.ts'

const haproxy = `global
    maxconn 1000
defaults
    timeout connect 2s
    timeout client 30s
frontend fe
    bind :80
    http-request deny if { path /a }
    http-request deny if { path /b }
    use_backend be_shop if { path_beg /shop }
    default_backend be_web
backend be_web
    balance roundrobin
    server web1 10.0.0.1:80 check inter 1s
    server web2 10.0.0.2:80 check weight 5
backend be_shop
    balance source
    server shop1 10.0.0.3:80
`
const nginx = `worker_processes 2;
pid /run/nginx.pid;
http {
    upstream app {
        least_conn;
        server 10.0.0.1:80 weight=3;
        server 10.0.0.2:80;
    }
    server {
        listen 80;
        server_name app.example;
        location / {
            proxy_read_timeout 5s;
            proxy_pass http://app;
        }
    }
}
`
const keepalived = `global_defs {
    router_id lb1
}
vrrp_script chk {
    script "/usr/bin/true"
    interval 2
    weight -20
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 1
    unicast_src_ip 10.0.0.1
    unicast_peer {
        10.0.0.2
    }
    authentication {
        auth_type PASS
        auth_pass ***0001
    }
    virtual_ipaddress {
        10.0.0.100/24 dev eth0
    }
    track_script {
        chk
    }
}
`
const files: Record<ServiceKind, string> = { haproxy, nginx, keepalived }
const file = (kind: ServiceKind, text: string): ConfigText => ({ kind, path: `/etc/${kind}.conf`, text })

/** kind, what to replace by what, and the changes: `what subject: before → after (impact)` with the lines on both sides */
const cases: [ServiceKind, string, string, string[]][] = [
  ['haproxy', 'weight 5', 'weight 9', ['server.weight be_web/web2: 5 → 9 (runtime) 15,15']],
  ['haproxy', 'check weight 5', 'check weight 5 disabled', ['server.disabled be_web/web2: no → yes (runtime) 15,15']],
  ['haproxy', '10.0.0.3:80', '10.0.0.3:80 weight 2', ['server.weight be_shop/shop1: 1 → 2 (reload) 18,18']],
  ['haproxy', '10.0.0.2:80', '10.0.0.9:80', ['server.address be_web/web2: 10.0.0.2:80 → 10.0.0.9:80 (reload) 15,15']],
  ['haproxy', 'check inter 1s', 'check inter 5s', ['server.options be_web/web1: inter 1s → inter 5s (reload) 14,14']],
  ['haproxy', '10.0.0.3:80', '10.0.0.3:80 check', ['server.check be_shop/shop1: no → yes (reload) 18,18']],
  ['haproxy', '10.0.0.3:80', '10.0.0.3:80 backup', ['server.backup be_shop/shop1: no → yes (reload) 18,18']],
  [
    'haproxy',
    '    server web2 10.0.0.2:80 check weight 5\n',
    '',
    ['server.removed be_web/web2: 10.0.0.2:80 → – (reload) 15,–'],
  ],
  [
    'haproxy',
    '\nbackend be_shop',
    '\n    server web3 10.0.0.4:80\nbackend be_shop',
    ['server.added be_web/web3: – → 10.0.0.4:80 (reload) –,16'],
  ],
  ['haproxy', haproxy.slice(haproxy.indexOf('backend be_shop\n')), '', ['pool.removed be_shop: 10.0.0.3:80 → – (reload) 16,–']],
  ['haproxy', 'balance source', 'balance leastconn', ['pool.algorithm be_shop: source → leastconn (reload) 17,17']],
  [
    'haproxy',
    'bind :80',
    'bind :8080',
    ['listener.removed fe: :80 → – (reload) 7,–', 'listener.added fe: – → :8080 (reload) –,7'],
  ],
  ['haproxy', 'bind :80', 'bind :80 ssl', ['setting.value frontend fe: bind :80 → bind :80 ssl (reload) 7,7']],
  [
    'haproxy',
    'use_backend be_shop',
    'use_backend be_web',
    ['route.target fe if { path_beg /shop }: be_shop → be_web (reload) 10,10'],
  ],
  ['haproxy', 'timeout client 30s', 'timeout client 60s', ['timeout.value defaults client: 30s → 60s (reload) 5,5']],
  ['haproxy', '    timeout connect 2s\n', '', ['timeout.removed defaults connect: 2s → – (reload) 4,–']],
  ['haproxy', 'maxconn 1000', 'maxconn 2000', ['setting.value global: maxconn 1000 → maxconn 2000 (reload) 2,2']],
  ['haproxy', '    maxconn 1000\n', '    maxconn 1000\n    daemon\n', ['setting.added global: – → daemon (restart) –,3']],
  ['haproxy', '/a }\n', '/a } # why\n\n', []],
  [
    'haproxy',
    '    http-request deny if { path /a }\n    http-request deny if { path /b }\n',
    '    http-request deny if { path /b }\n    http-request deny if { path /a }\n',
    ['section.order frontend fe: http-request deny if { path /b } → http-request deny if { path /b } (reload) 9,8'],
  ],
  ['nginx', 'weight=3', 'weight=4', ['server.weight app/10.0.0.1:80: 3 → 4 (reload) 6,6']],
  ['nginx', '10.0.0.2:80;', '10.0.0.2:80 down;', ['server.disabled app/10.0.0.2:80: no → yes (reload) 7,7']],
  ['nginx', '        least_conn;\n', '', ['pool.algorithm app: least_conn → round robin (reload) 5,4']],
  [
    'nginx',
    'proxy_read_timeout 5s',
    'proxy_read_timeout 9s',
    ['timeout.value http › server app.example › location / proxy_read_timeout: 5s → 9s (reload) 13,13'],
  ],
  [
    'nginx',
    'worker_processes 2',
    'worker_processes 4',
    ['setting.value : worker_processes 2 → worker_processes 4 (reload) 1,1'],
  ],
  ['nginx', '/run/nginx.pid', '/run/n.pid', ['setting.value : pid /run/nginx.pid → pid /run/n.pid (restart) 2,2']],
  [
    'nginx',
    'listen 80',
    'listen 81',
    ['listener.removed server: 80 → – (reload) 10,–', 'listener.added server: – → 81 (reload) –,10'],
  ],
  ['keepalived', 'priority 150', 'priority 140', ['router.priority VI_1: 150 → 140 (reload) 13,13 own']],
  ['keepalived', 'virtual_router_id 51', 'virtual_router_id 52', ['router.vrid VI_1: 51 → 52 (both-members) 12,12']],
  ['keepalived', 'advert_int 1', 'advert_int 2', ['router.advert VI_1: 1 s → 2 s (both-members) 14,14']],
  [
    'keepalived',
    '10.0.0.100/24 dev eth0',
    '10.0.0.101/24 dev eth0',
    ['router.addresses VI_1: 10.0.0.100/24 → 10.0.0.101/24 (both-members) 23,23'],
  ],
  ['keepalived', '***0001', '***0002', ['router.auth VI_1: – → – (both-members) 19,19']],
  ['keepalived', 'interval 2', 'interval 1', ['script.interval chk: 2 s → 1 s (reload) 6,6']],
  ['keepalived', '/usr/bin/true', '/usr/bin/false', ['script.command chk: /usr/bin/true → /usr/bin/false (reload) 5,5']],
  ['keepalived', 'weight -20', 'weight -60', ['script.weight chk: -20 → -60 (reload) 7,7']],
  ['keepalived', '        chk\n', '', ['router.tracks VI_1: chk →  (reload) 26,26']],
  [
    'keepalived',
    'router_id lb1',
    'router_id lb2',
    ['setting.value global_defs: router_id lb1 → router_id lb2 (reload) 2,2 own'],
  ],
  [
    'keepalived',
    'src_ip 10.0.0.1',
    'src_ip 10.0.0.2',
    ['setting.value vrrp_instance VI_1: unicast_src_ip 10.0.0.1 → unicast_src_ip 10.0.0.2 (reload) 15,15 own'],
  ],
  ['keepalived', 'interface eth0', 'interface eth1', ['router.interface VI_1: eth0 → eth1 (reload) 11,11']],
]

const told = (before: readonly ConfigText[], after: readonly ConfigText[]): string[] =>
  semanticDiff(before, after).map(({ what, subject, before: from, after: to, impact, at, perNode }) => {
    const lines = `${at.before?.line ?? '–'},${at.after?.line ?? '–'}`
    return `${what} ${subject}: ${from ?? '–'} → ${to ?? '–'} (${impact}) ${lines}${perNode ? ' own' : ''}`
  })

describe('semanticDiff', () => {
  it.each(cases)('%s: "%s" → "%s"', (kind, from, to, expected) => {
    const changed = files[kind].replace(from, to)
    expect(changed).not.toBe(files[kind])
    expect(told([file(kind, files[kind])], [file(kind, changed)])).toEqual(expected)
  })

  it('finds nothing between a configuration and itself', () => {
    const all = (['haproxy', 'nginx', 'keepalived'] as const).map((kind) => file(kind, files[kind]))
    expect(semanticDiff(all, all)).toEqual([])
  })

  it('takes two files of other names for one, and tells a file that came with what is in it', () => {
    const renamed = { ...file('haproxy', haproxy), path: '/tmp/x.cfg' }
    expect(semanticDiff([file('haproxy', haproxy)], [renamed])).toEqual([])
    const added: ConfigText = {
      kind: 'nginx',
      path: '/etc/nginx/conf.d/x.conf',
      text: 'upstream x { server 10.0.0.9:80; }\nserver_tokens off;\n',
    }
    expect(told([file('nginx', nginx)], [file('nginx', nginx), added])).toEqual([
      'file.added /etc/nginx/conf.d/x.conf: – → /etc/nginx/conf.d/x.conf (reload) –,1',
      'pool.added x: – → 10.0.0.9:80 (reload) –,1',
    ])
  })

  it('reads the files of HAProxy as one: a timeout of defaults is one change however many inherit it', () => {
    const split = haproxy.indexOf('frontend')
    const parts = (head: string): ConfigText[] => [
      { kind: 'haproxy', path: '/etc/a.cfg', text: head },
      { kind: 'haproxy', path: '/etc/b.cfg', text: haproxy.slice(split) },
    ]
    const head = haproxy.slice(0, split)
    expect(told(parts(head), parts(head.replace('client 30s', 'client 31s')))).toEqual([
      'timeout.value defaults client: 30s → 31s (reload) 5,5',
    ])
  })
})
