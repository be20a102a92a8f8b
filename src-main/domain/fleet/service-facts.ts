import type { ConnectionView, ErrorCode, NodeId, ServiceKind } from '#contract'
import type { BalancerRates } from './rates.ts'
import type { ServiceReading } from './reading.ts'

/** All that is known of one daemon on one node. A new object whenever any of it changed: identity is compared, not content. */
export interface ServiceFacts {
  readonly kind: ServiceKind
  readonly version: string
  /** the last successful reading and its time, epoch milliseconds; kept when a later attempt fails */
  readonly reading: ServiceReading | null
  readonly readAt: number | null
  /** rates up to that reading; null for keepalived and before the second reading */
  readonly rates: BalancerRates | null
  /** why the last attempt failed, since when; null when it succeeded */
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly since: number } | null
  readonly costMs: number | null
  readonly costBytes: number | null
}

/** All that is known of one node. */
export interface NodeFacts {
  readonly connection: ConnectionView
  /** false until a probe has said which daemons there are */
  readonly probed: boolean
  readonly services: readonly ServiceFacts[]
}

/** One daemon as its pair sees it. */
export interface ServiceOnNode {
  readonly nodeId: NodeId
  readonly facts: ServiceFacts
  /** the node can be reached and the last attempt succeeded: what was read is still believed */
  readonly readable: boolean
}

/** A lost or refused connection makes everything behind it unknown at once, before the next round would find out. */
export function isReadable(facts: ServiceFacts, connection: ConnectionView): boolean {
  return facts.error === null && connection.state !== 'waiting' && connection.state !== 'refused'
}
