import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallName, EventName, InputOf, JobView, NodeId, OutputOf, ProbedService, ServerId } from '#contract'
import { AppError } from '../../../src-main/app/app-error.ts'
import { call } from '../../../src-main/app/dispatcher.ts'
import { compose, type ComposeOptions, type Console } from '../../../src-main/compose.ts'
import { haproxy, pool, server } from '../domain/fleet/readings.ts'
import {
  fakeCipher,
  fakeHaproxy,
  fakeNodeFacts,
  fakeSessions,
  silentLog,
  settle,
  testClock,
  type FakeHaproxy,
  type FakeSessions,
  type TestClock,
} from './fakes.ts'

let folder: string
let clock: TestClock
let sessions: FakeSessions
let driver: FakeHaproxy
let running: Console[]
let events: [EventName, unknown][]

const pair = `
version: 1
fleet: test
nodes:
  - { id: lb1, name: lb1, ssh: { host: lb1.example } }
  - { id: lb2, name: lb2, ssh: { host: lb2.example } }
pairs:
  - { id: edge, name: Edge, nodes: [lb1, lb2] }
`
const w1 = 'edge/haproxy/app/w1' as ServerId

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evenkeel-compose-'))
  clock = testClock()
  sessions = fakeSessions(clock)
  const app = () => haproxy([pool('app', [server('w1'), server('w2')])])
  driver = fakeHaproxy({ lb1: app(), lb2: app() })
  running = []
  events = []
})

afterEach(async () => {
  for (const each of running) await each.stop()
  await rm(folder, { recursive: true })
})

async function open(over: Partial<ComposeOptions> = {}): Promise<Console> {
  const opened = await compose({
    dataFolder: folder,
    shell: 'browser',
    env: {},
    home: folder,
    cipher: fakeCipher,
    clock,
    log: silentLog,
    overrides: { sessions: () => sessions, drivers: [driver], probeNodeFacts: fakeNodeFacts, random: () => 0 },
    ...over,
  })
  running.push(opened)
  opened.onEvent((name, payload) => events.push([name, payload]))
  return opened
}

function ask<N extends CallName>(console: Console, name: N, input: InputOf<N>): Promise<OutputOf<N>> {
  const caller = { user: 'mk@desk', shell: 'cli' } as const
  const context = { signal: new AbortController().signal, caller, connection: 'test', requestId: null }
  return call(console.handlers, name, input, context) as Promise<OutputOf<N>>
}

async function opened(): Promise<Console> {
  const console = await open()
  await ask(console, 'inventory.import', {
    text: pair,
    format: 'yaml',
    source: 'pair.yaml',
    folder: null,
    mode: 'merge',
    dryRun: false,
  })
  await console.start()
  await clock.advance(2_500)
  return console
}

async function ended(console: Console, job: JobView['id']): Promise<JobView> {
  for (let turn = 0; turn < 200; turn++) {
    const view = await ask(console, 'job.get', { job })
    if (view.state === 'ended') return view
    await clock.advance(100)
  }
  throw new Error('the job did not end')
}

