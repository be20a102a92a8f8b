import { once } from 'node:events'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startLoad } from '../../../../src-main/practice/load/load-generator.ts'
import { PosixError } from '../../../../src-main/practice/machine/machine.ts'
import { systemClock } from '../../../../src-main/practice/machine/system-clock.ts'
import type { AccessEntry, Pool, PoolSpec, TcpServiceSpec } from '../../../../src-main/practice/traffic/traffic.ts'
import { createSite, echoPort, plainPool, plainService, type Site } from './site.ts'

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

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function serve(more: Partial<TcpServiceSpec> = {}, poolMore: Partial<PoolSpec> = {}, names = ['s1']): Pool {
  const servers = names.map((name) => site.server(name, { port: echoPort }))
  const pool = site.engine.addPool(plainPool('db', servers, poolMore))
  const log = (entry: AccessEntry): void => void entries.push(entry)
  const service = site.engine.addTcpService({
    name: 'tcp',
    pool,
    maxSessions: null,
    idleTimeoutMs: 10_000,
    attemptFailed: null,
    log,
    ...more,
  })
  site.listeners.replace([{ address: '*', port: 5432, nonlocal: false, accept: service.accept }])
  return pool
}

async function open(): Promise<Socket> {
  const socket = await site.connect(5432)
  socket.allowHalfOpen = true
  return socket
}

describe('TCP through the engine', () => {
  it('passes an end on and still carries the other direction (half-close)', async () => {
    const pool = serve()
    const socket = await open()
    const sent = 'x'.repeat(3_000_000)
    socket.end(sent)
    expect((await text(socket)).length).toBe(sent.length)
    while (entries.length === 0) await turn()
    expect(entries[0]).toMatchObject({ ended: null, bytesIn: 3_000_000, bytesOut: 3_000_000, server: 's1', status: null })
    expect([pool.figures.bytesIn, pool.figures.bytesOut, pool.figures.sessions]).toEqual([3_000_000, 3_000_000, 0])
  })

  it('a reader that does not read stops the writer', async () => {
    serve()
    const socket = await open()
    const block = Buffer.alloc(1024 * 1024)
    socket.pause()
    let written = 0
    for (let stalled = 0; stalled < 300 && written < 200;) {
      if (socket.writableLength < block.length) {
        socket.write(block)
        written += 1
        stalled = 0
      } else stalled += 1
      await turn()
    }
    expect(written, 'megabytes taken while nobody read').toBeLessThan(100)
    socket.destroy()
  })

  it('tries another server when one refuses', async () => {
    serve({}, { retries: 1 }, ['s1', 's2'])
    site.backend('s1').change({ presence: 'stopped' })
    const socket = await open()
    socket.end('hello')
    expect(await text(socket)).toBe('hello')
    while (entries.length === 0) await turn()
    expect(entries[0]).toMatchObject({ server: 's2', retries: 1, redispatched: true })
  })

  it('closes when no server is left, when there are too many, and when nobody speaks', async () => {
    const pool = serve({ maxSessions: 1, idleTimeoutMs: 50 })
    const first = await open()
    first.write('a')
    await once(first, 'data')
    const second = await open()
    second.resume()
    await once(second, 'end')
    first.resume()
    await once(first, 'end')
    while (entries.length === 0) await turn()
    expect(entries[0]?.ended).toBe('idle')
    pool.server('s1')?.setAdmin('maint')
    const third = await open()
    third.resume()
    await once(third, 'end')
    expect(entries[1]).toMatchObject({ ended: 'no-server', server: null })
  })

  it('a retired engine lives until its last connection ends', async () => {
    serve()
    const socket = await open()
    socket.write('a')
    await once(socket, 'data')
    let empty = false
    const finished = site.engine.finish().then(() => (empty = true))
    socket.write('b')
    expect(String((await once(socket, 'data'))[0])).toBe('b')
    expect(empty).toBe(false)
    socket.end()
    socket.resume()
    await finished
  })
})

describe('listeners', () => {
  it('all or nothing: an address in use leaves everything as it was', async () => {
    serve()
    site.balancer.network.listen({ address: '*', port: 81, pid: 1 }, ({ socket }) => socket.destroy())
    const refuse = (): void => {
      throw new Error('never called')
    }
    const bindings = [82, 81].map((port) => ({ address: '*', port, nonlocal: false, accept: refuse }))
    expect(() => site.listeners.replace(bindings)).toThrow(PosixError)
    expect(site.listeners.bindings()).toEqual([{ address: '*', port: 5432 }])
    const socket = await open()
    socket.end('still here')
    expect(await text(socket)).toBe('still here')
    await expect(site.connect(82)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe('the load generator', () => {
  it('keeps its rate, counts what came of it, and stops at once', async () => {
    const servers = ['s1', 's2'].map((name) => site.server(name, { cookie: name }))
    const persistence = { kind: 'cookie', name: 'SRV', mode: 'insert' } as const
    const pool = site.engine.addPool(plainPool('app', servers, { persistence }))
    const service = site.engine.addHttpService(plainService('web', () => pool))
    site.listeners.replace([{ address: '*', port: 80, nonlocal: false, accept: service.accept }])
    const load = startLoad(
      {
        ...{ address: site.address, port: 80, host: 'site', path: '/', perSecond: 400 },
        ...{ stickyShare: 0.5, keepAliveShare: 0.5, longLived: 2, slowMs: 1000, timeoutMs: 2000, visitMs: 60_000 },
      },
      { network: site.client.network, clock: systemClock, pid: 900, random: Math.random },
    )
    while (load.figures().ok < 60 || load.figures().longLived < 2) await turn()
    const before = load.figures()
    expect([before.failed, before.broken]).toEqual([0, 0])
    expect(before.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(before.ok)
    expect(pool.figures.chosen, 'sticky clients came back').toBeLessThan(pool.figures.totalSessions)
    for (const server of servers) site.backend(server.id).change({ errorRate: 1 })
    while (load.figures().failed < 10) await turn()
    load.stop()
    const after = load.figures()
    while (site.engine.sessions().length > 0) await turn()
    expect(load.figures()).toMatchObject({ ok: after.ok, failed: after.failed })
  })
})
