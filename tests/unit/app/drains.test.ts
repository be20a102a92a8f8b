import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallName, DrainView, InputOf, OutputOf, ServerId } from '#contract'
import { AppError } from '../../../src-main/app/app-error.ts'
import { call } from '../../../src-main/app/dispatcher.ts'
import { compose, type Console } from '../../../src-main/compose.ts'
import type { BalancerReading, ServerReading } from '../../../src-main/domain/fleet/reading.ts'
import { haproxy, pool, server } from '../domain/fleet/readings.ts'
import {
  fakeCipher,
  fakeHaproxy,
  fakeNodeFacts,
  fakeSessions,
  silentLog,
  testClock,
  type FakeHaproxy,
  type FakeSessions,
  type TestClock,
} from './fakes.ts'

const w1 = 'edge/haproxy/app/w1' as ServerId
const address = server('w1').address
const pollMs = 2_000

let folder: string
let clock: TestClock
let sessions: FakeSessions
let driver: FakeHaproxy
let running: Console[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evenkeel-drains-'))
  clock = testClock()
  sessions = fakeSessions(clock)
  const names = ['w1', 'second', 'third3']
  driver = fakeHaproxy(
    Object.fromEntries(
      ['lb1', 'lb2'].map((id) => [
        id,
        haproxy([
          pool(
            'app',
            names.map((name) => server(name)),
          ),
        ]),
      ]),
    ),
  )
  running = []
})

afterEach(async () => {
  for (const each of running) await each.stop()
  await rm(folder, { recursive: true })
})

async function open(): Promise<Console> {
  const overrides = { sessions: () => sessions, drivers: [driver], probeNodeFacts: fakeNodeFacts, random: () => 0 }
  const options = {
    dataFolder: folder,
    shell: 'cli',
    env: {},
    home: folder,
    cipher: fakeCipher,
    clock,
    log: silentLog,
  } as const
  const opened = await compose({ ...options, overrides })
  running.push(opened)
  const text = JSON.stringify({
    version: 1,
    nodes: ['lb1', 'lb2'].map((id) => ({ id, name: id, ssh: { host: id } })),
    pairs: [{ id: 'edge', name: 'Edge', nodes: ['lb1', 'lb2'] }],
  })
  await ask(opened, 'inventory.import', { text, format: 'json', source: 'f', folder: null, mode: 'merge', dryRun: false })
  await opened.start()
  await clock.advance(pollMs + 500)
  return opened
}

/** As a process that is killed leaves it: nothing is tidied up, and its lease runs out. */
async function close(console: Console): Promise<void> {
  running = running.filter((each) => each !== console)
  await console.stop()
}

function ask<N extends CallName>(console: Console, name: N, input: InputOf<N>): Promise<OutputOf<N>> {
  const context = {
    signal: new AbortController().signal,
    caller: { user: 'mk', shell: 'cli' },
    connection: 'test',
    requestId: null,
  } as const
  return call(console.handlers, name, input, context) as Promise<OutputOf<N>>
}

/** Changes what a node says of a server, as a reload or another hand would. */
function change(nodeId: string, name: string, over: Partial<ServerReading>): void {
  const reading = structuredClone(driver.readings.get(nodeId)) as BalancerReading
  const found = reading.pools[0]?.servers.find((each) => each.name === name)
  Object.assign(found ?? {}, over)
  driver.readings.set(nodeId, reading)
}

async function drain(console: Console, over: Partial<InputOf<'drain.start'>> = {}): Promise<DrainView> {
  const started = await ask(console, 'drain.start', { targets: [w1], reason: 'kernel', ...over })
  await clock.advance(pollMs)
  return ask(console, 'drain.get', { drain: started.id })
}

async function later(console: Console, { id }: DrainView, ms = pollMs): Promise<DrainView> {
  await clock.advance(ms)
  return ask(console, 'drain.get', { drain: id })
}