describe('reading the fleet', () => {
  test('every node is probed and read, and changes are told', async () => {
    const console = await opened()
    const snapshot = await ask(console, 'fleet.snapshot', {})
    expect(snapshot.nodes.map((node) => [node.id, node.connection.state, node.services[0]?.version])).toEqual([
      ['lb1', 'connected', '2.6.12'],
      ['lb2', 'connected', '2.6.12'],
    ])
    expect(snapshot.servers.map((each) => [each.id, each.state, each.on.length])).toEqual([
      [w1, 'up', 2],
      ['edge/haproxy/app/w2', 'up', 2],
    ])
    driver.readings.set('lb1', haproxy([pool('app', [server('w1', { state: 'down', word: 'DOWN' }), server('w2')])]))
    await clock.advance(2_200)
    const after = await ask(console, 'fleet.snapshot', {})
    expect(after.servers[0]).toMatchObject({ state: 'down', disagrees: true })
    expect(after.problems.map((problem) => problem.kind)).toEqual(['servers-down', 'balancers-disagree'])
    const history = await ask(console, 'history.list', { limit: 10, kinds: ['server.state'] })
    expect(history.map((entry) => [entry.subject, entry.nodeId, entry.data['from'], entry.data['to']])).toEqual([
      [w1, 'lb1', 'up', 'down'],
    ])
    const { servers: cells } = await seriesOf(console)
    expect(cells).toContain('lb1')
  })

  async function seriesOf(console: Console): Promise<{ servers: string[] }> {
    const now = clock.now()
    return {
      servers: Object.keys(await ask(console, 'fleet.serverSeries', { server: w1, from: now - 60_000, to: now, points: 10 })),
    }
  }

  test('a node that is lost makes only its own cells unknown', async () => {
    const console = await opened()
    sessions.break('lb1', new AppError('ssh.timeout', 'lb1 did not answer.'))
    await clock.advance(2_200)
    const { servers, nodes, problems } = await ask(console, 'fleet.snapshot', {})
    expect(servers[0]).toMatchObject({
      state: 'up',
      on: [
        { nodeId: 'lb1', state: 'unknown' },
        { nodeId: 'lb2', state: 'up' },
      ],
    })
    expect(nodes[0]?.services[0]).toMatchObject({ error: { code: 'ssh.timeout' } })
    expect(nodes[0]?.services[0]?.readAt).not.toBeNull()
    expect(problems.map((problem) => problem.kind)).toEqual(['node-unreachable'])
  })

  test('what was read over a lost connection is not believed again before it is read again', async () => {
    const console = await opened()
    sessions.tell('lb1', 'waiting', new AppError('ssh.connection-lost', 'The connection to lb1 was lost.'))
    await clock.advance(150)
    sessions.tell('lb1', 'connecting', null)
    await clock.advance(150)
    const before = await ask(console, 'fleet.snapshot', {})
    expect(before.servers[0]?.on[0]).toMatchObject({ nodeId: 'lb1', state: 'unknown' })
    await clock.advance(2_200)
    expect((await ask(console, 'fleet.snapshot', {})).servers[0]?.on[0]).toMatchObject({ nodeId: 'lb1', state: 'up' })
  })

  test('pauses when the last window is hidden, and goes on at once when one is seen', async () => {
    const console = await opened()
    await ask(console, 'host.watch', { visible: true })
    await ask(console, 'host.watch', { visible: false })
    await clock.advance(5_000)
    const before = driver.observed.length
    await clock.advance(30_000)
    expect(driver.observed.length).toBe(before)
    expect((await ask(console, 'fleet.snapshot', {})).paused).toBe(true)
    await ask(console, 'fleet.refresh', { node: 'lb1' as NodeId })
    expect(driver.observed.length).toBe(before + 1)
    await ask(console, 'host.watch', { visible: true })
    await clock.advance(200)
    expect(driver.observed.length).toBe(before + 3)
  })

  test('a node that never answers delays no other', async () => {
    const bound = driver.bind({ service: {} as ProbedService, findings: [] })
    driver.bind = () => ({
      ...bound,
      observe: (session, limits) =>
        session.nodeId === 'lb1'
          ? new Promise((_resolve, reject) =>
              limits.signal.addEventListener('abort', () => reject(limits.signal.reason as Error)),
            )
          : bound.observe(session, limits),
    })
    const console = await opened()
    const before = driver.observed.length
    await clock.advance(10_000)
    expect(driver.observed.slice(before)).toEqual(['lb2', 'lb2', 'lb2', 'lb2', 'lb2'])
    const { nodes } = await ask(console, 'fleet.snapshot', {})
    expect(nodes.map((node) => node.services[0]?.readAt === null)).toEqual([true, false])
  })

  test('a restarted daemon is noted and looked at anew, and its counters start again', async () => {
    const console = await opened()
    driver.readings.set('lb1', haproxy([pool('app', [server('w1')])], { pid: 101, uptimeS: 1, version: '2.8.0' }))
    await clock.advance(2_200)
    const [entry] = await ask(console, 'history.list', { limit: 5, kinds: ['service.restarted'] })
    expect(entry).toMatchObject({ nodeId: 'lb1', subject: 'lb1/haproxy', data: { pid: 101, version: '2.8.0' } })
    const probed = (await ask(console, 'node.lastProbe', { node: 'lb1' as NodeId }))?.at ?? 0
    await clock.advance(15_000)
    expect((await ask(console, 'node.lastProbe', { node: 'lb1' as NodeId }))?.at).toBeGreaterThan(probed)
  })

  test('a daemon that stays stopped is looked for less and less often, and read as soon as it is back', async () => {
    let probes = 0
    const probeNodeFacts = () => ((probes += 1), fakeNodeFacts())
    const lone = JSON.stringify({ version: 1, fleet: 'f', nodes: [{ id: 'lb1', name: 'lb1', ssh: { host: '198.18.0.1' } }] })
    const overrides = { sessions: () => sessions, drivers: [driver], probeNodeFacts, random: () => 0 }
    const console = await open({ overrides })
    await ask(console, 'inventory.import', {
      text: lone,
      format: 'json',
      source: 'lone.json',
      folder: null,
      mode: 'merge',
      dryRun: false,
    })
    await console.start()
    await clock.advance(2_500)
    expect(probes).toBe(1)
    driver.readings.set('lb1', new AppError('daemon.not-running', 'stopped'))
    await clock.advance(80_000) // after 10, 20 and 40 seconds more
    expect(probes).toBe(4)
    driver.readings.set('lb1', haproxy([pool('app', [server('w1')])], { pid: 101, uptimeS: 1 }))
    await clock.advance(4_000)
    expect((await ask(console, 'fleet.snapshot', {})).nodes[0]?.services[0]?.error).toBeNull()
  })

  test('a removed node is forgotten', async () => {
    const console = await opened()
    await ask(console, 'inventory.removeNode', { node: 'lb2' as NodeId })
    await clock.advance(2_500)
    const snapshot = await ask(console, 'fleet.snapshot', {})
    expect(snapshot.pools.map((each) => each.id)).toEqual(['lb1/haproxy/app'])
    expect(snapshot.pairs).toEqual([])
  })
})

