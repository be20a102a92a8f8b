import type { FaultSpec } from '#contract'
import type { AdminLimits } from './admin-limits.ts'
import type { CallLimits, NodeSession } from './node-session.ts'

/** A fault, and what it is about on the node that gets it. */
export interface FaultScope {
  fault: FaultSpec
  /** name of the vrrp_instance */
  instance: string
  /** keepalived's files as they lie on the node, in the order in which it reads them */
  keepalived: readonly { path: string; bytes: Buffer }[]
  /** the balancer that crashes or hangs */
  balancer: 'haproxy' | 'nginx'
  /** addresses with ports of the servers that are lost to it */
  backends: readonly { address: string; port: number }[]
}

/** For a person, before anything is done. */
export interface FaultDescription {
  blastRadius: string
  inject: string[]
  revert: string[]
  /** why it cannot be done on this node, a sentence each; nothing: it can */
  missing: string[]
}

/** One fault on one node, with its dead man's switch. */
export interface FaultTicket {
  id: string
}

export interface InjectedFault extends FaultTicket {
  /** by the node's own clock, milliseconds since the epoch: before and after the commands of the fault */
  began: number
  ended: number
}

export interface StandingFault {
  ticket: FaultTicket
  owner: string
  reason: string
  /**
   * `armed`: reverts by itself without a heartbeat; `lost`: nothing on the node will any more (it was started anew since);
   * `reverted`: by the guard, and nobody has asked since; `failed`: it was tried, and not all is as before
   */
  state: 'armed' | 'lost' | 'reverted' | 'failed'
  log: string
}

export interface RevertedFault {
  /** `nobody`: there was none, and there will be none under this id: what is still under way to the node comes to nothing */
  by: 'console' | 'guard' | 'nobody'
  log: string
}

export interface FaultGuard extends FaultTicket {
  /** without a heartbeat for this long the node takes the fault back by itself */
  expiresAfterMs: number
  owner: string
  reason: string
}

/**
 * Faults that a drill puts on a node. Nothing is put there without a guard on the node itself, which is proven to live first and depends on
 * no connection. Everything runs as root.
 */
export interface FaultAdmin {
  describe(session: NodeSession, scope: FaultScope, limits: CallLimits): Promise<FaultDescription>
  /** What must be the same after a drill, as text by name: files, processes, addresses, links, routes, firewall. */
  snapshot(session: NodeSession, limits: CallLimits): Promise<Record<string, string>>
  /**
   * Arms the guard, and then the fault, in one remote command.
   * @throws AppError `job.conflict`: another drill holds the node; `drill.refused` (effect none): the guard could not be armed, or the fault
   * not be put there and was taken back; `job.rollback-failed`: nor that
   */
  inject(session: NodeSession, scope: FaultScope, guard: FaultGuard, limits: AdminLimits): Promise<InjectedFault>
  /** @throws AppError `daemon.not-confirmed`: the guard has acted, or is at it */
  heartbeat(
    session: NodeSession,
    ticket: FaultTicket,
    guard: Pick<FaultGuard, 'expiresAfterMs'>,
    limits: AdminLimits,
  ): Promise<void>
  /**
   * Takes the fault back and forgets it, exactly once: whoever comes first does it, `by`.
   * @throws AppError `job.rollback-failed` with the node's words; it may be asked again
   */
  revert(session: NodeSession, ticket: FaultTicket, limits: AdminLimits): Promise<RevertedFault>
  standing(session: NodeSession, limits: CallLimits): Promise<StandingFault[]>
  /** Connections to a virtual address that the node believes in. */
  connectionsTo(session: NodeSession, address: string, limits: CallLimits): Promise<number>
  /** Tells the segment who has the instance's addresses, where this node has them: after two nodes had them. */
  announce(session: NodeSession, scope: Pick<FaultScope, 'instance' | 'keepalived'>, limits: AdminLimits): Promise<void>
}
