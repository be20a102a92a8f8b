import type {
  ConnectionView,
  FleetSnapshot,
  JobView,
  NodeId,
  PoolView,
  Series,
  ServerId,
  ServerView,
  ServiceKind,
  StateSpan,
} from '#contract'
import { deltaBetween, snapshotOf } from '../domain/fleet/delta.ts'
import { fleetFrom, type Fleet } from '../domain/fleet/fleet-model.ts'
import type { EndedOperation } from '../domain/fleet/problems.ts'
import { ratesBetween, restarted, shortestIntervalMs } from '../domain/fleet/rates.ts'
import type { ServerReading } from '../domain/fleet/reading.ts'
import type { NodeFacts, ServiceFacts } from '../domain/fleet/service-facts.ts'
import { AppError, appErrorFrom } from './app-error.ts'
import type { FleetRecorder } from './fleet-recorder.ts'
import type { Publish } from './handlers-type.ts'
import type { InventoryService } from './inventory-service.ts'
import type { RoundSink, ServiceRound } from './poller.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { ConnectionStatus, NodeSessions } from './ports/node-session.ts'
import type { SampleRepo, StateRepo } from './ports/store.ts'
import type { SettingsService } from './settings-service.ts'

/** A server with what surrounds it. */
export interface ServerInFleet {
  server: ServerView
  pool: PoolView
  /** every member of the pool, this one included */
  siblings: readonly ServerView[]
  /** the last reading of it, per node */
  readings: ReadonlyMap<NodeId, ServerReading>
}

/** Holds the fleet as it is known now, and tells every shell what changed of it. */
export interface FleetService extends RoundSink {
  snapshot(): FleetSnapshot
  /** null: no such server on any balancer that was ever read */
  server(id: ServerId): ServerInFleet | null
  totals(from: number, to: number, points: number): Record<string, Series>
  serverSeries(id: ServerId, from: number, to: number, points: number): Record<string, Series>
  serverStates(id: ServerId, from: number, to: number): StateSpan[]
  /** inventory, settings or the pause changed */
  touch(): void
  forget(nodeId: NodeId): void
  noteJob(job: Pick<JobView, 'id' | 'title' | 'endedAt'>): void
  start(): void
  stop(): Promise<void>
}

export interface FleetServiceParts {
  inventory: InventoryService
  settings: SettingsService
  sessions: NodeSessions
  recorder: FleetRecorder
  samples: SampleRepo
  states: StateRepo
  isPaused: () => boolean
  clock: Clock
  log: Log
  publish: Publish
}

/** Changes that come within this time are told together. */
const coalesceMs = 100
const maintainEveryMs = 60_000
const rememberedOperations = 50

