/** What every part of a drill that is being carried out works with. */
import type { DrillRecord, NodeId } from '#contract'
import type { Publish } from '../handlers-type.ts'
import type { AdminLimits } from '../ports/admin-limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { FaultAdmin } from '../ports/fault-admin.ts'
import type { NodeSession } from '../ports/node-session.ts'
import type { PostJson } from '../ports/post-json.ts'
import type { Recorder } from '../ports/recorder.ts'
import type { DrillBook } from './drill-book.ts'
import type { ForeseeParts } from './foresee-fault.ts'

/** How every member was before, by node. */
export type Snapshots = Partial<Record<NodeId, Record<string, string>>>

export interface RunParts extends ForeseeParts {
  book: DrillBook
  faults: FaultAdmin
  recorder: Recorder
  postJson: PostJson
  isStopped: (drill: DrillRecord['id']) => boolean
  clock: Clock
  publish: Publish
}

/** One drill that is being carried out; `record` journals what is sent. */
export interface Run {
  parts: RunParts
  drill: DrillRecord
  before: Snapshots
  signal: AbortSignal
  record: AdminLimits['record']
}

/** How often things are looked at while a fault stands: an abort rule fires well within 250 ms. */
export const tickMs = 50
const commandMs = 30_000

/** Everybody with the fault, who had the address first: the order in which it is taken back. */
export const faultedOf = ({ node, alsoOn }: Pick<DrillRecord, 'node' | 'alsoOn'>): NodeId[] => [node, ...alsoOn]

export const limitsOf = ({ signal, record }: Run): AdminLimits => ({ signal, timeoutMs: commandMs, record })
export const sessionOf = async ({ parts, signal }: Run, nodeId: NodeId): Promise<NodeSession> =>
  (await parts.servicesOf(nodeId, signal)).session

export function enter({ parts, drill }: Run, state: DrillRecord['state'], said: string): void {
  Object.assign(drill, { state, said })
  parts.book.save(drill)
}