const kinds = ({ timeline }: DrainView): string[] => timeline.map(({ kind }) => kind)
const sentTo = (nodeId: string): string[] => driver.sent.filter((line) => line.startsWith(nodeId)).map((line) => line.slice(4))

describe('a drain', () => {
  test('is set on every balancer, is empty only when nobody is on it anywhere, and says by what', async () => {
    change('lb1', 'w1', { sessions: 2 })
    driver.onOldWorkers.set('lb2 app/w1', 1)
    const console = await open()
    const draining = await drain(console)
    expect(draining).toMatchObject({ state: 'draining', said: '3 sessions left.', owner: 'mk (cli)', emptyAt: null })
    expect(driver.sent).toEqual(['lb1 set server app/w1 state drain', 'lb2 set server app/w1 state drain'])

    change('lb1', 'w1', { sessions: 0 })
    expect(await later(console, draining)).toMatchObject({ state: 'draining', said: '1 session left.' })
    driver.onOldWorkers.clear()
    const empty = await later(console, draining)
    expect(empty).toMatchObject({ state: 'empty', outcome: { emptyInMs: expect.any(Number) as number } })
    for (const place of empty.places) expect(place.proof?.evidence.join('\n')).toContain('srv_admin_state=8')
    const history = await ask(console, 'history.list', { limit: 20, subject: empty.id })
    expect(history.map(({ kind }) => kind)).toEqual(['drain.empty', 'drain.started'])
  })

  test('of a server that clients stick to is called empty only in maintenance, which turns them away, and not while it is held', async () => {
    driver.stickyBy.set('app/w1', 'the cookie s1')
    change('lb2', 'w1', { sessions: 1 })
    const console = await open()
    const draining = await drain(console)
    expect(draining).toMatchObject({ state: 'draining', goal: 'out', emptyAt: null })
    await ask(console, 'drain.hold', { drain: draining.id })
    change('lb2', 'w1', { sessions: 0 })
    expect(await later(console, draining)).toMatchObject({ state: 'held', goal: 'out', emptyAt: null })
    await ask(console, 'drain.resume', { drain: draining.id })
    const empty = await later(console, draining, 2 * pollMs)
    expect(empty).toMatchObject({ state: 'empty', goal: 'maintenance' })
    expect(empty.timeline.find(({ kind }) => kind === 'finish')?.text).toContain('(the cookie s1) can come back')
    for (const place of empty.places) expect(place.proof?.evidence.join('\n')).toContain('srv_admin_state=1')
    await ask(console, 'drain.putBack', { drain: empty.id })
    expect(await later(console, empty)).toMatchObject({ state: 'ended' })
    expect(sentTo('lb1')).toEqual(['drain', 'maint', 'ready'].map((state) => `set server app/w1 state ${state}`))
  })

  test('that is undone by a reload is set again within one poll, and the history has both', async () => {
    const console = await open()
    const before = await drain(console)
    change('lb2', 'w1', { adminState: 0, state: 'up' })
    const after = await later(console, before, 2 * pollMs)
    expect(after).toMatchObject({ state: 'empty', places: [{ violations: 0 }, { violations: 1 }] })
    expect(kinds(after)).toEqual(expect.arrayContaining(['violated', 'reasserted']))
    expect(sentTo('lb2')).toEqual(['set server app/w1 state drain', 'set server app/w1 state drain'])
    const history = await ask(console, 'history.list', { limit: 20, kinds: ['drain.violated', 'drain.repaired'] })
    expect(history.map(({ kind, nodeId }) => [kind, nodeId])).toEqual([
      ['drain.repaired', 'lb2'],
      ['drain.violated', 'lb2'],
    ])
  })

  test('with the policy to alarm is left as another hand put it', async () => {
    const console = await open()
    const before = await drain(console, { onViolation: 'alarm' })
    change('lb1', 'w1', { adminState: 0, state: 'up' })
    const after = await later(console, before, 3 * pollMs)
    expect(after.state).toBe('violated')
    expect(after.said).toContain('left so, as asked')
    expect(sentTo('lb1')).toHaveLength(1)
  })

  test('does not fight an agent for ever', async () => {
    const console = await open()
    const before = await drain(console)
    for (let turn = 0; turn < 8; turn++) {
      change('lb1', 'w1', { adminState: 0, state: 'up', agentCheck: true })
      await clock.advance(pollMs)
    }
    const after = await later(console, before, 0)
    expect(sentTo('lb1')).toHaveLength(1 + 3)
    expect(after.timeline.filter(({ kind }) => kind === 'alarm')).toHaveLength(1)
    expect(after).toMatchObject({ state: 'violated' })
    expect(after.said).toContain('agent-check')
  })

  test('puts back state and weight exactly, and ends', async () => {
    change('lb1', 'w1', { weight: 7 })
    const console = await open()
    const before = await drain(console)
    change('lb1', 'w1', { weight: 3 })
    await ask(console, 'drain.putBack', { drain: before.id })
    const after = await later(console, before, 2 * pollMs)
    expect(after).toMatchObject({ state: 'ended', said: 'Put back as it was.', endedAt: expect.any(Number) as number })
    const reading = driver.readings.get('lb1') as BalancerReading
    expect(reading.pools[0]?.servers[0]).toMatchObject({ adminState: 0, weight: 7 })
    expect(await ask(console, 'drain.list', { open: true, limit: 10 })).toEqual([])
  })

  test('that is put back in the moment it is set is out nowhere afterwards', async () => {
    const console = await open()
    const started = await ask(console, 'drain.start', { targets: [w1], reason: 'oops' })
    await ask(console, 'drain.putBack', { drain: started.id })
    expect(await later(console, started, 3 * pollMs)).toMatchObject({ state: 'ended' })
    for (const nodeId of ['lb1', 'lb2']) {
      expect((driver.readings.get(nodeId) as BalancerReading).pools[0]?.servers[0]).toMatchObject({ adminState: 0 })
    }
    expect(sentTo('lb1')).toEqual(['set server app/w1 state drain', 'set server app/w1 state ready'])
  })

  test('undoing its job is putting it back', async () => {
    const console = await open()
    const before = await drain(console)
    const job = before.jobs[0]
    if (job === undefined) throw new Error('the drain has no job')
    await ask(console, 'job.undo', { job })
    expect(await later(console, before, 2 * pollMs)).toMatchObject({ state: 'ended' })
    expect(await ask(console, 'job.get', { job })).toMatchObject({ undoneBy: expect.any(String) as string })
  })

  test('is not contradicted from within Evenkeel', async () => {
    const console = await open()
    await drain(console)
    const ready = ask(console, 'server.setState', { servers: [w1], state: 'ready' })
    await expect(ready).rejects.toMatchObject({ code: 'drain.conflict' })
    await expect(drain(console)).rejects.toMatchObject({ code: 'drain.conflict' })
  })
})

