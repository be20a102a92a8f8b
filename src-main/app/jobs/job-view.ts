import type { CommandRecord, JobId, JobView, ServerId } from '#contract'
import type { JobRow } from '../ports/store.ts'

/** What a view shows beside the journaled row. */
export interface JobContext {
  servers: readonly ServerId[]
  commands: readonly { ordinal: number; record: CommandRecord }[]
  undoneBy: JobId | null
  /** why the job's definition cannot take it back; null when it can */
  whyNotUndoable: string | null
}

/** The job as the window shows it. */
export function jobViewFrom(job: JobRow, context: JobContext): JobView {
  const why = whyNoUndo(job, context)
  return {
    id: job.id,
    kind: job.kind,
    title: job.title,
    state: job.state,
    outcome: job.outcome,
    requestedBy: job.requestedBy,
    reason: job.reason,
    createdAt: job.createdAt,
    endedAt: job.endedAt,
    undo: { possible: why === null, why },
    undoes: job.undoes,
    undoneBy: context.undoneBy,
    servers: [...context.servers],
    steps: job.steps.map(({ ordinal, key, nodeId, title, state, startedAt, endedAt, error }) => ({
      key,
      nodeId,
      title,
      state,
      startedAt,
      endedAt,
      error,
      commands: context.commands.filter((command) => command.ordinal === ordinal).map(({ record }) => record),
    })),
    error: job.error,
  }
}

function whyNoUndo(job: JobRow, { undoneBy, whyNotUndoable }: JobContext): string | null {
  if (job.state !== 'ended') return 'The job has not ended; cancel it instead.'
  if (job.outcome === 'rolled-back' || job.outcome === 'cancelled') return 'What the job had done was already undone.'
  if (job.outcome !== 'succeeded') return 'The job did not succeed, so its state before cannot be put back as a whole.'
  if (undoneBy !== null) return 'The job was already undone.'
  return whyNotUndoable
}