export function createFleetService(parts: FleetServiceParts): FleetService {
  const { inventory, settings, sessions, recorder, samples, states, isPaused, clock, log, publish } = parts
  const facts = new Map<NodeId, NodeFacts>()
  const stopping = new AbortController()
  let operations: EndedOperation[] = []
  let seq = 0
  let dirty = false
  let fleet: Fleet = build(null)
  let recording: Promise<void> | null = null

  function build(previous: Fleet | null): Fleet {
    const context = { now: clock.now(), pollMs: settings.current().pollMs, paused: isPaused(), operations }
    return fleetFrom(inventory.current(), facts, previous, context)
  }

  /** Bring the model up to date and tell the difference. Cheap when nothing changed. */
  function flush(): Fleet {
    dirty = false
    const next = build(fleet)
    const delta = deltaBetween(fleet, next, seq + 1, clock.now())
    fleet = next
    if (delta === null) return fleet
    seq = delta.seq
    publish('fleet.changed', delta)
    record(() => recorder.changed(delta))
    return fleet
  }

  function touch(): void {
    if (dirty || stopping.signal.aborted) return
    dirty = true
    void clock.sleep(coalesceMs, stopping.signal).then(
      () => void (dirty && flush()),
      () => undefined, // stopped: nobody listens any more
    )
  }

  /** What cannot be written down must not stop the fleet from being watched. */
  function record(write: () => void): void {
    try {
      write()
    } catch (error) {
      log.error('recording failed', { code: appErrorFrom(error).code, error: String(error) })
    }
  }

  function factsOf(nodeId: NodeId): NodeFacts {
    return facts.get(nodeId) ?? { connection: connectionView(sessions.status(nodeId)), probed: false, services: [] }
  }

  function putService(nodeId: NodeId, service: ServiceFacts): void {
    const node = factsOf(nodeId)
    const services = node.services.some((each) => each.kind === service.kind)
      ? node.services.map((each) => (each.kind === service.kind ? service : each))
      : [...node.services, service]
    facts.set(nodeId, { ...node, services })
    touch()
  }

  function serviceOf(nodeId: NodeId, kind: ServiceKind): ServiceFacts | null {
    return factsOf(nodeId).services.find((service) => service.kind === kind) ?? null
  }

  function withError(service: ServiceFacts, error: AppError): ServiceFacts {
    const since = service.error?.code === error.code ? service.error.since : clock.now()
    return { ...service, error: { code: error.code, message: error.message, since } }
  }

  sessions.onStatus((nodeId, status) => {
    if (inventory.node(nodeId) === null) return
    const node = factsOf(nodeId)
    // What was read over a connection that was lost is not true again because the next one is being tried: only a reading is.
    const error = status.state === 'waiting' || status.state === 'refused' ? status.error : null
    const services = error === null ? node.services : node.services.map((service) => withError(service, appErrorFrom(error)))
    facts.set(nodeId, { ...node, connection: connectionView(status), services })
    record(() => recorder.connection(nodeId, status, clock.now()))
    touch()
  })

  async function recordUntilStopped(): Promise<void> {
    let maintainedAt = clock.monotonic()
    for (;;) {
      await clock.sleep(Math.max(1_000, settings.current().pollMs), stopping.signal)
      record(() => recorder.sample(inventory.current(), facts, fleet, clock.now()))
      if (clock.monotonic() - maintainedAt < maintainEveryMs) continue
      maintainedAt = clock.monotonic()
      record(() => recorder.maintain(clock.now(), settings.current()))
    }
  }

  function find(id: ServerId): ServerInFleet | null {
    for (const owner of flush().owners.values()) {
      const server = owner.servers.find((each) => each.id === id)
      const pool = owner.pools.find((each) => each.id === server?.poolId)
      if (server === undefined || pool === undefined) continue
      const siblings = owner.servers.filter((each) => each.poolId === pool.id)
      return { server, pool, siblings, readings: new Map(server.on.flatMap(({ nodeId }) => lastReading(nodeId, pool, server))) }
    }
    return null
  }

  function lastReading(nodeId: NodeId, pool: PoolView, server: ServerView): [NodeId, ServerReading][] {
    const reading = serviceOf(nodeId, pool.kind)?.reading
    if (reading == null || reading.kind === 'keepalived') return []
    const inPool = reading.pools.find((each) => each.name === pool.name && each.mode === pool.mode)
    const found = inPool?.servers.find((each) => each.name === server.name)
    return found === undefined ? [] : [[nodeId, found]]
  }

  function requireServer(id: ServerId): ServerView {
    const found = find(id)
    if (found === null) throw new AppError('request.not-found', `There is no server "${id}" on any balancer that was read.`)
    return found.server
  }

  return {
    probed(nodeId, found) {
      const node = factsOf(nodeId)
      const kinds = new Set(found.map((service) => service.kind))
      if (node.probed && kinds.size === node.services.length && node.services.every((service) => kinds.has(service.kind)))
        return
      const services = found.map(({ kind, version }) => serviceOf(nodeId, kind) ?? neverRead(kind, version))
      facts.set(nodeId, { ...node, probed: true, services })
      touch()
    },
    read(nodeId, round) {
      const kind = round.reading.kind
      const before = serviceOf(nodeId, kind)
      const wasRestarted = before?.reading != null && restarted(before.reading, round.reading)
      const service = serviceFacts(before, round)
      putService(nodeId, service)
      if (wasRestarted) record(() => recorder.restarted(nodeId, service, round.at))
      return { restarted: wasRestarted }
    },
    failed(nodeId, kind, error) {
      putService(nodeId, withError(serviceOf(nodeId, kind) ?? neverRead(kind, ''), error))
    },
    unreachable(nodeId, error) {
      const node = factsOf(nodeId)
      facts.set(nodeId, {
        ...node,
        connection: connectionView(sessions.status(nodeId)),
        services: node.services.map((service) => withError(service, error)),
      })
      touch()
    },
    snapshot: () => snapshotOf(flush(), seq, clock.now()),
    server: find,
    totals: (from, to, points) => samples.totalsSeries(from, to, points),
    serverSeries(id, from, to, points) {
      const keys = requireServer(id).on.map(({ nodeId }) => [nodeId, `${id}@${nodeId}`] as const)
      return Object.fromEntries(keys.map(([nodeId, key]) => [nodeId, samples.serverSeries(key, from, to, points)]))
    },
    serverStates: (id, from, to) => states.spans(requireServer(id).id, from, to),
    touch,
    forget(nodeId) {
      facts.delete(nodeId)
      recorder.forget(nodeId)
      touch()
    },
    noteJob({ id, title, endedAt }) {
      if (endedAt === null) return
      operations = [{ jobId: id, title, endedAt }, ...operations.filter((each) => each.jobId !== id)].slice(
        0,
        rememberedOperations,
      )
      touch()
    },
    start() {
      recording ??= recordUntilStopped().catch(() => undefined) // ends when stopped, and only then: record() throws nothing
    },
    async stop() {
      stopping.abort()
      await recording
      record(() => recorder.sample(inventory.current(), facts, fleet, clock.now()))
    },
  }
}

function neverRead(kind: ServiceKind, version: string): ServiceFacts {
  return { kind, version, reading: null, readAt: null, rates: null, error: null, costMs: null, costBytes: null }
}

function serviceFacts(before: ServiceFacts | null, { reading, at, costMs, costBytes }: ServiceRound): ServiceFacts {
  const common = { kind: reading.kind, version: reading.version, reading, readAt: at, error: null, costMs, costBytes }
  if (reading.kind === 'keepalived') return { ...common, rates: null }
  const last = before?.reading
  if (last == null || last.kind === 'keepalived' || before?.readAt == null) {
    return { ...common, rates: ratesBetween(null, { reading, at }) }
  }
  // Two readings in one breath, as when the operator asks for one right after a round: the rates of the first stand.
  if (at - before.readAt < shortestIntervalMs && before.rates?.pools.length === reading.pools.length)
    return { ...common, rates: before.rates }
  return { ...common, rates: ratesBetween({ reading: last, at: before.readAt }, { reading, at }) }
}

function connectionView(status: ConnectionStatus): ConnectionView {
  const error = status.error === null ? null : appErrorFrom(status.error)
  return {
    state: status.state,
    since: status.since,
    error: error === null ? null : { code: error.code, message: error.message, details: error.details },
    attempts: status.attempts,
    retryAt: status.retryAt,
    roundTripMs: status.roundTripMs,
  }
}
