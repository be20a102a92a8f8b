import * as v from 'valibot'
import type { CommandRecord, ErrorReply, HistoryEntry, JobOutcome, JobView } from '#contract'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { HistoryRepo, JobRepo, JobRow, JobStepRow } from '../ports/store.ts'
import type { AnyJobDefinition } from './job-definition.ts'
import { nodesOf } from './job-row.ts'
import { jobViewFrom } from './job-view.ts'

type Outcome = v.InferOutput<typeof JobOutcome>
export type JobChange = Parameters<JobRepo['updateJob']>[1]
export type StepChange = Parameters<JobRepo['updateStep']>[2]

/** Of a daemon's reply to one command, kept in the journal. */
const MAX_REPLY_CHARS = 4096

export type JobJournal = ReturnType<typeof createJobJournal>

/**
 * The one way in which the runner writes: to disk first, then to the row in memory, then to whoever listens. Once another process
 * drives the data folder (`ours` answers false) every write is refused with `host.viewer`, for the jobs are that process's now.
 */
export function createJobJournal({
  repo,
  byKind,
  history,
  clock,
  log,
  onChange,
  ours,
}: {
  repo: JobRepo
  byKind: ReadonlyMap<string, AnyJobDefinition>
  history: HistoryRepo
  clock: Clock
  log: Log
  onChange: (job: JobView) => void
  ours: () => boolean
}) {
  function viewOf(job: JobRow): JobView {
    return jobViewFrom(job, {
      servers: serversOf(byKind, job),
      commands: repo.commands(job.id),
      undoneBy: repo.undoneBy(job.id),
      whyNotUndoable: job.outcome === 'succeeded' ? whyNotUndoable(byKind, job) : null,
    })
  }

  function notify(job: JobRow): void {
    try {
      onChange(viewOf(job))
    } catch (thrown) {
      // A listener's trouble must not stop a job half-way.
      log.error('a job change could not be told', { job: job.id, error: messageOf(thrown) })
    }
  }

  function mustDrive(): void {
    if (!ours()) throw new AppError('host.viewer', 'Another process drives this data folder now.')
  }

  function changeJob(job: JobRow, change: Parameters<JobRepo['updateJob']>[1]): void {
    mustDrive()
    repo.updateJob(job.id, change)
    Object.assign(job, change)
    notify(job)
  }

  /** Exactly one line per job and kind, whenever the process dies: looked for before it is written, written before the job ends. */
  function appendOnce(job: JobRow, kind: 'operation.started' | 'operation.ended', outcome: Outcome | null): void {
    if (history.list({ limit: 1, subject: job.id, kinds: [kind] }).length > 0) return
    const nodes = nodesOf(job)
    const data: HistoryEntry['data'] = {
      title: job.title,
      kind: job.kind,
      requestedBy: job.requestedBy,
      reason: job.reason,
      undoes: job.undoes,
      nodes,
      servers: serversOf(byKind, job),
      ...(outcome === null ? {} : { outcome }),
    }
    history.append([{ at: clock.now(), kind, nodeId: (nodes.length === 1 ? nodes[0] : null) ?? null, subject: job.id, data }])
  }

  function endJob(job: JobRow, outcome: Outcome, error: ErrorReply | null): void {
    mustDrive()
    appendOnce(job, 'operation.ended', outcome)
    changeJob(job, { state: 'ended', outcome, error, endedAt: clock.now() })
  }

  function changeStep(job: JobRow, step: JobStepRow, change: StepChange): void {
    mustDrive()
    repo.updateStep(job.id, step.ordinal, change)
    Object.assign(step, change)
    notify(job)
  }

  function recordCommand(job: JobRow, step: JobStepRow, command: Omit<CommandRecord, 'nodeId'>): void {
    const nodeId = step.nodeId
    if (nodeId === null) throw new Error(`Step ${step.key} has no node, so it cannot have sent a command.`)
    try {
      repo.appendCommand(job.id, step.ordinal, { ...command, nodeId, reply: command.reply.slice(0, MAX_REPLY_CHARS) })
    } catch (thrown) {
      // The command was sent: whoever sees this error must not believe that nothing happened.
      const { code, message, details } = appErrorFrom(thrown)
      throw new AppError(code, message, { effect: 'unknown', details, cause: thrown })
    }
  }

  return { viewOf, notify, changeJob, changeStep, recordCommand, appendOnce, endJob }
}

function serversOf(byKind: ReadonlyMap<string, AnyJobDefinition>, job: JobRow): JobView['servers'] {
  const definition = byKind.get(job.kind)
  const parsed = definition === undefined ? null : v.safeParse(definition.input, job.input)
  return definition !== undefined && parsed?.success === true ? [...definition.plan(parsed.output).servers] : []
}

function whyNotUndoable(byKind: ReadonlyMap<string, AnyJobDefinition>, job: JobRow): string | null {
  const definition = byKind.get(job.kind)
  if (definition === undefined) return 'This release does not know this kind of job.'
  const wanted = definition.undoInput(job)
  return 'why' in wanted ? wanted.why : null
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
