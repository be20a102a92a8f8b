/**
 * Writes down what the fleet does: samples for the charts, spans of state, and a line of history for every change.
 * Only the shell that drives the data folder records; a viewer would write everything twice.
 */
import type { FleetDelta, HistoryEntry, Inventory, NodeId, PoolId, RouterView, ServerState, Settings } from '#contract'
import { ownText } from '../domain/fleet/own-text.ts'
import { poolIdOf, serverIdOf } from '../domain/fleet/pools.ts'
import { isReadable, type NodeFacts, type ServiceFacts } from '../domain/fleet/service-facts.ts'
import type { Fleet } from '../domain/fleet/fleet-model.ts'
import type { HistoryService } from './history-service.ts'
import type { ConnectionStatus } from './ports/node-session.ts'
import type { SampleRepo, ServerSample, StateRepo } from './ports/store.ts'

type Entry = Omit<HistoryEntry, 'id'>

export interface FleetRecorder {
  /** states of servers and routers that this delta brought */
  changed(delta: FleetDelta): void
  connection(nodeId: NodeId, status: ConnectionStatus, at: number): void
  restarted(nodeId: NodeId, facts: ServiceFacts, at: number): void
  /** figures of everything that was read since the last call, as one round */
  sample(inventory: Inventory, facts: ReadonlyMap<NodeId, NodeFacts>, fleet: Fleet, at: number): void
  maintain(at: number, settings: Settings): void
  forget(nodeId: NodeId): void
}

export interface FleetRecorderParts {
  history: HistoryService
  samples: SampleRepo
  states: StateRepo
  isDriver: () => boolean
}

interface SeenServer {
  state: ServerState
  /** the last state that was not `unknown` */
  known: ServerState | null
  at: number
}

export function createFleetRecorder({ history, samples, states, isDriver }: FleetRecorderParts): FleetRecorder {
  const servers = new Map<string, SeenServer>()
  const routers = new Map<string, { last: RouterView | null; states: Map<NodeId, string> }>()
  const connections = new Map<NodeId, string>()
  const sampledAt = new Map<string, number>()
  const sampleKeys = new Map<string, SampleKeys>()

  function lastRecorded(nodeId: NodeId): string {
    const [last] = history.list({ limit: 1, subject: nodeId, kinds: ['node.connection'] })
    return typeof last?.data['to'] === 'string' ? last.data['to'] : 'connected'
  }

  function serverChanges(delta: FleetDelta): Entry[] {
    const entries: Entry[] = []
    const spans: Parameters<StateRepo['observe']>[0][number][] = []
    for (const server of delta.servers) {
      for (const { nodeId, state, word, since } of server.on) {
        const key = `${server.id}@${nodeId}`
        const before = servers.get(key)
        if (before?.state === state) continue
        const seen = since ?? delta.at
        // The daemon's own time of change may lie before what was recorded of it meanwhile, as after an outage of the node.
        const at = before === undefined ? seen : Math.max(seen, before.at)
        const known = state === 'unknown' ? (before?.known ?? null) : state
        servers.set(key, { state, known, at })
        spans.push({ key, nodeId, state, word, at })
        // The connection's own line tells why nothing can be read; it is not repeated for each of its servers.
        if (state === 'unknown' || before === undefined || before.known === null || before.known === state) continue
        const data = { from: before.known, to: state, word, server: server.name, pool: server.poolId }
        entries.push({ at, kind: 'server.state', nodeId, subject: server.id, data })
      }
    }
    for (const id of delta.removed.servers) for (const key of servers.keys()) if (key.startsWith(`${id}@`)) servers.delete(key)
    states.observe(spans)
    return entries
  }

  function routerChanges(router: RouterView, at: number): Entry[] {
    const before = routers.get(router.id)
    const memberStates = new Map(before?.states)
    const entries: Entry[] = []
    for (const { nodeId, state } of router.members) {
      if (state === null) continue
      const from = memberStates.get(nodeId)
      memberStates.set(nodeId, state)
      if (from === undefined || from === state) continue
      entries.push({ at, kind: 'router.state', nodeId, subject: router.id, data: { from, to: state, router: router.name } })
    }
    // `unknown` says that the readings do not tell yet: the last certain verdict stands until then.
    const last = router.verdict === 'unknown' ? (before?.last ?? null) : router
    routers.set(router.id, { last, states: memberStates })
    const was = before?.last ?? null
    if (was === null || last === null || (was.verdict === last.verdict && was.holders.join() === last.holders.join())) {
      return entries
    }
    const data = {
      from: was.holders,
      to: last.holders,
      was: was.verdict,
      verdict: last.verdict,
      router: last.name,
      addresses: last.addresses,
      outsiders: last.outsiders.map(({ nodeId, mac }) => nodeId ?? mac ?? ''),
    }
    return [...entries, { at, kind: 'router.holder', nodeId: null, subject: router.id, data }]
  }

  return {
    changed(delta) {
      if (!isDriver()) return
      history.append([...serverChanges(delta), ...delta.routers.flatMap((router) => routerChanges(router, delta.at))])
    },
    connection(nodeId, status, at) {
      if (status.state === 'idle' || status.state === 'connecting') return
      // A console that starts and connects is no event of the fleet: only the loss of a node is, and its return.
      const from = connections.get(nodeId) ?? lastRecorded(nodeId)
      connections.set(nodeId, status.state)
      if (from === status.state || !isDriver()) return
      const data = { from, to: status.state, message: status.error?.message ?? null }
      history.append([{ at, kind: 'node.connection', nodeId, subject: nodeId, data }])
    },
    restarted(nodeId, facts, at) {
      if (!isDriver()) return
      const data = { service: facts.kind, version: facts.version, pid: facts.reading?.pid ?? null }
      history.append([{ at, kind: 'service.restarted', nodeId, subject: `${nodeId}/${facts.kind}`, data }])
    },
    sample(inventory, facts, fleet, at) {
      if (!isDriver()) return
      const rows: ServerSample[] = []
      const pairOf = new Map(inventory.pairs.flatMap((pair) => pair.nodes.map((nodeId) => [nodeId, pair.id] as const)))
      for (const [nodeId, { connection, services }] of facts) {
        for (const service of services) {
          const key = `${nodeId}/${service.kind}`
          if (service.readAt === null || !isReadable(service, connection) || sampledAt.get(key) === service.readAt) continue
          sampledAt.set(key, service.readAt)
          const keys = keysOf(pairOf.get(nodeId) ?? nodeId, nodeId, service.reading, sampleKeys.get(key))
          sampleKeys.set(key, keys)
          addSamples(rows, service, keys)
        }
      }
      if (rows.length === 0) return
      const totals = fleet.totals.sites.map(({ site, ...figures }) => ({ site: site ?? '', ...figures }))
      samples.write(at, rows, totals)
    },
    maintain(at, settings) {
      if (isDriver()) samples.maintain(at, settings)
    },
    forget(nodeId) {
      connections.delete(nodeId)
      for (const key of sampledAt.keys()) {
        if (!key.startsWith(`${nodeId}/`)) continue
        sampledAt.delete(key)
        sampleKeys.delete(key)
      }
      for (const key of servers.keys()) if (key.endsWith(`@${nodeId}`)) servers.delete(key)
    },
  }
}

