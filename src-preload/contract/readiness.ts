/** Whether the standby of a virtual router could take over, found out before anything is touched. */
import * as v from 'valibot'
import { FaultKind } from './faults.ts'
import { EpochMs, NodeId, RouterId } from './ids.ts'

/** What is looked at, in the order in which it is shown. */
export const readinessChecks = [
  'members',
  'vrrp',
  'configuration',
  'loaded',
  'certificates',
  'backends',
  'listeners',
  'versions',
  'clocks',
  'log',
] as const
export const ReadinessCheck = v.picklist(readinessChecks)
export type ReadinessCheck = v.InferOutput<typeof ReadinessCheck>

export const ReadinessFinding = v.strictObject({
  check: ReadinessCheck,
  /** `backends.unreachable`: stable, for scripts */
  rule: v.string(),
  /** a drill does not begin */
  blocking: v.boolean(),
  nodeId: v.nullable(NodeId),
  /** a sentence: what is wrong and what it means for a takeover */
  message: v.string(),
  /** what was read that says so: words of a daemon, `file:line`, figures; empty where the message has it all */
  evidence: v.string(),
})
export type ReadinessFinding = v.InferOutput<typeof ReadinessFinding>

export const DrillReadiness = v.strictObject({
  router: RouterId,
  fault: FaultKind,
  at: EpochMs,
  /** who would get the fault; null: nobody holds the address for certain */
  active: v.nullable(NodeId),
  standbys: v.array(NodeId),
  checks: v.array(v.strictObject({ check: ReadinessCheck, state: v.picklist(['passed', 'warned', 'blocked']) })),
  /** blocking ones first */
  findings: v.array(ReadinessFinding),
  /** nothing blocks */
  ready: v.boolean(),
})
export type DrillReadiness = v.InferOutput<typeof DrillReadiness>
