import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type {
  FleetDelta,
  FleetSnapshot,
  InventoryPair,
  InventorySite,
  NodeId,
  NodeView,
  OutputOf,
  PoolId,
  PoolView,
  Problem,
  RouterId,
  RouterView,
  ServerId,
  ServerState,
  ServerView,
  Totals,
} from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'
import { indexById, serversByPoolFrom, withChanges, withServerChanges } from './fleet-index.ts'
import { freshnessOf } from './freshness.ts'

/** Figures older than this many polls are stale. */
const STALE_POLLS = 3
const TICK_MS = 1_000
/** Charts on the Overview show this much; totals older than it are forgotten. */
const TOTALS_SPAN_MS = 30 * 60_000

export interface TimeSpan {
  from: number
  to: number
  points: number
}

/**
 * The fleet as main last told it, normalised. Maps are replaced, never changed in place, so that a component sees a change by
 * identity. Subscribes first, buffers, then fetches the snapshot; deltas it already contains are dropped, and a gap in their
 * numbers fetches a new one.
 */
export const useFleetStore = defineStore('fleet', () => {
  const client = useClient()
  const phase = shallowRef<'loading' | 'ready' | 'failed'>('loading')
  const error = shallowRef<CallError | null>(null)
  const now = shallowRef(Date.now())
  const at = shallowRef(0)
  const pollMs = shallowRef(2_000)
  const paused = shallowRef(false)
  const fleetName = shallowRef('')
  const sites = shallowRef<readonly InventorySite[]>([])
  const pairs = shallowRef<readonly InventoryPair[]>([])
  const nodes = shallowRef<ReadonlyMap<NodeId, NodeView>>(new Map())
  const pools = shallowRef<ReadonlyMap<PoolId, PoolView>>(new Map())
  const servers = shallowRef<ReadonlyMap<ServerId, ServerView>>(new Map())
  const serversByPool = shallowRef<ReadonlyMap<PoolId, readonly ServerView[]>>(new Map())
  const routers = shallowRef<ReadonlyMap<RouterId, RouterView>>(new Map())
  const problems = shallowRef<readonly Problem[]>([])
  const totals = shallowRef<Totals | null>(null)
  /** totals of the rounds seen since the window opened, oldest first */
  const recentTotals = shallowRef<readonly Totals[]>([])

  let seq = -1
  let buffer: FleetDelta[] | null = null

  function adopt(snapshot: FleetSnapshot) {
    seq = snapshot.seq
    at.value = snapshot.at
    pollMs.value = snapshot.pollMs
    paused.value = snapshot.paused
    fleetName.value = snapshot.fleet
    sites.value = snapshot.sites
    pairs.value = snapshot.pairs
    nodes.value = indexById(snapshot.nodes)
    pools.value = indexById(snapshot.pools)
    servers.value = indexById(snapshot.servers)
    serversByPool.value = serversByPoolFrom(snapshot.servers)
    routers.value = indexById(snapshot.routers)
    problems.value = snapshot.problems
    keepTotals(snapshot.totals)
  }

  function apply(delta: FleetDelta) {
    if (delta.seq <= seq) return
    if (delta.seq !== seq + 1) return void load()
    seq = delta.seq
    at.value = delta.at
    now.value = Date.now()
    pollMs.value = delta.pollMs
    paused.value = delta.paused
    if (delta.fleet !== undefined) fleetName.value = delta.fleet
    if (delta.sites) sites.value = delta.sites
    if (delta.pairs) pairs.value = delta.pairs
    nodes.value = withChanges(nodes.value, delta.nodes, delta.removed.nodes)
    pools.value = withChanges(pools.value, delta.pools, delta.removed.pools)
    serversByPool.value = withServerChanges(serversByPool.value, servers.value, delta.servers, delta.removed.servers)
    servers.value = withChanges(servers.value, delta.servers, delta.removed.servers)
    routers.value = withChanges(routers.value, delta.routers, delta.removed.routers)
    problems.value = delta.problems
    if (delta.totals) keepTotals(delta.totals)
  }

  function keepTotals(next: Totals) {
    totals.value = next
    if (next.at === 0 || recentTotals.value.at(-1)?.at === next.at) return
    recentTotals.value = [...recentTotals.value.filter((one) => one.at > next.at - TOTALS_SPAN_MS), next]
  }

  async function load() {
    if (buffer) return
    buffer = []
    try {
      adopt(await client.call('fleet.snapshot', {}))
      phase.value = 'ready'
      error.value = null
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
      if (phase.value === 'loading') phase.value = 'failed'
    }
    const missed = buffer
    buffer = null
    if (phase.value === 'ready') for (const delta of missed) apply(delta)
  }

  /** Follows the fleet until the returned function is called. */
  function follow(): () => void {
    const offEvents = client.on('fleet.changed', (delta) => (buffer ? buffer.push(delta) : apply(delta)))
    const offLink = client.onLink((state) => state === 'open' && void load())
    const tick = setInterval(() => (now.value = Date.now()), TICK_MS)
    return () => {
      offEvents()
      offLink()
      clearInterval(tick)
    }
  }

  /** `restMs`: how long it is not asked again while nothing happens */
  const isStale = (readAt: number | null, restMs = 0) =>
    readAt === null || now.value - readAt > restMs + STALE_POLLS * pollMs.value

  const serverCounts = computed(() => {
    const counts = new Map<ServerState, number>()
    for (const server of servers.value.values()) counts.set(server.state, (counts.get(server.state) ?? 0) + 1)
    return counts
  })
  const nodeCounts = computed(() => {
    const counts = { fresh: 0, stale: 0, unreachable: 0 }
    for (const node of nodes.value.values()) counts[freshnessOf(node, isStale)] += 1
    return counts
  })

  return {
    phase,
    error,
    now,
    at,
    pollMs,
    paused,
    fleetName,
    sites,
    pairs,
    nodes,
    pools,
    servers,
    serversByPool,
    routers,
    problems,
    totals,
    recentTotals,
    serverCounts,
    nodeCounts,
    follow,
    load,
    isStale,
    freshness: (node: NodeView) => freshnessOf(node, isStale),
    /** Reads one node, or all, now. */
    refresh: (node?: NodeId) => client.call('fleet.refresh', node === undefined ? {} : { node }),
    totalsSeries: (span: TimeSpan): Promise<OutputOf<'fleet.totals'>> => client.call('fleet.totals', span),
    serverSeries: (server: ServerId, span: TimeSpan): Promise<OutputOf<'fleet.serverSeries'>> =>
      client.call('fleet.serverSeries', { server, ...span }),
    serverStates: (server: ServerId, span: Omit<TimeSpan, 'points'>): Promise<OutputOf<'fleet.serverStates'>> =>
      client.call('fleet.serverStates', { server, ...span }),
  }
})
