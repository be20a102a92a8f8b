import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { runNginx } from '../../../../src-main/practice/nginx/program.ts'
import { aMachine } from '../machine/a-machine.ts'

/** What nginx 1.22.1 said to `-t`, without times and process ids; tests/lab/practice-nginx.lab.test.ts holds it true. */
const measured = JSON.parse(readFileSync('tests/fixtures/practice-nginx/measured.json', 'utf8')) as {
  config: string
  code: number
  said: string[]
}[]

async function check(config: string): Promise<{ code: number; said: string[] }> {
  const { machine } = await aMachine()
  machine.programs.install('/usr/sbin/nginx', runNginx)
  machine.files.write('/tmp/c.conf', config)
  const { code, stderr } = await machine.run(['nginx', '-t', '-c', '/tmp/c.conf'])
  const said = stderr.replace(/^\S+ \S+ (\[\w+\]) \d+#\d+: /gm, '$1 ').split('\n')
  return { code, said: said.slice(0, -1) }
}

it.each(measured.map((one) => [one.config.split('\n').slice(1).join(' ') || one.config, one] as const))(
  'nginx -t: %s',
  async (_, { config, code, said }) => {
    expect(await check(config)).toEqual({ code, said })
  },
)

const main = 'pid /tmp/p; error_log /tmp/e; events {}\n'
const stream = `load_module modules/ngx_stream_module.so; ${main}`

it.each([
  ['UDP', `${stream}stream { server { listen 53 udp; proxy_pass 127.0.0.1:53; } }`],
  ['IPv6', `${main}http { access_log off; server { listen [::]:80; } }`],
  [
    'names of upstreams that only a request knows',
    `${main}http { access_log off; server { location / { proxy_pass http://$host; } } }`,
  ],
  ['daemon off', `${main}daemon off;`],
  ['what it cannot retry', `${main}http { access_log off; proxy_next_upstream http_404; }`],
  ['conditional logs', `${main}http { access_log /tmp/a combined if=$uri; }`],
  ['names in maps', `${main}http { access_log off; map $host $x { hostnames; default 1; } }`],
  ['other keys of stream hashes', `${stream}stream { upstream a { hash $server_addr; server 127.0.0.1:1; } }`],
  ['TLS', `${main}http { access_log off; server { listen 443 ssl; } }`],
  ['rewrites', `${main}http { access_log off; server { rewrite ^ /x; } }`],
])('refuses what it cannot carry out: %s', async (_, config) => {
  const { code, said } = await check(config)
  expect([code, said.some((line) => line.includes('[emerg]'))]).toEqual([1, true])
})
