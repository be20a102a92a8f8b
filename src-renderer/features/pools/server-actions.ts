import type { AdminState, DrainView, PoolView, ServerOnBalancer, ServerView } from '#contract'
import { isForcedDrain, isForcedMaintenance } from './admin-bits.ts'

/** What can be done to servers from the table, the menu and the drawer, with its key. */
export const operations = [
  { state: 'drain', key: 'd' },
  { state: 'maint', key: 'm' },
  { state: 'ready', key: 'r' },
] as const satisfies readonly { state: AdminState; key: string }[]

/** Why an operation cannot be done now; the window words it. `names` are the servers that stand in the way. */
export interface Obstacle {
  readonly kind:
    'nothing-selected' | 'viewer' | 'too-many' | 'run-time' | 'unreadable' | 'already' | 'kept-out' | 'going-back' | 'wider'
  readonly names: readonly string[]
}

/** The border takes at most this many servers in one operation, and in one drain. */
export const maxServersOf = (state: AdminState): number => (state === 'drain' ? 200 : 500)

/** A balancer that already has what is asked for. Without admin bits (nothing was read) the answer is no. */
function has(cell: ServerOnBalancer, state: AdminState): boolean {
  if (cell.adminState === null || cell.state === 'unknown') return false
  const drain = isForcedDrain(cell.adminState)
  const maintenance = isForcedMaintenance(cell.adminState)
  if (state === 'drain') return drain && !maintenance
  if (state === 'maint') return maintenance
  return !drain && !maintenance
}

/**
 * The first reason against an operation on all these servers, or null when it can be asked for. An operation is all or
 * nothing: one server that cannot take it is named instead of silently left out.
 */
export function obstacleTo(
  state: AdminState,
  servers: readonly ServerView[],
  poolOf: (server: ServerView) => PoolView | undefined,
  viewer: boolean,
  drainOf: (server: ServerView) => DrainView | undefined,
): Obstacle | null {
  if (viewer) return { kind: 'viewer', names: [] }
  if (servers.length === 0) return { kind: 'nothing-selected', names: [] }
  if (servers.length > maxServersOf(state)) return { kind: 'too-many', names: [] }
  const nameOf = (server: ServerView) => `${poolOf(server)?.name ?? server.poolId}/${server.name}`
  const fixed = servers.filter((server) => poolOf(server)?.can.setState !== true)
  // A drain can leave out what cannot be changed: its sheet asks, as it does for the balancers of one server.
  if (fixed.length > 0 && (state !== 'drain' || fixed.length === servers.length)) {
    return { kind: 'run-time', names: fixed.map(nameOf) }
  }
  const kept = servers.filter((server) => drainOf(server) !== undefined)
  if (kept.length > 0) return obstacleByDrain(state, servers, kept, nameOf, drainOf)
  const unreadable = servers.filter((server) => server.on.every((cell) => cell.state === 'unknown'))
  if (unreadable.length > 0) return { kind: 'unreadable', names: unreadable.map(nameOf) }
  if (servers.every((server) => server.on.every((cell) => cell.state === 'unknown' || has(cell, state)))) {
    return { kind: 'already', names: servers.map(nameOf) }
  }
  return null
}

/**
 * What a drain keeps out goes back with that drain, as a whole: nothing else can be done to it, and nothing that is not selected
 * comes back unasked.
 */
function obstacleByDrain(
  state: AdminState,
  servers: readonly ServerView[],
  kept: readonly ServerView[],
  nameOf: (server: ServerView) => string,
  drainOf: (server: ServerView) => DrainView | undefined,
): Obstacle | null {
  if (state !== 'ready' || kept.length < servers.length) return { kind: 'kept-out', names: kept.map(nameOf) }
  const back = kept.filter((server) => drainOf(server)?.goal === 'back' && drainOf(server)?.state !== 'failed')
  if (back.length > 0) return { kind: 'going-back', names: back.map(nameOf) }
  const selected = new Set<string>(servers.map(({ id }) => id))
  const places = kept.flatMap((server) => drainOf(server)?.places ?? [])
  const others = places.filter(({ serverId, phase }) => !selected.has(serverId) && phase !== 'gone' && phase !== 'restored')
  if (others.length === 0) return null
  return { kind: 'wider', names: [...new Set(others.map(({ pool, server }) => `${pool}/${server}`))] }
}
