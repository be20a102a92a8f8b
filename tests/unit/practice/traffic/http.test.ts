import { once } from 'node:events'
import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { systemClock } from '../../../../src-main/practice/machine/system-clock.ts'
import { writePersistence } from '../../../../src-main/practice/traffic/layer7/cookies.ts'
import { addForwarded } from '../../../../src-main/practice/traffic/layer7/headers.ts'
import { ServerAgent } from '../../../../src-main/practice/traffic/layer7/server-agent.ts'
import type {
  AccessEntry,
  Engine,
  HttpServiceSpec,
  Pool,
  PoolSpec,
  ServerSpec,
} from '../../../../src-main/practice/traffic/traffic.ts'
import { createSite, plainPool, plainService, type Reply, type Site } from './site.ts'

let site: Site
let entries: AccessEntry[]

beforeEach(async () => {
  site = await createSite(systemClock)
  entries = []
})
afterEach(async () => {
  expect(site.reported).toEqual([])
  await site.close()
})

function serve(engine: Engine, pool: PoolSpec, more: Partial<HttpServiceSpec> = {}): Pool {
  const added = engine.addPool(pool)
  const log = (entry: AccessEntry): void => void entries.push(entry)
  const service = engine.addHttpService(plainService('web', () => added, { log, ...more }))
  site.listeners.replace([{ address: '*', port: 80, nonlocal: false, accept: service.accept }])
  return added
}

const seen = ({ body }: Reply): { headers: Record<string, string>; url: string; received: number } => JSON.parse(body)

