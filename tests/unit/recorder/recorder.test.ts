import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeOutcome, ProbeTarget, RecordedProbe } from '../../../src-main/app/ports/recorder.ts'
import { createRecorder } from '../../../src-main/recorder/create-recorder.ts'
import { systemClock } from '../../../src-main/system-clock.ts'
import { createLocalSession } from '../../contract/local-session.ts'
import { startService } from './service.ts'

const recorder = createRecorder({ clock: systemClock })
const { signal } = new AbortController()
const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function service(how: { tls?: boolean } = {}) {
  const started = await startService(how)
  cleanUps.push(started.close)
  return started
}

/** This machine as a node that has only these programs. */
function nodeWith(...names: string[]) {
  const bin = mkdtempSync(path.join(tmpdir(), 'evenkeel-vantage-'))
  cleanUps.push(() => rmSync(bin, { recursive: true }))
  for (const [name, file] of Object.entries({ sh: '/bin/sh', perl: '/usr/bin/perl', python3: '/usr/bin/python3' })) {
    if (names.includes(name)) symlinkSync(file, path.join(bin, name))
  }
  return createLocalSession({ id: 'lb1', env: { PATH: bin } })
}

const target = (port: number, changes: Partial<ProbeTarget> = {}): ProbeTarget => ({
  host: '127.0.0.1',
  port,
  kind: 'http',
  path: '/health',
  everyMs: 20,
  timeoutMs: 300,
  ...changes,
})

const hasNode = (program: string): boolean => process.platform === 'linux' && existsSync(`/usr/bin/${program}`)

describe.each([
  ['the console', () => 'console' as const, true],
  ['a node with perl', () => nodeWith('sh', 'perl'), hasNode('perl')],
  ['a node with python', () => nodeWith('sh', 'python3'), hasNode('python3')],
])('probes from %s', { timeout: 30_000 }, (_, from, isPossible) => {
  beforeEach(({ skip }) => skip(!isPossible))

  const start = (port: number, changes: Partial<ProbeTarget> = {}) =>
    recorder.start({ target: target(port, changes), from: from(), maxMs: 60_000, signal })

  it('tell how each ended, and go on in their rhythm', async () => {
    const it = await service()
    const recording = await start(it.port)
    /** until so many more probes have ended in this way */
    const see = (outcome: ProbeOutcome, count = 3) =>
      new Promise<void>((resolve) => {
        let seen = 0
        const forget = recording.onProbe((probe) => {
          if (probe.outcome === outcome) seen += 1
          if (seen < count) return
          forget()
          resolve()
        })
      })
    await see('answered')
    it.behave('error')
    await see('bad-answer')
    it.behave('reset')
    await see('reset')
    it.behave('garbage')
    await see('bad-answer')
    it.behave('silent')
    await see('timeout')
    it.behave('ok')
    await see('answered')
    await it.stop()
    await see('refused')
    const { probes } = await recording.stop()

    const times = probes.map(({ at }) => at)
    expect(times).toEqual(times.toSorted((one, other) => one - other))
    for (const probe of probes) expect(probe.ok).toBe(probe.outcome === 'answered')
    const of = (outcome: ProbeOutcome): RecordedProbe[] => probes.filter((probe) => probe.outcome === outcome)
    for (const probe of of('answered')) expect(probe.connectMs).toBeLessThanOrEqual(probe.tookMs)
    for (const { tookMs } of of('timeout')) expect(tookMs).toBeGreaterThanOrEqual(300)
    for (const { connectMs } of of('refused')) expect(connectMs).toBeNull()
    // Open loop: while each probe waited 300 ms in vain, others were sent.
    const first = of('timeout')[0] ?? expect.fail('no probe timed out')
    expect(times.filter((at) => at > first.at && at < first.at + first.tookMs).length).toBeGreaterThan(3)
    expect(Math.abs(Date.now() - (times.at(-1) ?? 0))).toBeLessThan(20_000)
  })

  it('over TCP are good when they are accepted, and say nothing', async () => {
    const it = await service()
    const recording = await start(it.port, { kind: 'tcp' })
    await new Promise<void>((resolve) => recording.onProbe(() => resolve()))
    const { probes, held } = await recording.stop()
    expect(probes[0]).toMatchObject({ outcome: 'answered', ok: true })
    expect(held).toMatchObject([{ ending: 'open', endedAt: null }])
    expect(it.requests()).toBe(0)
  })

  it('hold a connection besides, and tell what became of it', async () => {
    const it = await service()
    const recording = await start(it.port, { timeoutMs: 150 })
    const asked = async (more: number): Promise<void> => {
      const enough = it.heldRequests() + more
      await expect.poll(it.heldRequests, { timeout: 20_000 }).toBeGreaterThanOrEqual(enough)
    }
    await asked(2)
    it.behave('reset')
    await asked(1)
    it.behave('ok')
    await asked(2)
    it.behave('silent')
    await asked(1)
    const since = Date.now()
    await new Promise<void>((resolve) =>
      recording.onProbe(({ at, outcome }) => at > since && outcome === 'timeout' && resolve()),
    )
    const { held } = await recording.stop()
    expect(held.map(({ ending }) => ending)).toEqual(['reset', 'frozen'])
    expect(held[0]?.endedAt).toBeGreaterThan(held[0]?.openedAt ?? Infinity)
    expect(held[1]).toMatchObject({ endedAt: null })
    expect(held[1]?.longestSilenceMs).toBeGreaterThan(150)
  })

  it('keep a WebSocket, too, and ping it', async () => {
    const it = await service()
    const recording = await start(it.port, { timeoutMs: 150, webSocketPath: '/ws' })
    const pinged = async (more: number): Promise<void> => {
      const enough = it.pings() + more
      await expect.poll(it.pings, { timeout: 20_000 }).toBeGreaterThanOrEqual(enough)
    }
    await pinged(2)
    it.behave('reset')
    await pinged(1)
    it.behave('ok')
    await pinged(2)
    const { held } = await recording.stop()
    expect(held.filter(({ what }) => what === 'websocket').map(({ ending }) => ending)).toEqual(['reset', 'open'])
    expect(held.some(({ what }) => what === 'keep-alive')).toBe(true)
  })

  it('tell of a WebSocket that is not taken', async () => {
    const it = await service()
    const recording = await start(it.port, { webSocketPath: '/elsewhere' })
    await expect.poll(it.heldRequests, { timeout: 20_000 }).toBeGreaterThanOrEqual(4)
    const { held } = await recording.stop()
    expect(held.find(({ what }) => what === 'websocket')).toMatchObject({ ending: 'closed' })
  })

  it('end by themselves when their time is up', async () => {
    const it = await service()
    const recording = await recorder.start({ target: target(it.port), from: from(), maxMs: 1000, signal })
    expect((await recording.lost).message).toMatch(/time was up/)
    expect((await recording.stop()).probes.length).toBeGreaterThan(3)
  })

  it('end when they are cancelled', async () => {
    const it = await service()
    const abort = new AbortController()
    const recording = await recorder.start({ target: target(it.port), from: from(), maxMs: 60_000, signal: abort.signal })
    abort.abort(new Error('the drill was closed'))
    expect(await recording.lost).toBeInstanceOf(Error)
    await recording.stop()
  })
})

