/** What a drill needs of the nodes. */
import type { FaultSpec, RouterView } from '#contract'
import type { AdminLimits } from '../ports/admin-limits.ts'
import type { CallLimits, NodeSession } from '../ports/node-session.ts'

export interface Ticket {
  id: string
}

export interface FaultOrder {
  fault: FaultSpec
  /** the router that it is about; the session's node is one of its members */
  router: RouterView
}

export interface DrillFaults {
  /** Changes nothing. `missing`: a sentence for each thing without which it cannot be made. */
  describe(
    session: NodeSession,
    order: FaultOrder,
    limits: CallLimits,
  ): Promise<{ blastRadius: string; inject: string[]; revert: string[]; missing: string[] }>
  snapshot(session: NodeSession, limits: CallLimits): Promise<Record<string, unknown>>
  inject(
    session: NodeSession,
    order: FaultOrder,
    guard: { expiresAfterMs: number; owner: string; reason: string },
    limits: AdminLimits,
  ): Promise<Ticket>
  heartbeat(session: NodeSession, ticket: Ticket, limits: AdminLimits): Promise<void>
  revert(session: NodeSession, ticket: Ticket, limits: AdminLimits): Promise<{ by: 'console' | 'guard' }>
  standing(session: NodeSession, limits: AdminLimits): Promise<{ ticket: Ticket; reason: string }[]>
}
