import type { NodeId, PairId, PoolId, PoolView, ServerId, ServerOnBalancer, ServerView, SiteId } from '#contract'
import { ownText } from './own-text.ts'
import type { PoolRates, ServerRates } from './rates.ts'
import type { BalancerReading, PoolReading, ServerReading } from './reading.ts'
import type { ServiceOnNode } from './service-facts.ts'
import { joinStates, statesDisagree } from './state.ts'

/** The pools of one pair (or lone node) with their servers. */
export interface PoolsView {
  readonly pools: readonly PoolView[]
  readonly servers: readonly ServerView[]
}

/** Whose pools these are: a pair, or a node outside any pair. */
export interface PoolOwner {
  readonly id: string
  readonly pair: PairId | null
  /** null when the nodes are at several sites */
  readonly site: SiteId | null
}

interface PoolOnNode {
  service: ServiceOnNode
  reading: BalancerReading
  pool: PoolReading
  rates: PoolRates | null
}

/** The daemon counts whole seconds of its own clock; a time of change that moved less than this is the same change. */
const sameChangeMs = 3_000

/** nginx allows an http and a stream upstream of one name; they are different pools. */
export function poolIdOf(owner: string, kind: 'haproxy' | 'nginx', mode: 'http' | 'tcp', name: string): PoolId {
  return `${owner}/${kind === 'nginx' && mode === 'tcp' ? 'nginx-stream' : kind}/${name}` as PoolId
}

export function serverIdOf(poolId: PoolId, name: string): ServerId {
  return `${poolId}/${name}` as ServerId
}

/** Joins what every balancer says. Entities that did not change since `previous` are the same objects. */
export function poolsOf(owner: PoolOwner, services: readonly ServiceOnNode[], previous: PoolsView | null): PoolsView {
  const byPool = new Map<PoolId, PoolOnNode[]>()
  for (const service of services) {
    const reading = service.facts.reading
    if (reading === null || reading.kind === 'keepalived') continue
    reading.pools.forEach((pool, index) => {
      const id = poolIdOf(owner.id, reading.kind, pool.mode, pool.name)
      const entry = { service, reading, pool, rates: service.facts.rates?.pools[index] ?? null }
      const entries = byPool.get(id)
      if (entries === undefined) byPool.set(id, [entry])
      else entries.push(entry)
    })
  }
  const oldPools = new Map(previous?.pools.map((pool) => [pool.id, pool]))
  const oldServers = byPoolAndName(previous?.servers ?? [])
  const pools: PoolView[] = []
  const servers: ServerView[] = []
  for (const [id, entries] of byPool) {
    pools.push(reused(oldPools.get(id), poolView(id, owner, entries)))
    for (const server of serversOf(id, entries, oldServers.get(id))) servers.push(server)
  }
  return { pools: reusedList(previous?.pools, pools), servers: reusedList(previous?.servers, servers) }
}

function poolView(id: PoolId, owner: PoolOwner, entries: readonly PoolOnNode[]): PoolView {
  const from = entries.find((entry) => entry.service.readable) ?? entries[0]
  if (from === undefined) throw new Error(`pool ${id} comes from no balancer`)
  return {
    id: ownText(id),
    name: ownText(from.pool.name),
    kind: from.reading.kind,
    mode: from.pool.mode,
    algorithm: ownText(from.pool.algorithm),
    site: owner.site,
    pair: owner.pair,
    nodes: entries.map((entry) => entry.service.nodeId),
    can: { setState: entries.some((entry) => entry.reading.canSetState) },
  }
}

/** Found by name, so that no id has to be put together for a server that is known. */
function byPoolAndName(servers: readonly ServerView[]): Map<PoolId, Map<string, ServerView>> {
  const pools = new Map<PoolId, Map<string, ServerView>>()
  for (const server of servers) {
    const named = pools.get(server.poolId)
    if (named === undefined) pools.set(server.poolId, new Map([[server.name, server]]))
    else named.set(server.name, server)
  }
  return pools
}

