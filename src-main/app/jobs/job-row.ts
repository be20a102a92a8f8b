import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import { JobId, type NodeId } from '#contract'
import type { JobRow, JobStepRow } from '../ports/store.ts'
import type { PlannedJob } from './job-plan.ts'

export const newJobId = (): JobId => v.parse(JobId, randomUUID())

/** A planned job as it is first journaled: running, every step pending. */
export function newJob(
  { definition, input, plan, planSha256 }: PlannedJob,
  by: { id: JobId; requestedBy: string; reason: string | null; undoes: JobId | null; createdAt: number },
): JobRow {
  return {
    kind: definition.kind,
    defVersion: definition.version,
    title: plan.title,
    input,
    planSha256,
    state: 'running',
    outcome: null,
    ...by,
    endedAt: null,
    cancelReason: null,
    error: null,
    steps: plan.steps.map(({ key, nodeId, title }, ordinal) => ({
      ordinal,
      key,
      nodeId,
      title,
      state: 'pending',
      attempt: 0,
      intent: null,
      error: null,
      startedAt: null,
      endedAt: null,
    })),
  }
}

/** The nodes a job locks. */
export function nodesOf({ steps }: JobRow): NodeId[] {
  return [...new Set(steps.flatMap(({ nodeId }) => nodeId ?? []))]
}

/** The journal alone tells which way a job is going. */
export function isRollingBack({ cancelReason, steps }: JobRow): boolean {
  return cancelReason === 'operator' || steps.some(({ state }) => state === 'failed' || state === 'undone')
}

/** The step's effect is, or may be, in force. */
export function needsRevert({ state, error }: JobStepRow): boolean {
  if (state === 'failed') return error?.effect !== 'none'
  return state === 'done' || state === 'intended' || state === 'unknown'
}