describe('the floor', () => {
  test('refuses with the figures, and an override is recorded', async () => {
    const console = await open()
    const floor = { atLeast: 3, unit: 'servers' } as const
    const refused = drain(console, { floor })
    await expect(refused).rejects.toMatchObject({ code: 'drain.floor' })
    await expect(refused).rejects.toThrow('of 3 servers 3 take traffic now, 2 would remain, and 3 must')
    expect(driver.sent).toEqual([])
    const drained = await drain(console, { floor, overrideFloor: 'night shift' })
    expect(drained).toMatchObject({ floorOverride: 'night shift', state: 'empty' })
    expect(drained.timeline[0]?.text).toContain('night shift')
  })

  test('counts what an earlier drain has taken, even before it was read', async () => {
    const console = await open()
    await ask(console, 'drain.start', { targets: [w1], reason: 'one' })
    const second = ask(console, 'drain.start', {
      targets: ['edge/haproxy/app/second'],
      reason: 'two',
      floor: { atLeast: 2, unit: 'servers' },
    })
    await expect(second).rejects.toMatchObject({ code: 'drain.floor' })
  })

  test('the last server is kept unless somebody insists', async () => {
    const console = await open()
    const all = ['w1', 'second', 'third3'].map((name) => `edge/haproxy/app/${name}`)
    await expect(drain(console, { targets: all })).rejects.toMatchObject({ code: 'drain.floor' })
  })
})