/** The keys of a daemon's servers, by pool and place, and what they were made from. */
type SampleKeys = readonly { poolId: PoolId; names: readonly string[]; keys: readonly string[] }[]

/** Keys are kept from round to round: putting fifty thousand together and hashing them took longer than writing what is kept of them. */
function keysOf(owner: string, nodeId: NodeId, reading: ServiceFacts['reading'], known: SampleKeys | undefined): SampleKeys {
  if (reading === null || reading.kind === 'keepalived') return []
  return reading.pools.map((pool, place) => {
    const poolId = poolIdOf(owner, reading.kind, pool.mode, pool.name)
    const before = known?.[place]
    const { servers } = pool
    if (
      before?.poolId === poolId &&
      before.names.length === servers.length &&
      servers.every((server, index) => server.name === before.names[index])
    )
      return before
    const names = servers.map((server) => ownText(server.name))
    return { poolId: ownText(poolId), names, keys: names.map((name) => ownText(`${serverIdOf(poolId, name)}@${nodeId}`)) }
  })
}

function addSamples(rows: ServerSample[], { reading, rates }: ServiceFacts, keys: SampleKeys): void {
  if (reading === null || reading.kind === 'keepalived') return
  reading.pools.forEach((pool, poolPlace) => {
    pool.servers.forEach((server, place) => {
      const key = keys[poolPlace]?.keys[place]
      if (key === undefined) return
      const serverRates = rates?.pools[poolPlace]?.servers[place]
      rows.push({
        key,
        sessions: server.sessions,
        queue: server.queue,
        rate: server.rate ?? serverRates?.sessionsPerS ?? null,
        errorRate: serverRates?.errorsPerS ?? null,
        responseMs: server.responseMs,
        state: server.state,
      })
    })
  })
}
