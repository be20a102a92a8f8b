import type { DrainBefore, DrainClient } from '#contract'

/** One server on one balancer as it was read for a drain: its administrative state, and everything that may still be on it. */
export interface PlaceReading extends DrainBefore {
  /** process id of the worker that answered */
  worker: number
  sessions: number
  /** sessions and queued requests on workers of before a reload, together; null = they could not be counted */
  oldSessions: number | null
  /** those workers that still run */
  oldWorkers: number[]
  /** queued for it, or a client of an older worker that has no server yet and may be given this one */
  queue: number
  idle: number | null
  lastRequestS: number | null
  /** sessions given to it since this worker started */
  totalSessions: number | null
  /** an agent-check may undo what is set */
  agentCheck: boolean
  /** what its checks say; null = it is not checked */
  health: 'up' | 'down' | null
  /** what brings clients back to it while it is drained but not in maintenance, e.g. `the cookie s1` */
  stickyBy: string[]
  /** null = too many sessions to list */
  clients: DrainClient[] | null
}
