import type { ServerState, ServerView } from '#contract'
import { stateOrder } from '../../words/state-order.ts'

/** How urgently an operator wants to see a server: lower comes first. */
const urgency: { readonly [S in ServerState]: number } = {
  down: 0,
  degraded: 1,
  unknown: 2,
  warming: 3,
  draining: 4,
  drained: 5,
  maintenance: 6,
  // without a check nobody claims that anything is wrong
  unchecked: 7,
  up: 7,
}

/** The urgency of a server that needs nobody. */
export const calm = urgency.up

/** Balancers that disagree about an otherwise good server are as urgent as a degraded one. */
export function urgencyOf(server: Pick<ServerView, 'state' | 'disagrees'>): number {
  return server.disagrees ? Math.min(urgency[server.state], urgency.degraded) : urgency[server.state]
}

export interface StateCount {
  readonly state: ServerState
  readonly count: number
}

/** How many servers are in each state, in the order in which states are counted everywhere; absent states are left out. */
export function countStates(servers: readonly Pick<ServerView, 'state'>[]): StateCount[] {
  const counts = new Map<ServerState, number>()
  for (const { state } of servers) counts.set(state, (counts.get(state) ?? 0) + 1)
  return stateOrder.flatMap((state) => {
    const count = counts.get(state)
    return count === undefined ? [] : [{ state, count }]
  })
}