describe('taking a server out', () => {
  test('drains it on every balancer, and undo puts back what was found', async () => {
    const console = await opened()
    const plan = await ask(console, 'server.planState', { servers: [w1], state: 'drain' })
    expect(plan.steps.map((step) => [step.nodeId, step.commands, step.undoCommands])).toEqual([
      ['lb1', ['set server app/w1 state drain'], ['set server app/w1 state ready']],
      ['lb2', ['set server app/w1 state drain'], ['set server app/w1 state ready']],
    ])
    expect(plan.warnings.map((warning) => warning.rule)).toEqual(['lost-on-reload'])
    expect(driver.sent).toEqual([])

    const { jobId } = await ask(console, 'server.setState', { servers: [w1], state: 'drain', reason: 'kernel update' })
    const job = await ended(console, jobId)
    expect(job).toMatchObject({
      outcome: 'succeeded',
      reason: 'kernel update',
      requestedBy: 'mk@desk (cli)',
      undo: { possible: true },
    })
    expect(driver.sent).toEqual(['lb1 set server app/w1 state drain', 'lb2 set server app/w1 state drain'])
    await clock.advance(2_200)
    expect((await ask(console, 'fleet.snapshot', {})).servers[0]?.state).toBe('draining')

    const undo = await ended(console, (await ask(console, 'job.undo', { job: jobId })).jobId)
    expect(undo).toMatchObject({ outcome: 'succeeded', undoes: jobId })
    expect(driver.sent.slice(2)).toEqual(['lb1 set server app/w1 state ready', 'lb2 set server app/w1 state ready'])
    expect((await ask(console, 'job.get', { job: jobId })).undoneBy).toBe(undo.id)
  })

  test('undo puts back maintenance where it was, not simply "ready"', async () => {
    driver.readings.set('lb2', haproxy([pool('app', [server('w1', { state: 'maintenance', adminState: 1 }), server('w2')])]))
    const console = await opened()
    const plan = await ask(console, 'server.planState', { servers: [w1], state: 'maint' })
    expect(plan.warnings).toContainEqual({
      rule: 'already-in-state',
      pool: 'edge/haproxy/app',
      nodeId: 'lb2',
      data: { server: 'w1' },
    })
    const { jobId } = await ask(console, 'server.setState', { servers: [w1], state: 'drain' })
    await ended(console, jobId)
    await ended(console, (await ask(console, 'job.undo', { job: jobId })).jobId)
    expect(driver.sent.slice(2)).toEqual(['lb1 set server app/w1 state ready', 'lb2 set server app/w1 state maint'])
  })

  test('warns when nobody would be left to answer', async () => {
    const console = await opened()
    const servers = [w1, 'edge/haproxy/app/w2' as ServerId]
    const { warnings } = await ask(console, 'server.planState', { servers, state: 'drain' })
    expect(warnings.filter((warning) => warning.rule === 'last-usable-server').map((warning) => warning.nodeId)).toEqual([
      'lb1',
      'lb2',
    ])
    const ready = await ask(console, 'server.planState', { servers, state: 'ready' })
    expect(ready.warnings.map((warning) => warning.rule)).not.toContain('last-usable-server')
  })

  test('refuses while a balancer cannot be read, unless it was left out by name', async () => {
    const console = await opened()
    sessions.break('lb2', new AppError('ssh.timeout', 'lb2 did not answer.'))
    expect((await ask(console, 'server.planState', { servers: [w1], state: 'drain' })).unreachable).toEqual(['lb2'])
    await expect(ask(console, 'server.setState', { servers: [w1], state: 'drain' })).rejects.toMatchObject({
      code: 'node.unreachable',
    })
    expect(driver.sent).toEqual([])
    const { jobId } = await ask(console, 'server.setState', { servers: [w1], state: 'drain', nodes: ['lb1' as NodeId] })
    expect(await ended(console, jobId)).toMatchObject({ outcome: 'succeeded' })
    expect(driver.sent).toEqual(['lb1 set server app/w1 state drain'])
  })

  test('an unknown server, and a server of nginx, are refused with the reason', async () => {
    driver.readings.set('lb1', haproxy([pool('web', [server('a')])], { kind: 'nginx', canSetState: false }))
    const console = await opened()
    const nowhere = 'edge/haproxy/app/w9' as ServerId
    await expect(ask(console, 'server.setState', { servers: [nowhere], state: 'drain' })).rejects.toMatchObject({
      code: 'request.not-found',
    })
    const nginx = 'edge/nginx/web/a' as ServerId
    await expect(ask(console, 'server.planState', { servers: [nginx], state: 'drain' })).rejects.toMatchObject({
      code: 'daemon.runtime-rejected',
    })
  })
})