describe('HTTP through the engine', () => {
  it('weights 5:3:1:1 give 50, 30, 10 and 10 of a hundred requests', async () => {
    const servers = [5, 3, 1, 1].map((weight, at) => site.server(`s${at}`, { weight }))
    const pool = serve(site.engine, plainPool('app', servers))
    for (let each = 0; each < 100; each += 1) expect((await site.get('/')).status).toBe(200)
    expect(servers.map(({ id }) => site.backend(id).requests)).toEqual([50, 30, 10, 10])
    expect(pool.servers.map(({ figures }) => figures.totalSessions)).toEqual([50, 30, 10, 10])
    expect(pool.figures.responses).toEqual([0, 100, 0, 0, 0, 0])
    expect([pool.figures.sessions, pool.figures.mostSessions, pool.figures.chosen]).toEqual([0, 1, 100])
    expect(pool.figures.bytesOut).toBeGreaterThan(10_000)
  })

  it('routes by path, host and header, and tells the server who asked', async () => {
    const [app, api, canary] = ['app', 'api', 'canary'].map((name) => site.engine.addPool(plainPool(name, [site.server(name)])))
    if (app === undefined || api === undefined || canary === undefined) throw new Error('three pools')
    const service = site.engine.addHttpService(
      plainService(
        'web',
        ({ request: { url, headers } }) => {
          if (headers['x-canary'] === 'yes') return canary
          if (url === '/moved') return { status: 301, body: '', headers: { location: '/' } }
          return url?.startsWith('/api/') === true || headers.host === 'api.site' ? api : app
        },
        { editRequest: (headers, facts) => addForwarded(headers, facts, { for: true, proto: true, host: true }) },
      ),
    )
    site.listeners.replace([{ address: '*', port: 80, nonlocal: false, accept: service.accept }])
    expect((await site.get('/')).backend).toBe('app')
    expect((await site.get('/api/x')).backend).toBe('api')
    expect((await site.get('/', { host: 'api.site' })).backend).toBe('api')
    expect((await site.get('/', { 'x-canary': 'yes' })).backend).toBe('canary')
    expect((await site.get('/moved')).headers.location).toBe('/')
    const reply = seen(await site.get('/', { 'x-forwarded-for': '192.0.2.1', host: 'site' }))
    const own = site.client.network.addresses()[0]?.address
    expect(reply.headers['x-forwarded-for']).toBe(`192.0.2.1, ${own}`)
    expect([reply.headers['x-forwarded-proto'], reply.headers['x-forwarded-host']]).toEqual(['http', 'site'])
  })

  it('carries bodies, chunked or not, and keeps connections on both sides', async () => {
    const pool = serve(site.engine, plainPool('app', [site.server('s1')]))
    const agent = new ServerAgent(site.client.network, { pid: 900, timeoutMs: 1000 }, 1)
    const body = 'x'.repeat(200_000)
    expect(seen(await site.get('/', { 'content-length': String(body.length) }, 'POST', body)).received).toBe(200_000)
    expect(seen(await site.get('/', { 'transfer-encoding': 'chunked' }, 'POST', body)).received).toBe(200_000)
    const connectionsBefore = site.backend('s1').connections
    for (let each = 0; each < 5; each += 1) expect(await overAgent(agent, site)).toBe(200)
    expect(site.engine.sessions().map(({ requests }) => requests)).toEqual([5])
    expect(site.backend('s1').connections).toBe(connectionsBefore + 1)
    agent.destroy()
    expect(pool.figures.bytesIn).toBeGreaterThan(0)
  })

  it('goes elsewhere when a server refuses, and says 503 when none is left', async () => {
    const pool = serve(site.engine, plainPool('app', [site.server('s1'), site.server('s2')], { retries: 1 }))
    site.backend('s1').change({ presence: 'stopped' })
    for (let each = 0; each < 4; each += 1) expect((await site.get('/')).backend).toBe('s2')
    expect(pool.server('s1')?.figures.connectionErrors).toBeGreaterThan(0)
    expect(entries.some(({ redispatched, retries }) => redispatched && retries === 1)).toBe(true)
    site.backend('s2').change({ presence: 'stopped' })
    const reply = await site.get('/')
    expect([reply.status, reply.body]).toEqual([503, 'error 503\n'])
    expect(entries.at(-1)).toMatchObject({ status: 503, ended: 'connect' })
  })

  it('504 for a silent server, and for a broken answer a cut connection', async () => {
    serve(site.engine, plainPool('app', [site.server('s1')]), { serverTimeoutMs: () => 60 })
    site.backend('s1').change({ presence: 'black-hole' })
    expect((await site.get('/')).status).toBe(504)
    expect(entries.at(-1)).toMatchObject({ status: 504, ended: 'response-timeout' })
    site.backend('s1').change({ presence: 'running' })
    const download = site.get('/download?bytes=1000000&perSecond=100000')
    const cut = expect(download).rejects.toThrow()
    while (site.backend('s1').requests === 0) await new Promise((resolve) => setImmediate(resolve))
    site.backend('s1').change({ presence: 'stopped' })
    await cut
  })

  it('a session cookie keeps a client at its server, even while that drains', async () => {
    const servers = ['s1', 's2'].map((id) => site.server(id, { cookie: `c-${id}` }))
    const pool = serve(site.engine, plainPool('app', servers, { persistence: { kind: 'cookie', name: 'SRV', mode: 'insert' } }))
    const first = await site.get('/')
    expect([first.backend, first.headers['set-cookie']]).toEqual(['s1', ['SRV=c-s1; path=/']])
    const mine = { cookie: 'a=1; SRV=c-s1; b=2' }
    const again = await site.get('/', mine)
    expect([again.backend, again.headers['set-cookie'], seen(again).headers['cookie']]).toEqual(['s1', undefined, 'a=1; b=2'])
    pool.server('s1')?.setAdmin('drain')
    expect([(await site.get('/', mine)).backend, (await site.get('/')).backend, (await site.get('/')).backend]).toEqual([
      's1',
      's2',
      's2',
    ])
    pool.server('s1')?.setAdmin('maint')
    const moved = await site.get('/', mine)
    expect([moved.backend, moved.headers['set-cookie']]).toEqual(['s2', ['SRV=c-s2; path=/']])
  })

  it("a prefixed cookie names the server in the server's own cookie", async () => {
    const pool = plainPool('app', [site.server('s1', { cookie: 'A' }), site.server('s2', { cookie: 'B' })], {
      persistence: { kind: 'cookie', name: 'JSID', mode: 'prefix' },
    })
    serve(site.engine, pool)
    const reply = await site.get('/', { cookie: 'JSID=B~42' })
    expect([reply.backend, seen(reply).headers['cookie'], reply.headers['set-cookie']]).toEqual(['s2', 'JSID=42', undefined])
    const headers = { 'set-cookie': ['JSID=43; path=/', 'other=1'] }
    writePersistence(headers, { kind: 'cookie', name: 'JSID', mode: 'prefix' }, { cookie: 'B', known: true })
    expect(headers['set-cookie']).toEqual(['JSID=B~43; path=/', 'other=1'])
  })

  it('a kept connection that died in the meantime costs nobody an answer', async () => {
    const pool = serve(site.engine, plainPool('app', [site.server('s1')], { retries: 0 }))
    for (let each = 0; each < 3; each += 1) {
      expect((await site.get('/')).status).toBe(200)
      site.backend('s1').change({ presence: 'stopped' })
      site.backend('s1').change({ presence: 'running' })
    }
    expect((await site.get('/')).status).toBe(200)
    expect(pool.figures.responseErrors).toBe(0)
  })

  it('what is not HTTP is answered 400 and counted', async () => {
    serve(site.engine, plainPool('app', [site.server('s1')]))
    const socket = await site.connect()
    socket.end('what is this\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*error 400\n$/)
  })

  it('closes a connection on which no request, or no further one, comes in time', async () => {
    serve(site.engine, plainPool('app', [site.server('s1')]), { requestTimeoutMs: 40, keepAliveMs: 40 })
    const silent = await site.connect()
    expect(await text(silent)).toBe('')
    const kept = await site.connect()
    kept.write('GET / HTTP/1.1\r\nhost: site\r\n\r\n')
    expect(await text(kept)).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  it('upgrades to WebSocket and carries messages both ways', async () => {
    const pool = serve(site.engine, plainPool('app', [site.server('s1')]))
    const socket = await site.connect()
    const peer = new WebSocket('ws://site/socket', { createConnection: () => socket })
    await once(peer, 'open')
    for (const text of ['one', 'x'.repeat(100_000)]) {
      peer.send(text)
      const [data] = (await once(peer, 'message')) as [Buffer]
      expect(data.toString()).toBe(text)
    }
    expect(site.engine.sessions()[0]).toMatchObject({ server: 's1', request: 'GET /socket' })
    expect(pool.figures.sessions).toBe(1)
    peer.close()
    await once(peer, 'close')
    while (entries.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(entries[0]).toMatchObject({ status: 101, server: 's1' })
    expect(pool.figures.sessions).toBe(0)
  })
})

describe('what clients may do', () => {
  it('an upgrade that no server takes is answered as any other request', async () => {
    const pool = serve(site.engine, plainPool('app', [site.server('s1')]))
    pool.server('s1')?.setAdmin('maint')
    const socket = await site.connect()
    const peer = new WebSocket('ws://site/socket', { createConnection: () => socket })
    const [, response] = (await once(peer, 'unexpected-response')) as [unknown, IncomingMessage]
    expect([response.statusCode, await text(response)]).toEqual([503, 'error 503\n'])
    while (site.engine.sessions().length > 0) await new Promise((resolve) => setImmediate(resolve))
  })

  it('requests sent before their answers are answered in order, HEAD without a body', async () => {
    serve(site.engine, plainPool('app', [site.server('s1')]), { keepAliveMs: 40 })
    site.backend('s1').change({ latencyMs: 60 })
    const socket = await site.connect()
    for (const line of ['GET /one', 'HEAD /two', 'GET /three']) socket.write(`${line} HTTP/1.1\r\nhost: site\r\n\r\n`)
    const replies = await text(socket)
    expect(replies.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
    expect([...replies.matchAll(/"url":"([^"]*)"/g)].map(([, url]) => url)).toEqual(['/one', '/three'])
  })

  it('a body that nobody wanted does not stand in the way of the next request', async () => {
    const service = site.engine.addHttpService(
      plainService('web', ({ request }) => ({ status: request.method === 'POST' ? 429 : 200, body: 'x', headers: {} })),
    )
    site.listeners.replace([{ address: '*', port: 80, nonlocal: false, accept: service.accept }])
    const socket = await site.connect()
    const body = 'x'.repeat(500_000)
    socket.write(`POST / HTTP/1.1\r\nhost: site\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    socket.write('GET / HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n')
    expect((await text(socket)).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 429', 'HTTP/1.1 200'])
  })
})

describe('going without a loss', () => {
  it('who connected just before a reload is still answered by the old engine', async () => {
    const spec = site.server('s1')
    serve(site.engine, plainPool('app', [spec]))
    const socket = await site.connect()
    while (site.engine.sessions().length === 0) await new Promise((resolve) => setImmediate(resolve))
    serve(site.newEngine(), plainPool('app', [spec]))
    const finished = site.engine.finish()
    socket.write('GET / HTTP/1.1\r\nhost: site\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n/)
    await finished
  })

  it('a drained server finishes what it has and gets nothing new', async () => {
    const pool = serve(site.engine, plainPool('app', [site.server('s1'), site.server('s2')]))
    const download = site.get('/download?bytes=60000&perSecond=200000')
    while (site.backend('s1').requests === 0) await new Promise((resolve) => setImmediate(resolve))
    pool.server('s1')?.setAdmin('drain')
    for (let each = 0; each < 10; each += 1) expect((await site.get('/')).backend).toBe('s2')
    expect((await download).body.length).toBe(60_000)
    expect([site.backend('s1').requests, pool.server('s1')?.figures.sessions]).toEqual([1, 0])
  })

  it('a reload refuses nobody: the old engine finishes, then it is empty', async () => {
    const spec: ServerSpec = site.server('s1')
    serve(site.engine, plainPool('app', [spec]))
    const long = site.get('/download?bytes=60000&perSecond=200000')
    while (site.backend('s1').requests === 0) await new Promise((resolve) => setImmediate(resolve))
    const replies: Promise<Reply>[] = []
    let old = site.engine
    for (let reload = 0; reload < 5; reload += 1) {
      for (let each = 0; each < 4; each += 1) replies.push(site.get('/'))
      const next = site.newEngine()
      serve(next, plainPool('app', [spec]))
      const finished = old.finish()
      old = next
      for (let each = 0; each < 4; each += 1) replies.push(site.get('/'))
      if (reload > 0) await finished
    }
    expect((await Promise.all(replies)).map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200))
    expect((await long).body.length).toBe(60_000)
    await site.engine.finish()
    expect(site.engine.sessions()).toEqual([])
    await old.finish()
  })

  it('sessions are listed and cut, one by one or all at once', async () => {
    serve(site.engine, plainPool('app', [site.server('s1')]))
    const streams = ['/events?a', '/events?b', '/events?c'].map((path) => site.get(path))
    const ends = Promise.all(streams.map((stream) => expect(stream).rejects.toThrow()))
    while (site.backend('s1').requests < 3) await new Promise((resolve) => setImmediate(resolve))
    while (site.engine.sessions().some(({ server }) => server === null)) await new Promise((resolve) => setImmediate(resolve))
    const sessions = site.engine.sessions()
    expect(sessions.map(({ request }) => request).toSorted()).toEqual(['GET /events?a', 'GET /events?b', 'GET /events?c'])
    const finished = site.engine.finish()
    sessions[0]?.cut()
    while (site.engine.sessions().length > 2) await new Promise((resolve) => setImmediate(resolve))
    site.engine.finishNow()
    await finished
    await ends
    expect(entries.map(({ ended }) => ended)).toEqual(['cut', 'cut', 'cut'])
    // Nothing stays open towards the servers, kept connections included.
    while (site.backend('s1').connections > 0) await new Promise((resolve) => setImmediate(resolve))
  })
})

function overAgent(agent: Agent, { address }: Site): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest({ agent, host: address, port: 80, path: '/' }, (response) => {
      response.resume().on('end', () => setImmediate(() => resolve(response.statusCode ?? 0)))
    })
      .on('error', reject)
      .end()
  })
}
