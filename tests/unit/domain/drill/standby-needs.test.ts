import { expect, it } from 'vitest'
import { needsOf } from '../../../../src-main/domain/drill/standby-needs.ts'

const haproxy = `global
    crt-base /etc/ssl/site
frontend fe
    bind :443 ssl crt site.pem crt /etc/ssl/other/
    bind 198.18.0.10:80
    bind /run/fe.sock
    default_backend be
backend be
    server a 198.18.0.31:8000 check
    server b [2001:db8::31]:8000
    server c app.example:8000
    server off 198.18.0.32:8000 disabled
    server local unix@/run/app.sock
listen other
    bind *:5432
    server a 198.18.0.31:8000
`
const nginx = {
  main: 'http { include conf.d/*.conf; }\nstream { upstream mq { server 198.18.0.33:9000; } server { listen 8083; proxy_pass mq; } }\n',
  site: `upstream app { server 198.18.0.31:8000; server 198.18.0.34:8000 down; server unix:/run/app.sock; }
server { listen 8443 ssl; ssl_certificate tls/site.crt; ssl_certificate_key tls/site.key; ssl_certificate $dynamic.crt; }
`,
}
const files = [
  { kind: 'haproxy' as const, path: '/etc/haproxy/haproxy.cfg', text: haproxy },
  { kind: 'nginx' as const, path: '/etc/nginx/nginx.conf', text: nginx.main },
  { kind: 'nginx' as const, path: '/etc/nginx/conf.d/site.conf', text: nginx.site },
]

it('finds the servers that take traffic, each address once', () => {
  expect(needsOf(files).backends).toEqual([
    { host: '198.18.0.31', port: 8000, servers: ['be/a', 'other/a', 'app/198.18.0.31:8000'] },
    { host: '2001:db8::31', port: 8000, servers: ['be/b'] },
    { host: 'app.example', port: 8000, servers: ['be/c'] },
    { host: '198.18.0.33', port: 9000, servers: ['mq/198.18.0.33:9000'] },
  ])
})

it('finds what is listened on, and by whom', () => {
  expect(needsOf(files).listens.map(({ kind, address, port }) => `${kind} ${address} ${port}`)).toEqual([
    'haproxy * 443',
    'haproxy 198.18.0.10 80',
    'haproxy * 5432',
    'nginx * 8083',
    'nginx * 8443',
  ])
})

it('finds certificates, relative to where their daemon looks for them', () => {
  expect(needsOf(files).certificates).toEqual(['/etc/ssl/site/site.pem', '/etc/ssl/other/', '/etc/nginx/tls/site.crt'])
})

it('takes nothing for granted where there are no files', () => {
  expect(needsOf([])).toEqual({ backends: [], listens: [], certificates: [] })
})