describe('two shells, one data folder', () => {
  test('the second looks on, is refused what changes something, and takes over when the first is gone', async () => {
    const first = await opened()
    const second = await open({ shell: 'cli' })
    await second.start()
    await clock.advance(2_500)
    expect((await ask(second, 'host.describe', {})).lease).toMatchObject({
      role: 'viewer',
      holder: { shell: 'browser', pid: process.pid },
    })
    expect((await ask(second, 'fleet.snapshot', {})).servers).toHaveLength(2)
    await expect(ask(second, 'server.setState', { servers: [w1], state: 'drain' })).rejects.toMatchObject({
      code: 'host.viewer',
      message: expect.stringContaining(`browser shell (process ${process.pid}`) as string,
    })
    expect(driver.sent).toEqual([])
    running = running.filter((each) => each !== first)
    await first.stop()
    await clock.advance(5_100)
    expect((await ask(second, 'host.describe', {})).lease.role).toBe('driver')
    expect(events.some(([name]) => name === 'lease.changed')).toBe(true)
    const { jobId } = await ask(second, 'server.setState', { servers: [w1], state: 'drain' })
    expect(await ended(second, jobId)).toMatchObject({ outcome: 'succeeded' })
  })

  test('a viewer sees what the driver changed in the inventory', async () => {
    const first = await opened()
    const second = await open({ lookOnly: true })
    await second.start()
    await ask(first, 'inventory.removeNode', { node: 'lb2' as NodeId })
    await clock.advance(5_100)
    expect((await ask(second, 'inventory.get', {})).nodes.map((node) => node.id)).toEqual(['lb1'])
  })

  test('a viewer tells its windows what the driver did', async () => {
    const first = await opened()
    const second = await open({ lookOnly: true })
    await second.start()
    await clock.advance(5_100)
    const told: [EventName, unknown][] = []
    second.onEvent((name, payload) => told.push([name, payload]))
    const { jobId } = await ask(first, 'server.setState', { servers: [w1], state: 'drain' })
    await ended(first, jobId)
    await clock.advance(5_100)
    expect(told.flatMap(([name, payload]) => (name === 'job.changed' ? [(payload as JobView).outcome] : []))).toEqual([
      'succeeded',
    ])
    expect(told.some(([name]) => name === 'history.appended')).toBe(true)
  })
})

test('stops although a node never answers', async () => {
  const console = await opened()
  driver.bind = () => ({
    kind: 'haproxy',
    serverAdmin: null,
    configAdmin: null,
    readConfig: async () => [],
    observe: (_session, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  })
  await ask(console, 'node.probe', { node: 'lb1' as NodeId })
  await settle()
  running = []
  await console.stop()
})