function serversOf(
  poolId: PoolId,
  entries: readonly PoolOnNode[],
  previous: ReadonlyMap<string, ServerView> | undefined,
): ServerView[] {
  const cells = new Map<string, { reading: ServerReading; rates: ServerRates | null; entry: PoolOnNode }[]>()
  for (const entry of entries) {
    const seen = new Map<string, number>()
    entry.pool.servers.forEach((reading, index) => {
      const name = distinctName(reading.name, seen)
      const cell = { reading, rates: entry.rates?.servers[index] ?? null, entry }
      const known = cells.get(name)
      if (known === undefined) cells.set(name, [cell])
      else known.push(cell)
    })
  }
  return [...cells].map(([name, found]) => {
    const old = previous?.get(name)
    const on = found.map(({ reading, rates, entry }) => {
      const nodeId = entry.service.nodeId
      return cellOf(entry.service, reading, rates, cellFor(old, nodeId))
    })
    const address = found.find((each) => each.reading.address !== '')?.reading.address ?? ''
    if (old !== undefined && old.address === address && sameItems(old.on, on)) return old
    const states = on.map((cell) => cell.state)
    const named = old ?? { id: ownText(serverIdOf(poolId, name)), poolId: ownText(poolId), name: ownText(name) }
    return {
      id: named.id,
      poolId: named.poolId,
      name: named.name,
      address: ownText(address),
      state: joinStates(states),
      disagrees: statesDisagree(states),
      on,
    }
  })
}

/** nginx accepts the same server line twice in one upstream; the second is a member of its own. */
function distinctName(name: string, seen: Map<string, number>): string {
  const count = (seen.get(name) ?? 0) + 1
  seen.set(name, count)
  return count === 1 ? name : `${name}#${count}`
}

function cellFor(server: ServerView | undefined, nodeId: NodeId): ServerOnBalancer | undefined {
  return server?.on.find((cell) => cell.nodeId === nodeId)
}

function cellOf(
  service: ServiceOnNode,
  reading: ServerReading,
  rates: ServerRates | null,
  previous: ServerOnBalancer | undefined,
): ServerOnBalancer {
  // What cannot be asked now has no state and no word. Figures stay: their age is that of the service.
  const state = service.readable ? reading.state : 'unknown'
  const word = service.readable ? ownText(reading.word) : ''
  return reused(previous, {
    nodeId: service.nodeId,
    state,
    word,
    weight: reading.weight,
    backup: reading.backup,
    sessions: reading.sessions,
    sessionLimit: reading.sessionLimit,
    queue: reading.queue,
    rate: reading.rate ?? rates?.sessionsPerS ?? null,
    errorRate: rates?.errorsPerS ?? null,
    totalSessions: reading.totalSessions,
    adminState: reading.adminState,
    check: previous !== undefined && sameFlat(previous.check, reading.check) ? previous.check : ownCheck(reading.check),
    since: sinceOf(service, reading, state, previous),
  })
}

function ownCheck(check: ServerReading['check']): ServerReading['check'] {
  return check === null ? null : { ...check, status: ownText(check.status), text: ownText(check.text) }
}

/** By the daemon's clock where it says; else when the console saw the change, and null for what it found that way. */
function sinceOf(
  service: ServiceOnNode,
  reading: ServerReading,
  state: ServerOnBalancer['state'],
  previous: ServerOnBalancer | undefined,
): number | null {
  const readAt = service.facts.readAt ?? 0
  if (!service.readable) return service.facts.error?.since ?? (previous?.state === 'unknown' ? previous.since : readAt)
  if (reading.sinceS === null) {
    if (previous === undefined) return null
    return previous.state === state ? previous.since : readAt
  }
  const since = Math.max(0, Math.round(readAt - reading.sinceS * 1000))
  const before = previous?.state === state ? previous.since : null
  return before !== null && Math.abs(before - since) < sameChangeMs ? before : since
}

/** `next`, or `previous` when no field differs, so that a change can be told by identity. */
function reused<T extends object>(previous: T | undefined, next: T): T {
  return previous !== undefined && sameFields(previous, next) ? previous : next
}

function reusedList<T>(previous: readonly T[] | undefined, next: readonly T[]): readonly T[] {
  return previous !== undefined && sameItems(previous, next) ? previous : next
}

function sameFields<T extends object>(a: T, b: T): boolean {
  for (const key in b) {
    const one = a[key]
    const other = b[key]
    if (one === other) continue
    if (
      Array.isArray(one) && Array.isArray(other)
        ? sameItems(one, other)
        : isPlain(one) && isPlain(other) && sameFlat(one, other)
    )
      continue
    return false
  }
  return true
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

function sameFlat(a: object | null, b: object | null): boolean {
  if (a === null || b === null) return a === b
  const other = new Map<string, unknown>(Object.entries(b))
  const entries = Object.entries(a)
  return entries.length === other.size && entries.every(([key, value]) => value === other.get(key))
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