describe('time', () => {
  beforeEach(() => change('lb1', 'w1', { sessions: 1 }))

  test('a deadline that is to finish puts into maintenance and shuts down what is left, counted', async () => {
    driver.onOldWorkers.set('lb1 app/w1', 2)
    const console = await open()
    const before = await drain(console, { deadlineMs: 10_000, onDeadline: 'finish' })
    const after = await later(console, before, 16_000)
    expect(after).toMatchObject({ state: 'empty', goal: 'maintenance', cut: 3, deadlinePassed: true })
    expect(sentTo('lb1')).toEqual([
      'set server app/w1 state drain',
      'set server app/w1 state maint',
      'shutdown sessions server app/w1',
    ])
  })

  test('a deadline that is to wait only says so', async () => {
    const console = await open()
    const before = await drain(console, { deadlineMs: 10_000 })
    const after = await later(console, before, 16_000)
    expect(after).toMatchObject({ state: 'draining', deadlinePassed: true })
    expect(sentTo('lb1')).toHaveLength(1)
  })

  test('expiry brings it back; a hold stops the clock', async () => {
    const console = await open()
    const before = await drain(console, { expiresMs: 20_000 })
    await ask(console, 'drain.hold', { drain: before.id })
    expect(await later(console, before, 40_000)).toMatchObject({ state: 'held' })
    const resumed = await ask(console, 'drain.resume', { drain: before.id })
    expect(resumed.expiresAt).toBe((before.expiresAt ?? 0) + 40_000)
    expect(await later(console, before, 22_000)).toMatchObject({ state: 'ended' })
    expect(sentTo('lb1').at(-1)).toBe('set server app/w1 state ready')
  })

  test('a machine whose clock is set an hour forward, or back, does not notice', async () => {
    const console = await open()
    const before = await drain(console, { expiresMs: 30_000 })
    clock.jump(3_600_000)
    expect(await later(console, before, 20_000)).toMatchObject({ state: 'draining' })
    clock.jump(-7_200_000)
    expect(await later(console, before, 12_000)).toMatchObject({ state: 'ended' })
  })

  test('empty, then maintenance, when asked for', async () => {
    const console = await open()
    const before = await drain(console, { then: 'maint' })
    change('lb1', 'w1', { sessions: 0 })
    const after = await later(console, before, 3 * pollMs)
    expect(after).toMatchObject({ state: 'empty', goal: 'maintenance' })
    expect(sentTo('lb2').at(-1)).toBe('set server app/w1 state maint')
  })
})

