import { readFile } from 'node:fs/promises'
import type { AdminState, DrainSticky, NodeId } from '#contract'
import { AppError } from '../../../src-main/app/app-error.ts'
import type { Clock } from '../../../src-main/app/ports/clock.ts'
import type { BoundService, DrainWatch, Driver, ServerAdmin, ServerPreImage } from '../../../src-main/app/ports/driver.ts'
import type { Log } from '../../../src-main/app/ports/log.ts'
import type { Cipher } from '../../../src-main/app/ports/vault.ts'
import type { ConnectionStatus, NodeSession, NodeSessions } from '../../../src-main/app/ports/node-session.ts'
import type { BalancerReading, ServiceReading } from '../../../src-main/domain/fleet/reading.ts'

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** Time that stands still until it is moved. `advance` lets everything that became due run before it returns. */
export interface TestClock extends Clock {
  advance(ms: number): Promise<void>
  /** the machine's time of day is set; what runs by the monotonic clock must not notice */
  jump(ms: number): void
}

export function testClock(start = 1_700_000_000_000): TestClock {
  let elapsed = 0
  let sleepers: { due: number; wake: () => void }[] = []
  return {
    jump(ms) {
      start += ms
    },
    now: () => Math.round(start + elapsed),
    monotonic: () => elapsed,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error)
        const sleeper = { due: elapsed + ms, wake: resolve }
        sleepers.push(sleeper)
        signal.addEventListener('abort', () => {
          sleepers = sleepers.filter((each) => each !== sleeper)
          reject(signal.reason as Error)
        })
      })
    },
    async advance(ms) {
      const end = elapsed + ms
      await settle()
      for (;;) {
        const next = sleepers.filter((each) => each.due <= end).sort((a, b) => a.due - b.due)[0]
        if (next === undefined) break
        elapsed = Math.max(elapsed, next.due)
        sleepers = sleepers.filter((each) => each !== next)
        next.wake()
        await settle()
      }
      elapsed = end
      await settle()
    },
  }
}

/** Lets promises that can go on go on. Reading a small file takes the event loop around often enough, without a timer. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await readFile(import.meta.filename)
}

/** Sessions that connect at once, or fail as told. */
export interface FakeSessions extends NodeSessions {
  /** null: reachable */
  break(nodeId: string, error: AppError | null): void
  resets: NodeId[]
  /** the connection changes without being asked for */
  tell(nodeId: string, state: ConnectionStatus['state'], error: AppError | null): void
}

