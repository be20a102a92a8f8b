import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { aNginxSite, type NginxSite } from './a-site.ts'

let site: NginxSite

beforeEach(async () => {
  site = await aNginxSite()
})
afterEach(() => site.close())

async function serve(config: Parameters<NginxSite['write']>[0]): Promise<void> {
  site.write(config)
  expect(await site.nginx()).toMatchObject({ code: 0, stderr: '' })
}

/** Which servers answered so many requests. */
async function asked(times: number, path = '/', headers: Record<string, string> = {}): Promise<(string | undefined)[]> {
  const answers = []
  for (let each = 0; each < times; each += 1) answers.push((await site.get(path, headers)).backend)
  return answers
}

const counted = (names: readonly (string | undefined)[]) =>
  Object.fromEntries(['s1', 's2', 's3'].map((name) => [name, names.filter((each) => each === name).length]))
const to = (upstream: string, more = '') =>
  `upstream app { ${upstream} } server { location / { proxy_pass http://app; ${more} } }`
const seen = ({ body }: { body: string }) => JSON.parse(body) as { url: string; headers: Record<string, string> }

describe('who is asked', () => {
  it('smooth weighted round robin, over the workers where there is a zone', async () => {
    await serve({ main: 'worker_processes 2;', http: to('zone app 64k; server $s1 weight=5; server $s2; server $s3;') })
    expect(await asked(7)).toEqual(['s1', 's1', 's2', 's1', 's3', 's1', 's1'])
    expect(counted(await asked(70))).toEqual({ s1: 50, s2: 10, s3: 10 })
  })

  it('each worker in turns of its own without a zone', async () => {
    await serve({ main: 'worker_processes 2;', http: to('server $s1; server $s2;') })
    expect(await asked(4)).toEqual(['s1', 's1', 's2', 's2'])
  })

  it('nobody who is down, and spares when nobody else can', async () => {
    await serve({ http: to('server $s1; server $s2 down; server $s3 backup;') })
    expect(counted(await asked(6))).toEqual({ s1: 6, s2: 0, s3: 0 })
    site.backend('s1').change({ presence: 'stopped' })
    expect(counted(await asked(4))).toEqual({ s1: 0, s2: 0, s3: 4 })
  })

  it('one server for what a consistent hash hashes', async () => {
    await serve({ http: to('hash $arg_user consistent; server $s1; server $s2; server $s3;') })
    const users = await Promise.all(Array.from({ length: 12 }, (_, user) => asked(3, `/?user=${user}`)))
    for (const answers of users) expect(new Set(answers).size).toBe(1)
    expect(new Set(users.flat()).size).toBeGreaterThan(1)
  })

  it('another when one refuses, which then is out for a while; 502 when nobody is left', async () => {
    await serve({ http: to('server $s1 max_fails=1 fail_timeout=30s; server $s2;') })
    site.backend('s1').change({ presence: 'stopped' })
    expect(await asked(4)).toEqual(['s2', 's2', 's2', 's2'])
    expect(site.logged().filter((line) => /connect\(\) failed \(111: Connection refused\)/.test(line))).toHaveLength(1)
    site.backend('s2').change({ presence: 'stopped' })
    const reply = await site.get('/x')
    expect([reply.status, reply.headers.server, reply.body]).toEqual([
      502,
      'nginx/1.22.1',
      expect.stringContaining('<center><h1>502 Bad Gateway</h1></center>'),
    ])
    await site.get('/y')
    expect(site.logged().at(-1)).toMatch(
      /^\[error\] \*\d+ no live upstreams while connecting to upstream, client: \S+, server: , request: "GET \/y HTTP\/1\.1", upstream: "http:\/\/app\/y", host: "site"$/,
    )
  })

  it('another after a status that is named, and the last one’s answer as it is', async () => {
    await serve({ http: to('server $s1 max_fails=0; server $s2 max_fails=0;', 'proxy_next_upstream error timeout http_500;') })
    site.backend('s1').change({ errorRate: 1 })
    expect((await site.get('/')).backend).toBe('s2')
    site.backend('s2').change({ errorRate: 1 })
    expect((await site.get('/')).status).toBe(500)
  })

  it('no more than max_conns at once, and nobody waits', async () => {
    await serve({ http: to('server $s1 max_conns=1;') })
    const first = site.get('/download?bytes=40000&perSecond=40000')
    await expect.poll(() => site.backend('s1').connections).toBe(1)
    expect((await site.get('/')).status).toBe(502)
    expect((await first).status).toBe(200)
  })
})