describe('trouble', () => {
  test('a balancer that cannot be asked: all or nothing, unless the rest may follow', async () => {
    const console = await open()
    sessions.break('lb2', new AppError('ssh.timeout', 'lb2 did not answer.'))
    await clock.advance(pollMs)
    await expect(drain(console)).rejects.toMatchObject({ code: 'node.unreachable' })
    expect(driver.sent).toEqual([])
    const waiting = await drain(console, { unreachable: 'later' })
    expect(waiting).toMatchObject({ state: 'waiting-for-node', places: [{ phase: 'in-force' }, { phase: 'unset' }] })
    sessions.break('lb2', null)
    expect(await later(console, waiting, 3 * pollMs)).toMatchObject({ state: 'empty' })
    expect(sentTo('lb2')).toEqual(['set server app/w1 state drain'])
  })

  test('a balancer that is lost meanwhile is waited for, and its proof is taken back', async () => {
    const console = await open()
    const before = await drain(console)
    expect(before.state).toBe('empty')
    sessions.break('lb2', new AppError('ssh.timeout', 'lb2 did not answer.'))
    const lost = await later(console, before)
    expect(lost).toMatchObject({ state: 'waiting-for-node', emptyAt: null, places: [{}, { proof: null }] })
    sessions.break('lb2', null)
    expect(await later(console, before)).toMatchObject({ state: 'empty' })
  })

  test('survives a console that was closed for a day', async () => {
    const first = await open()
    const before = await drain(first, { expiresMs: 48 * 3_600_000 })
    await close(first)
    change('lb1', 'w1', { adminState: 0, state: 'up' })
    await clock.advance(24 * 3_600_000)
    const second = await open()
    const after = await later(second, before, 2 * pollMs)
    expect(after).toMatchObject({ state: 'empty', places: [{ violations: 1 }, { violations: 0 }] })
    await ask(second, 'drain.putBack', { drain: before.id })
    expect(await later(second, before, 2 * pollMs)).toMatchObject({ state: 'ended' })
  })

  test('a server that is deleted, one that another hand put into maintenance, one that is out already', async () => {
    const console = await open()
    const before = await drain(console)
    change('lb1', 'w1', { adminState: 1, state: 'maintenance' })
    change('lb2', 'w1', { name: 'renamed' })
    const after = await later(console, before)
    expect(after.places.map(({ phase }) => phase)).toEqual(['taken', 'gone'])
    expect(after.state).toBe('empty')
    change('lb1', 'w1', { name: 'renamed' })
    expect(await later(console, before)).toMatchObject({ state: 'ended', said: 'No balancer has the server any more.' })

    for (const nodeId of ['lb1', 'lb2']) change(nodeId, 'second', { adminState: 5, state: 'maintenance' })
    await clock.advance(pollMs)
    driver.sent.length = 0
    const out = await drain(console, { targets: ['edge/haproxy/app/second'] })
    expect(out.places.map(({ phase }) => phase)).toEqual(['already-out', 'already-out'])
    await ask(console, 'drain.putBack', { drain: out.id })
    expect(await later(console, out)).toMatchObject({ state: 'ended' })
    expect(driver.sent).toEqual([])
  })

  test('a node that leaves the inventory takes its place along', async () => {
    const console = await open()
    const before = await drain(console)
    await ask(console, 'inventory.removePair', { pair: 'edge' as never })
    await ask(console, 'inventory.removeNode', { node: 'lb2' as never })
    const after = await later(console, before)
    expect(after.places.map(({ nodeId, phase }) => [nodeId, phase])).toEqual([
      ['lb1', 'in-force'],
      ['lb2', 'gone'],
    ])
  })

  test('what somebody put into maintenance is left there by a clock, and put back by an operator', async () => {
    const console = await open()
    const expiring = await drain(console, { expiresMs: 10_000 })
    change('lb1', 'w1', { adminState: 1, state: 'maintenance' })
    const after = await later(console, expiring, 14_000)
    expect(after).toMatchObject({ state: 'ended' })
    expect(after.places[0]?.said).toBe('Somebody else put it into maintenance. It is left so.')
    expect(sentTo('lb1')).toHaveLength(1)
    expect(sentTo('lb2').at(-1)).toBe('set server app/w1 state ready')

    const asked = await drain(console, { targets: ['edge/haproxy/app/second'] })
    change('lb2', 'second', { adminState: 1, state: 'maintenance' })
    await later(console, asked)
    await ask(console, 'drain.putBack', { drain: asked.id })
    expect(await later(console, asked, 2 * pollMs)).toMatchObject({ state: 'ended' })
    expect(sentTo('lb2').at(-1)).toBe('set server app/second state ready')
  })

  test('a node that is lost while it is being set holds nothing up: the other one goes back, and it follows', async () => {
    const bind = driver.bind.bind(driver)
    driver.bind = (detected) => {
      const bound = bind(detected)
      if (bound.serverAdmin === null) return bound
      const { setState } = bound.serverAdmin
      const lose: typeof setState = async (session, ...rest) => {
        await setState(session, ...rest)
        if (session.nodeId !== 'lb2') return
        const lost = new AppError('ssh.connection-lost', 'The connection to lb2 was lost.', { effect: 'unknown' })
        sessions.break('lb2', lost)
        throw lost
      }
      return { ...bound, serverAdmin: { ...bound.serverAdmin, setState: lose } }
    }
    const console = await open()
    const before = await drain(console)
    const lost = await later(console, before, 15_000)
    expect(lost).toMatchObject({ state: 'waiting-for-node', places: [{ phase: 'in-force' }, { phase: 'unset' }] })
    await ask(console, 'drain.putBack', { drain: before.id })
    const half = await later(console, before)
    expect(half).toMatchObject({ state: 'put-back', places: [{ phase: 'restored' }, {}] })
    expect(half.said).toContain('lb2 cannot be asked now and will follow')
    sessions.break('lb2', null)
    expect(await later(console, before, 3 * pollMs)).toMatchObject({ state: 'ended' })
    for (const nodeId of ['lb1', 'lb2']) {
      expect(sentTo(nodeId)).toEqual(['set server app/w1 state drain', 'set server app/w1 state ready'])
    }
  })

  test('a server that became another one is left alone', async () => {
    const console = await open()
    const before = await drain(console)
    change('lb1', 'w1', { address: '198.18.0.9:1', adminState: 0, state: 'up' })
    const after = await later(console, before)
    expect(after.places[0]).toMatchObject({ phase: 'gone' })
    expect(after.places[0]?.said).toContain('another server has its name')
    expect(sentTo('lb1')).toHaveLength(1)
  })
})