describe.each([
  ['the console', () => 'console' as const, true],
  ['a node with perl and python', () => nodeWith('sh', 'perl', 'python3'), hasNode('perl') && hasNode('python3')],
])('probes over TLS from %s', { timeout: 30_000 }, (_, from, isPossible) => {
  beforeEach(({ skip }) => skip(!isPossible))

  const start = (port: number, changes: Partial<ProbeTarget> = {}) =>
    recorder.start({ target: target(port, { tls: true, ...changes }), from: from(), maxMs: 60_000, signal })
  const heard = (recording: Awaited<ReturnType<typeof start>>, count: number) =>
    new Promise<void>((resolve) => {
      let seen = 0
      recording.onProbe(() => (seen += 1) >= count && resolve())
    })

  it('ask, keep what is open, and name the host that is meant', async () => {
    const it = await service({ tls: true })
    const recording = await start(it.port, { hostName: 'service.test', webSocketPath: '/ws', timeoutMs: 2000 })
    await heard(recording, 20)
    await expect.poll(it.pings, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)
    const { probes, held } = await recording.stop()
    expect(probes.filter(({ ok }) => ok).length).toBeGreaterThan(10)
    for (const { connectMs, tookMs } of probes) expect(connectMs).toBeLessThan(tookMs)
    expect(held.map(({ what, ending }) => `${what} ${ending}`).sort()).toEqual(['keep-alive open', 'websocket open'])
    expect(new Set(it.names())).toEqual(new Set(['service.test']))
  })

  it('of TCP are good when the handshake is', async () => {
    const it = await service({ tls: true })
    const recording = await start(it.port, { kind: 'tcp', timeoutMs: 2000 })
    await heard(recording, 5)
    const { probes, held } = await recording.stop()
    expect(probes.every(({ ok }) => ok)).toBe(true)
    expect(held).toMatchObject([{ what: 'tcp', ending: 'open' }])
    expect(it.requests()).toBe(0)
    expect(it.names()).toEqual([])
  })

  it('get a bad answer from whoever does not speak it', async () => {
    const it = await service()
    it.behave('garbage')
    const recording = await start(it.port, { kind: 'tcp' })
    await heard(recording, 5)
    const { probes } = await recording.stop()
    expect(new Set(probes.map(({ outcome }) => outcome))).toEqual(new Set(['bad-answer']))
  })
})

describe('a vantage', () => {
  it('that has no python cannot probe over TLS, and is told so', async () => {
    const order = { target: target(1, { tls: true }), from: nodeWith('sh', 'perl'), maxMs: 1000, signal }
    await expect(recorder.start(order)).rejects.toMatchObject({
      code: 'exec.not-found',
      message: expect.stringMatching(/^lb1 has no python3.*TLS/),
    })
  })

  it('that has neither perl nor python is named', async () => {
    const order = { target: target(1), from: nodeWith('sh'), maxMs: 1000, signal }
    await expect(recorder.start(order)).rejects.toMatchObject({
      code: 'exec.not-found',
      message: expect.stringMatching(/^lb1 /),
    })
  })

  it('whose program fails is told of with its words', async () => {
    const order = { target: target(1, { host: 'no.such.host.invalid' }), from: nodeWith('sh', 'perl'), maxMs: 9000, signal }
    await expect(recorder.start(order)).rejects.toMatchObject({
      code: 'exec.failed',
      message: expect.stringMatching(/lb1.*resolved/),
    })
  })

  it.each<[string, Partial<ProbeTarget>]>([
    ['a path that would be more than a path', { path: '/ HTTP/1.1\r\nX: y' }],
    ['more probes than can be waited for', { everyMs: 1, timeoutMs: 1000 }],
  ])('does not take %s', async (_, changes) => {
    const order = { target: target(1, changes), from: 'console' as const, maxMs: 1000, signal }
    await expect(recorder.start(order)).rejects.toMatchObject({ code: 'request.invalid', effect: 'none' })
  })
})
