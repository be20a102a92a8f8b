import type { ServerState } from '#contract'

/**
 * Worst first: what nobody planned comes before what an operator did, and what still carries sessions before what is empty.
 * `unknown` is last because it says nothing: it is the joined state only when no balancer can be read.
 */
const worstFirst: readonly ServerState[] = [
  'down',
  'degraded',
  'maintenance',
  'draining',
  'drained',
  'warming',
  'unchecked',
  'up',
  'unknown',
]
const rank = new Map(worstFirst.map((state, index) => [state, index]))

/** Negative when `a` is worse than `b`; for sorting. */
export function compareStates(a: ServerState, b: ServerState): number {
  return (rank.get(a) ?? 0) - (rank.get(b) ?? 0)
}

/** The worst state that is true on any balancer. */
export function joinStates(states: Iterable<ServerState>): ServerState {
  let worst: ServerState = 'unknown'
  for (const state of states) if (compareStates(state, worst) < 0) worst = state
  return worst
}

/**
 * Do the balancers that can be read disagree? Stages of one thing do not count as a difference, since checks on two balancers
 * never run in step: a server coming up (`warming`, `up`), failing (`degraded`) or emptying (`draining`, `drained`).
 */
export function statesDisagree(states: Iterable<ServerState>): boolean {
  let seen: ServerState | null = null
  for (const state of states) {
    if (state === 'unknown') continue
    const group = groupOf(state)
    if (seen !== null && seen !== group) return true
    seen = group
  }
  return false
}

/** Does the balancer send new sessions to a server in this state? */
export function takesTraffic(state: ServerState): boolean {
  return state === 'up' || state === 'warming' || state === 'degraded' || state === 'unchecked'
}

function groupOf(state: ServerState): ServerState {
  if (state === 'warming' || state === 'degraded') return 'up'
  if (state === 'drained') return 'draining'
  return state
}
