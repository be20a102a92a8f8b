import type { PoolId, ServerId, ServerView } from '#contract'

export function indexById<Id, T extends { id: Id }>(list: readonly T[]): ReadonlyMap<Id, T> {
  return new Map(list.map((one) => [one.id, one]))
}

/** The same map when nothing changed, so that nothing is drawn again. */
export function withChanges<Id, T extends { id: Id }>(
  map: ReadonlyMap<Id, T>,
  changed: readonly T[],
  removed: readonly Id[],
): ReadonlyMap<Id, T> {
  if (changed.length === 0 && removed.length === 0) return map
  const next = new Map(map)
  for (const id of removed) next.delete(id)
  for (const one of changed) next.set(one.id, one)
  return next
}

export function serversByPoolFrom(servers: readonly ServerView[]): ReadonlyMap<PoolId, readonly ServerView[]> {
  const byPool = new Map<PoolId, ServerView[]>()
  for (const server of servers) {
    const list = byPool.get(server.poolId)
    if (list) list.push(server)
    else byPool.set(server.poolId, [server])
  }
  return byPool
}

/** Only the lists of pools that a change touches are made anew; order within a pool stays the daemon's. */
export function withServerChanges(
  byPool: ReadonlyMap<PoolId, readonly ServerView[]>,
  before: ReadonlyMap<ServerId, ServerView>,
  changed: readonly ServerView[],
  removed: readonly ServerId[],
): ReadonlyMap<PoolId, readonly ServerView[]> {
  if (changed.length === 0 && removed.length === 0) return byPool
  const gone = new Set(removed)
  const replaced = new Map(changed.map((server) => [server.id, server]))
  const touched = new Set(changed.map((server) => server.poolId))
  for (const id of removed) {
    const server = before.get(id)
    if (server) touched.add(server.poolId)
  }
  const next = new Map(byPool)
  for (const poolId of touched) {
    const kept = (byPool.get(poolId) ?? [])
      .filter((server) => !gone.has(server.id))
      .map((server) => replaced.get(server.id) ?? server)
    const added = changed.filter((server) => server.poolId === poolId && !before.has(server.id))
    if (kept.length + added.length === 0) next.delete(poolId)
    else next.set(poolId, [...kept, ...added])
  }
  return next
}
