import type { FleetDelta, FleetSnapshot } from '#contract'
import type { Fleet, OwnerView } from './fleet-model.ts'

interface Entity<Id extends string> {
  readonly id: Id
}

interface Change<T extends Entity<string>> {
  put: T[]
  removed: T['id'][]
}

const noOwner: Pick<OwnerView, 'pools' | 'servers' | 'routers'> = { pools: [], servers: [], routers: [] }

export function snapshotOf(fleet: Fleet, seq: number, at: number): FleetSnapshot {
  const owners = [...fleet.owners.values()]
  return {
    seq,
    at,
    fleet: fleet.name,
    pollMs: fleet.pollMs,
    paused: fleet.paused,
    sites: [...fleet.sites],
    pairs: [...fleet.pairs],
    nodes: [...fleet.nodes],
    pools: owners.flatMap((owner) => owner.pools),
    servers: owners.flatMap((owner) => owner.servers),
    routers: owners.flatMap((owner) => owner.routers.map((router) => router.view)),
    problems: [...fleet.problems],
    totals: fleet.totals,
  }
}

/** What turns `before` into `after`; null when nothing differs. Entities are compared by identity, as `fleetFrom` keeps it. */
export function deltaBetween(before: Fleet, after: Fleet, seq: number, at: number): FleetDelta | null {
  const nodes = changeBetween(before.nodes, after.nodes)
  const delta: FleetDelta = {
    seq,
    at,
    pollMs: after.pollMs,
    paused: after.paused,
    nodes: nodes.put,
    pools: [],
    servers: [],
    routers: [],
    problems: [...after.problems],
    totals: after.totals === before.totals ? null : after.totals,
    removed: { nodes: nodes.removed, pools: [], servers: [], routers: [] },
  }
  if (before.name !== after.name) delta.fleet = after.name
  if (!sameJson(before.sites, after.sites)) delta.sites = [...after.sites]
  if (!sameJson(before.pairs, after.pairs)) delta.pairs = [...after.pairs]
  for (const ownerId of new Set([...before.owners.keys(), ...after.owners.keys()])) {
    addOwnerChange(delta, before.owners.get(ownerId) ?? noOwner, after.owners.get(ownerId) ?? noOwner)
  }
  return isEmpty(delta, before, after) ? null : delta
}

function addOwnerChange(delta: FleetDelta, before: typeof noOwner, after: typeof noOwner): void {
  if (before === after) return
  const pools = changeBetween(before.pools, after.pools)
  const servers = changeBetween(before.servers, after.servers)
  const routers = changeBetween(
    before.routers.map((router) => router.view),
    after.routers.map((router) => router.view),
  )
  for (const pool of pools.put) delta.pools.push(pool)
  for (const server of servers.put) delta.servers.push(server)
  for (const router of routers.put) delta.routers.push(router)
  for (const id of pools.removed) delta.removed.pools.push(id)
  for (const id of servers.removed) delta.removed.servers.push(id)
  for (const id of routers.removed) delta.removed.routers.push(id)
}

function changeBetween<T extends Entity<string>>(before: readonly T[], after: readonly T[]): Change<T> {
  if (before === after) return { put: [], removed: [] }
  // Most rounds bring the same entities in the same order: then places are compared, and no map is built.
  if (before.length === after.length && after.every((entity, place) => entity.id === before[place]?.id)) {
    return { put: after.filter((entity, place) => entity !== before[place]), removed: [] }
  }
  const old = new Map(before.map((entity) => [entity.id, entity]))
  const put = after.filter((entity) => old.get(entity.id) !== entity)
  const kept = new Set<string>(after.map((entity) => entity.id))
  return { put, removed: before.filter((entity) => !kept.has(entity.id)).map((entity) => entity.id) }
}

function isEmpty(delta: FleetDelta, before: Fleet, after: Fleet): boolean {
  const { removed } = delta
  return (
    before.pollMs === after.pollMs &&
    before.paused === after.paused &&
    delta.fleet === undefined &&
    delta.sites === undefined &&
    delta.pairs === undefined &&
    delta.totals === null &&
    [delta.nodes, delta.pools, delta.servers, delta.routers, ...Object.values(removed)].every((list) => list.length === 0) &&
    sameJson(before.problems, after.problems)
  )
}

/**
 * The snapshot after a delta. Entities keep their place, new ones come last; what a delta says is complete per entity, so the
 * same delta applied twice changes nothing more.
 */
export function applyDelta(snapshot: FleetSnapshot, delta: FleetDelta): FleetSnapshot {
  return {
    seq: delta.seq,
    at: delta.at,
    fleet: delta.fleet ?? snapshot.fleet,
    pollMs: delta.pollMs,
    paused: delta.paused,
    sites: delta.sites ?? snapshot.sites,
    pairs: delta.pairs ?? snapshot.pairs,
    nodes: applied(snapshot.nodes, delta.nodes, delta.removed.nodes),
    pools: applied(snapshot.pools, delta.pools, delta.removed.pools),
    servers: applied(snapshot.servers, delta.servers, delta.removed.servers),
    routers: applied(snapshot.routers, delta.routers, delta.removed.routers),
    problems: delta.problems,
    totals: delta.totals ?? snapshot.totals,
  }
}

function applied<T extends Entity<string>>(entities: T[], put: readonly T[], removed: readonly string[]): T[] {
  if (put.length === 0 && removed.length === 0) return entities
  const byId = new Map(entities.map((entity) => [entity.id as string, entity]))
  for (const id of removed) byId.delete(id)
  for (const entity of put) byId.set(entity.id, entity)
  return [...byId.values()]
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