describe('what goes over', () => {
  it('a host and a closed connection unless told otherwise; headers with variables; another path', async () => {
    await serve({
      http: `upstream app { server $s1; keepalive 4; }
        server {
          location / { proxy_pass http://app; }
          location /shop/ {
            proxy_pass http://app/v2/; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; add_header X-Upstream $upstream_addr;
          }
        }`,
    })
    const plain = seen(await site.get('/a?b=c', { 'x-mine': '1', upgrade: '' }))
    expect([plain.url, plain.headers]).toEqual(['/a?b=c', { 'x-mine': '1', host: 'app', connection: 'close' }])
    const reply = await site.get('/shop/%41//x?y=1', { 'x-forwarded-for': '203.0.113.9' })
    expect(seen(reply)).toMatchObject({
      url: '/v2/A/x?y=1',
      headers: {
        host: 'site',
        connection: 'keep-alive',
        'x-forwarded-for': expect.stringMatching(/^203\.0\.113\.9, \S+$/) as string,
      },
    })
    expect(reply.headers['x-upstream']).toMatch(/:8080$/)
    expect(site.backend('s1').connections).toBe(1)
    expect((await site.get('/shop')).headers.location).toBe('http://site/shop/')
  })

  it('WebSockets, where the headers are set', async () => {
    await serve({
      http: `map $http_upgrade $connection_upgrade { default upgrade; "" close; }
        upstream app { server $s1; }
        server { location / { proxy_pass http://app; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; } }`,
    })
    const socket = await site.connect()
    const peer = new WebSocket('ws://site/socket', { createConnection: () => socket })
    await once(peer, 'open')
    peer.send('hello')
    expect(String(((await once(peer, 'message')) as [Buffer])[0])).toBe('hello')
    peer.close()
    await once(peer, 'close')
  })

  it('TCP, through stream', async () => {
    await serve({ stream: 'upstream s { least_conn; server $echo1; server $echo2; } server { listen 81; proxy_pass s; }' })
    const socket = await site.connect(81)
    socket.end('over')
    expect(await text(socket)).toBe('over')
    site.backend('s1').change({ presence: 'stopped' })
    site.backend('s2').change({ presence: 'stopped' })
    const refused = await site.connect(81)
    expect(await text(refused)).toBe('')
    expect(site.logged().filter((line) => line.includes('server: 0.0.0.0:81, upstream:'))).toHaveLength(2)
  })
})

describe('what nginx answers itself', () => {
  it('too many requests, by a leaky bucket with a burst', async () => {
    await serve({
      http: `limit_req_zone $http_x_client zone=each:1m rate=1r/m;
        upstream app { server $s1; }
        server { location / { limit_req zone=each burst=2 nodelay; limit_req_status 429; proxy_pass http://app; } }`,
    })
    const statuses = async (client: string) => {
      const all = []
      for (let each = 0; each < 5; each += 1) all.push((await site.get('/', { 'x-client': client })).status)
      return all
    }
    expect(await statuses('one')).toEqual([200, 200, 200, 429, 429])
    expect(await statuses('two')).toEqual([200, 200, 200, 429, 429])
    expect(site.logged().at(-1)).toMatch(/^\[error\] \*\d+ limiting requests, excess: (2\.99\d|3\.000) by zone "each", client:/)
    expect((await site.nginx('-s', 'reload')).code).toBe(0)
    await expect.poll(() => site.logged().filter((line) => line.endsWith('start worker processes'))).toHaveLength(2)
    expect((await site.get('/', { 'x-client': 'two' })).status, 'the zone lives on').toBe(429)
  })

  it('waits where there is a burst without nodelay', async () => {
    await serve({
      http: `limit_req_zone $http_x_client zone=each:1m rate=20r/s;
        server { location / { limit_req zone=each burst=5; proxy_pass http://$s1; } }`,
    })
    expect(counted(await asked(3, '/', { 'x-client': 'one' }))).toEqual({ s1: 3, s2: 0, s3: 0 })
    expect(site.logged().filter((line) => line.includes('delaying request'))).not.toEqual([])
  })

  it('by name, location, rule and status page', async () => {
    await serve({
      http: `server { listen 80 default_server; return 404; }
        server {
          listen 80; server_name shop.example *.shop.example;
          location / { return 200 "$host $uri $arg_a"; }
          location = /x { return 301 /y; }
          location ^~ /static { return 200 static; }
          location ~ \\\\.(php|cgi)$ { return 200 "$1"; }
          location /closed { deny all; }
          location /gone { return 444; }
          location = /status { stub_status; }
          location /files { }
        }`,
    })
    const get = (path: string, host = 'shop.example') => site.get(path, { host })
    expect((await get('/', 'nobody.example')).status).toBe(404)
    expect((await get('/a/../b?a=1', 'www.SHOP.example:80')).body).toBe('www.shop.example /b 1')
    expect((await get('/x')).headers).toMatchObject({ location: 'http://shop.example/y', 'content-length': '169' })
    expect((await get('/static/a.php')).body).toBe('static')
    expect((await get('/a.php')).body).toBe('php')
    expect((await get('/closed')).status).toBe(403)
    expect((await get('/files')).status).toBe(404)
    expect((await get('/..')).status).toBe(400)
    await expect(get('/gone')).rejects.toThrow()
    expect((await get('/status')).body).toMatch(
      /^Active connections: 1 \nserver accepts handled requests\n 10 10 10 \nReading: 0 Writing: 1 Waiting: 0 \n$/,
    )
  })

  it('and writes its logs', async () => {
    await serve({
      http: `log_format short '$remote_addr $status $body_bytes_sent "$http_referer" $upstream_addr $upstream_status';
        server { access_log /var/log/nginx/short short; access_log /var/log/nginx/all; location / { proxy_pass http://$s1; } location /own { return 200 "four"; } }`,
    })
    await site.get('/own', { referer: 'a "b"' })
    const { body } = await site.get('/')
    const lines = (name: string) => site.balancer.files.read(`/var/log/nginx/${name}`).toString('utf8').trim().split('\n')
    await expect.poll(() => lines('short')).toHaveLength(2)
    expect(lines('short')[0]).toMatch(/^\S+ 200 4 "a \\x22b\\x22" - -$/)
    expect(lines('short')[1]).toMatch(new RegExp(`^\\S+ 200 ${body.length} "-" \\S+:8080 200$`))
    expect(lines('all')[0]).toMatch(
      /^\S+ - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/own HTTP\/1\.1" 200 4 "a \\x22b\\x22" "-"$/,
    )
  })
})