export function fakeSessions(clock: Clock): FakeSessions {
  const broken = new Map<string, AppError>()
  const statuses = new Map<string, ConnectionStatus>()
  const listeners = new Set<(nodeId: NodeId, status: ConnectionStatus) => void>()
  const resets: NodeId[] = []
  const never = (): never => {
    throw new Error('the fake drivers do not use the session')
  }
  function set(nodeId: NodeId, state: ConnectionStatus['state'], error: AppError | null): void {
    if (statuses.get(nodeId)?.state === state) return
    const status = { state, since: clock.now(), error, attempts: 1, retryAt: null, roundTripMs: 1 }
    statuses.set(nodeId, status)
    for (const listener of listeners) listener(nodeId, status)
  }
  return {
    resets,
    tell: (nodeId, state, error) => set(nodeId as NodeId, state, error),
    break(nodeId, error) {
      if (error === null) broken.delete(nodeId)
      else broken.set(nodeId, error)
    },
    async session(nodeId) {
      const error = broken.get(nodeId)
      set(nodeId, error === undefined ? 'connected' : 'waiting', error ?? null)
      if (error !== undefined) throw error
      const traffic = { received: 100, sent: 10 }
      const session: NodeSession = {
        nodeId,
        exec: never,
        openSocket: never,
        openTcp: never,
        readFile: never,
        replaceFile: never,
        traffic: () => traffic,
      }
      return session
    },
    status: (nodeId) =>
      statuses.get(nodeId) ?? { state: 'idle', since: 0, error: null, attempts: 0, retryAt: null, roundTripMs: null },
    onStatus(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    reset: (nodeId) => void resets.push(nodeId),
    async drop() {},
    async close() {},
  }
}

/** A HAProxy per node, in memory: what it is told it does. */
export interface FakeHaproxy extends Driver {
  /** what a node says next; an error is thrown instead */
  readings: Map<string, ServiceReading | AppError>
  /** every command, as `<node> <line>` */
  sent: string[]
  observed: string[]
  /** sessions on workers of before a reload, by `<node> <pool>/<server>` */
  onOldWorkers: Map<string, number>
  /** by `pool/server`: what brings clients back to it */
  stickyBy: Map<string, string>
  /** what its configuration has of every server */
  sticky: DrainSticky[]
}

const statesOf = { ready: 'up', drain: 'draining', maint: 'maintenance' } as const
const bitsOf = { ready: 0, drain: 8, maint: 1 } as const

export function fakeHaproxy(initial: Record<string, ServiceReading>): FakeHaproxy {
  const readings = new Map<string, ServiceReading | AppError>(Object.entries(initial))
  const sent: string[] = []
  const observed: string[] = []
  const onOldWorkers = new Map<string, number>()
  const sticky: DrainSticky[] = []
  const stickyBy = new Map<string, string>()

  function balancer(nodeId: string): BalancerReading {
    const reading = readings.get(nodeId)
    if (reading === undefined) throw new AppError('daemon.not-running', `no haproxy on ${nodeId}`)
    if (reading instanceof AppError) throw reading
    if (reading.kind === 'keepalived') throw new Error('a balancer was expected')
    return reading
  }
  function serverOn(nodeId: string, pool: string, name: string) {
    return balancer(nodeId)
      .pools.find((each) => each.name === pool)
      ?.servers.find((each) => each.name === name)
  }
  function put(nodeId: string, pool: string, name: string, bits: number, word: AdminState): void {
    const reading = structuredClone(balancer(nodeId))
    const server = reading.pools.find((each) => each.name === pool)?.servers.find((each) => each.name === name)
    if (server === undefined) throw new AppError('daemon.runtime-rejected', 'No such server.')
    server.adminState = bits
    server.state = statesOf[word]
    readings.set(nodeId, reading)
  }
  const wordOf = (bits: number): AdminState => (bits === 8 ? 'drain' : bits === 1 ? 'maint' : 'ready')
  const line = (pool: string, server: string, state: AdminState): string => `set server ${pool}/${server} state ${state}`

  const watch: DrainWatch = {
    async left({ nodeId }, pool, name) {
      const { pid } = balancer(nodeId)
      const server = serverOn(nodeId, pool, name)
      if (server === undefined) return null
      const { adminState, weight, address, sessions, queue, totalSessions, agentCheck, check } = server
      const health = check === null ? null : check.status.endsWith('OK') ? 'up' : 'down'
      return {
        ...{ pool, server: name, adminState: adminState ?? 0, weight: weight ?? 1, configuredWeight: 1, address, agentCheck },
        ...{ worker: pid ?? 0, sessions: sessions ?? 0, queue: queue ?? 0, totalSessions, idle: 0, lastRequestS: null },
        ...{
          oldSessions: onOldWorkers.get(`${nodeId} ${pool}/${name}`) ?? 0,
          oldWorkers: [],
          clients: [],
          health,
          stickyBy: [stickyBy.get(`${pool}/${name}`) ?? []].flat(),
        },
      }
    },
    stickiness: async () => sticky,
    async shutdownSessions({ nodeId }, pool, name, { record }) {
      const command = `shutdown sessions server ${pool}/${name}`
      sent.push(`${nodeId} ${command}`)
      record({ at: 1, via: admin.via, command, exitCode: null, reply: '' })
      const reading = structuredClone(balancer(nodeId))
      const server = reading.pools.find((each) => each.name === pool)?.servers.find((each) => each.name === name)
      const count = (server?.sessions ?? 0) + (onOldWorkers.get(`${nodeId} ${pool}/${name}`) ?? 0)
      if (server !== undefined) server.sessions = 0
      onOldWorkers.delete(`${nodeId} ${pool}/${name}`)
      readings.set(nodeId, reading)
      return count
    },
  }
  const admin: ServerAdmin = {
    watch,
    via: 'socket /run/haproxy/admin.sock',
    async read({ nodeId }, pool, name): Promise<ServerPreImage | null> {
      const server = serverOn(nodeId, pool, name)
      if (server === undefined) return null
      const weight = server.weight ?? 1
      return { pool, server: name, adminState: server.adminState ?? 0, weight, configuredWeight: 1, address: server.address }
    },
    async setState({ nodeId }, pool, server, state, { record }) {
      sent.push(`${nodeId} ${line(pool, server, state)}`)
      record({ at: 1, via: admin.via, command: line(pool, server, state), exitCode: null, reply: '' })
      put(nodeId, pool, server, bitsOf[state], state)
    },
    async restore({ nodeId }, { pool, server, adminState, weight }, { record }) {
      const state = wordOf(adminState)
      sent.push(`${nodeId} ${line(pool, server, state)}`)
      record({ at: 1, via: admin.via, command: line(pool, server, state), exitCode: null, reply: '' })
      put(nodeId, pool, server, adminState, state)
      const restored = serverOn(nodeId, pool, server)
      if (restored !== undefined) restored.weight = weight
    },
    commandsFor: ({ pool, server }, state) => [line(pool, server, state)],
    undoCommandsFor: ({ pool, server, adminState }) => [line(pool, server, wordOf(adminState))],
    isIn: ({ adminState }, state) => adminState === bitsOf[state],
  }
  const bound: BoundService = {
    kind: 'haproxy',
    serverAdmin: admin,
    configAdmin: null,
    readConfig: async () => [],
    async observe({ nodeId }) {
      observed.push(nodeId)
      return balancer(nodeId)
    },
  }
  return {
    kind: 'haproxy',
    readings,
    sent,
    observed,
    onOldWorkers,
    stickyBy,
    sticky,
    async detect({ nodeId }) {
      if (!readings.has(nodeId)) return null
      const service = {
        kind: 'haproxy',
        version: '2.6.12',
        pid: 1,
        running: true,
        configFiles: [],
        endpoints: {},
        privilege: 'admin',
      } as const
      return { service: { ...service, configFiles: [], endpoints: {} }, findings: [] }
    },
    bind: () => bound,
  }
}

export const fakeNodeFacts = async () =>
  ({ hostName: 'h', os: 'Debian GNU/Linux 12', user: 'root', initSystem: 'systemd', sudo: 'root' }) as const

/** Keeps secrets as they are. */
export const fakeCipher: Cipher = {
  provider: 'key-file',
  locked: () => false,
  unavailable: () => null,
  async unlock() {},
  keyId: () => 'test',
  encrypt: async (plain) => Buffer.from(plain),
  decrypt: async (sealed) => Buffer.from(sealed).toString(),
}