describe('a list in waves', () => {
  const targets = ['w1', 'second', 'third3'].map((name) => `edge/haproxy/app/${name}`)
  const oneByOne = { targets, waves: { size: 1 } }
  const inForce = async (console: Console) =>
    (await ask(console, 'drain.list', { open: true, limit: 10 })).map((each) => [each.targets, each.next, each.follows])

  test('goes on at a word, when the wave before is back and takes traffic again, also after a restart', async () => {
    const first = await open()
    const one = await drain(first, oneByOne)
    expect(one).toMatchObject({ targets: [targets[0]], next: targets.slice(1), waves: { number: 1, of: 3 }, state: 'empty' })
    expect(one.said).toContain('Wave 1 of 3: it waits for your word.')
    // Put back, it fails its checks on lb2.
    const { set } = driver.readings
    driver.readings.set = (nodeId, reading) => {
      const read = structuredClone(reading) as BalancerReading
      const failing = nodeId === 'lb2' ? read.pools[0]?.servers.find(({ state }) => state === 'up') : undefined
      if (failing?.name === 'w1') failing.state = 'down'
      return set.call(driver.readings, nodeId, read)
    }
    await ask(first, 'drain.goOn', { drain: one.id })
    const waiting = await later(first, one, 3 * pollMs)
    expect(waiting).toMatchObject({ state: 'put-back', endedAt: null })
    expect(waiting.said).toContain('app/w1 on lb2 is down and not in service yet')
    await close(first)

    driver.readings.set = set
    change('lb2', 'w1', { state: 'up' })
    const second = await open()
    expect(await later(second, one, 3 * pollMs)).toMatchObject({ state: 'ended' })
    expect(await inForce(second)).toEqual([[[targets[1]], [targets[2]], one.id]])
    expect(sentTo('lb1').filter((line) => line.includes('third3'))).toEqual([])
  })

  test('takes as many at a time as asked, and ends with the last', async () => {
    const console = await open()
    const one = await drain(console, { targets, waves: { size: 2 } })
    expect(one).toMatchObject({ targets: targets.slice(0, 2), next: [targets[2]], waves: { size: 2, number: 1, of: 2 } })
    await ask(console, 'drain.goOn', { drain: one.id })
    await later(console, one, 3 * pollMs)
    const [last] = await ask(console, 'drain.list', { open: true, limit: 10 })
    expect(last).toMatchObject({ targets: [targets[2]], next: [], waves: { number: 2, of: 2 }, follows: one.id })
    if (last === undefined) throw new Error('no second wave')
    await ask(console, 'drain.goOn', { drain: last.id })
    expect(await later(console, last, 3 * pollMs)).toMatchObject({ state: 'ended', said: 'Put back as it was.' })
    expect(await inForce(console)).toEqual([])
  })

  test('is refused as a whole when a later wave would break the floor', async () => {
    const console = await open()
    change('lb1', 'w1', { state: 'down' })
    await clock.advance(pollMs)
    const floor = { atLeast: 2, unit: 'servers' } as const
    const plan = await ask(console, 'drain.plan', { ...oneByOne, floor })
    expect(plan.waves).toEqual(targets.map((target) => [target]))
    expect(plan.floor.filter(({ holds }) => !holds).map(({ wave, nodeId }) => [wave, nodeId])).toEqual([
      [2, 'lb1'],
      [3, 'lb1'],
    ])
    await expect(ask(console, 'drain.start', { ...oneByOne, floor, reason: 'r' })).rejects.toMatchObject({
      code: 'drain.floor',
    })
    expect(driver.sent).toEqual([])
  })

  test('stops where it is told to: what is out stays out, and put back it brings nothing after it', async () => {
    const console = await open()
    const one = await drain(console, oneByOne)
    expect(await ask(console, 'drain.stopHere', { drain: one.id })).toMatchObject({ next: [], state: 'empty', goal: 'out' })
    await expect(ask(console, 'drain.stopHere', { drain: one.id })).rejects.toMatchObject({ code: 'drain.conflict' })
    await ask(console, 'drain.putBack', { drain: one.id })
    expect(await later(console, one, 3 * pollMs)).toMatchObject({ state: 'ended' })
    expect(await inForce(console)).toEqual([])
  })

  test('put back at once, or because its deadline passed, it ends as well', async () => {
    const console = await open()
    const one = await drain(console, oneByOne)
    await ask(console, 'drain.putBack', { drain: one.id })
    const back = await later(console, one, 3 * pollMs)
    expect(back).toMatchObject({ state: 'ended', next: [] })
    expect(kinds(back)).toContain('stopped')
    change('lb1', 'w1', { sessions: 2 })
    const late = await drain(console, { ...oneByOne, deadlineMs: 4_000, onDeadline: 'put-back' })
    expect(await later(console, late, 5 * pollMs)).toMatchObject({ state: 'ended', next: [] })
    expect(await inForce(console)).toEqual([])
  })

  describe('that goes on with health', () => {
    const check = (status: string) => ({ check: { status, code: null, durationMs: null, text: '' } })
    const healthy = { targets, waves: { size: 1, goOn: 'healthy' } } as const

    test('waits until the checks failed and pass again, also over a restart, and until the server is empty', async () => {
      for (const name of ['w1', 'second', 'third3']) for (const lb of ['lb1', 'lb2']) change(lb, name, check('L7OK'))
      change('lb1', 'w1', { sessions: 1 })
      const first = await open()
      const one = await drain(first, healthy)
      for (const lb of ['lb1', 'lb2']) change(lb, 'w1', check('L4CON'))
      expect((await later(first, one)).places[0]).toMatchObject({ health: 'down', wasDown: true })
      await close(first)
      for (const lb of ['lb1', 'lb2']) change(lb, 'w1', check('L7OK'))
      const second = await open()
      expect(await later(second, one, 2 * pollMs)).toMatchObject({ state: 'draining', goal: 'out' })
      change('lb1', 'w1', { sessions: 0 })
      expect(await later(second, one, 4 * pollMs)).toMatchObject({ state: 'ended' })
      const [next] = await ask(second, 'drain.list', { open: true, limit: 10 })
      expect(next).toMatchObject({ targets: [targets[1]], state: 'empty' })
      expect(next?.said).toContain('goes on when the checks of app/second have failed and pass again')
      expect(await later(second, next as DrainView, 4 * pollMs)).toMatchObject({ state: 'empty' })
    })

    test('is refused where nothing is checked, and with maintenance, in which nothing is', async () => {
      const console = await open()
      await expect(ask(console, 'drain.plan', healthy)).rejects.toThrow('does not check app/w1')
      await expect(ask(console, 'drain.start', { ...healthy, reason: 'r', then: 'maint' })).rejects.toThrow('is not checked')
    })
  })
})

