import type { AdminState, PoolView, ServerOnBalancer, ServerView } from '#contract'
import { isForcedDrain, isForcedMaintenance } from './admin-bits.ts'

/** What can be done to servers from the table, the menu and the drawer, with its key. */
export const operations = [
  { state: 'drain', key: 'd' },
  { state: 'maint', key: 'm' },
  { state: 'ready', key: 'r' },
] as const satisfies readonly { state: AdminState; key: string }[]

/** Why an operation cannot be done now; the window words it. `names` are the servers that stand in the way. */
export interface Obstacle {
  readonly kind: 'nothing-selected' | 'viewer' | 'too-many' | 'run-time' | 'unreadable' | 'already'
  readonly names: readonly string[]
}

/** The border takes at most this many servers in one operation. */
export const maxServersPerOperation = 500

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
): Obstacle | null {
  if (viewer) return { kind: 'viewer', names: [] }
  if (servers.length === 0) return { kind: 'nothing-selected', names: [] }
  if (servers.length > maxServersPerOperation) return { kind: 'too-many', names: [] }
  const nameOf = (server: ServerView) => `${poolOf(server)?.name ?? server.poolId}/${server.name}`
  const fixed = servers.filter((server) => poolOf(server)?.can.setState !== true)
  if (fixed.length > 0) return { kind: 'run-time', names: fixed.map(nameOf) }
  const unreadable = servers.filter((server) => server.on.every((cell) => cell.state === 'unknown'))
  if (unreadable.length > 0) return { kind: 'unreadable', names: unreadable.map(nameOf) }
  if (servers.every((server) => server.on.every((cell) => cell.state === 'unknown' || has(cell, state)))) {
    return { kind: 'already', names: servers.map(nameOf) }
  }
  return null
}
