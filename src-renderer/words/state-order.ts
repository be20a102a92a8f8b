import type { ServerState } from '#contract'

/** The order in which the nine states are counted out: what takes traffic first, what cannot be read last. */
export const stateOrder: readonly ServerState[] = [
  'up',
  'warming',
  'degraded',
  'down',
  'draining',
  'drained',
  'maintenance',
  'unchecked',
  'unknown',
]