test('who sticks to a server is said before, and waves that go on with health are refused where maintenance would hide it', async () => {
  const console = await open()
  const cookie = {
    kind: 'cookie',
    name: 'SRV=w1',
    written: 'cookie SRV insert',
    file: '/h.cfg',
    line: 7,
    entries: null,
  } as const
  driver.sticky.push(cookie)
  for (const lb of ['lb1', 'lb2']) {
    change(lb, 'w1', { check: { status: 'L7OK', code: null, durationMs: null, text: '' } })
  }
  await clock.advance(pollMs)
  const plan = await ask(console, 'drain.plan', { targets: [w1] })
  expect(plan.places.map(({ sticky }) => sticky)).toEqual([[cookie], [cookie]])
  const healthy = { targets: [w1], waves: { size: 1, goOn: 'healthy' as const } }
  await expect(ask(console, 'drain.plan', healthy)).rejects.toThrow('Clients stick to app/w1 on lb1 (cookie SRV insert)')
  // A table that leads nobody there hides nothing.
  driver.sticky.splice(0, 1, { ...cookie, kind: 'table', entries: 0 })
  expect((await ask(console, 'drain.plan', healthy)).places).toHaveLength(2)
})

test('what cannot be changed refuses the drain, or is left out and listed as not done', async () => {
  const console = await open()
  driver.readings.set('lb2', new AppError('config.check-failed', 'nginx refuses its own files.'))
  const request = { targets: [w1], reason: 'r' }
  await expect(ask(console, 'drain.start', request)).rejects.toThrow('listed as not done')
  expect(driver.sent).toEqual([])
  const leaving = await drain(console, { unchangeable: 'leave-out' })
  expect(leaving.leftOut).toMatchObject([{ nodeId: 'lb2', server: 'w1', why: 'nginx refuses its own files.' }])
  expect(leaving.places.map(({ nodeId }) => nodeId)).toEqual(['lb1'])
  expect(leaving.said).toContain('Not done: app/w1 on lb2')
  expect(kinds(leaving).slice(0, 2)).toEqual(['started', 'left-out'])
  expect(sentTo('lb2')).toEqual([])
  await ask(console, 'drain.putBack', { drain: leaving.id })

  driver.readings.set('lb1', new AppError('config.check-failed', 'so does this one'))
  await expect(ask(console, 'drain.plan', { targets: [w1], unchangeable: 'leave-out' })).rejects.toMatchObject({
    code: 'config.check-failed',
  })
})

test('an address stands for every server that has it, and a plan changes nothing', async () => {
  const console = await open()
  const plan = await ask(console, 'drain.plan', { targets: [address] })
  expect(plan.places.map(({ nodeId, server: name }) => [nodeId, name])).toEqual([
    ['lb1', 'w1'],
    ['lb2', 'w1'],
  ])
  const onLb1 = plan.forecast.shares.filter(({ nodeId }) => nodeId === 'lb1')
  expect(onLb1.map((share) => share.after)).toEqual([0, 0.5, 0.5])
  expect(plan.forecast.emptyInMs).toBe(0)
  expect(driver.sent).toEqual([])
})
