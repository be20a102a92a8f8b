import type { JobId, JobView } from '#contract'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { HistoryRepo, JobRepo, JobRow } from '../ports/store.ts'
import { createJobDriver, type JobRun } from './drive-job.ts'
import type { AnyJobDefinition } from './job-definition.ts'
import { createJobJournal, messageOf } from './job-journal.ts'
import { planJob, type PlannedJob, replanJob } from './job-plan.ts'
import { isRollingBack, newJob, newJobId, nodesOf } from './job-row.ts'
import { DAEMON_PATIENCE_MS } from './step-runner.ts'

/** A step that is being carried out when the application quits gets this long to reach its end; then it is aborted. */
const STOP_GRACE_MS = 5000

export interface JobRunner {
  /** Journals the job, locks its nodes and begins. `id`: one that was written down before. Throws `request.invalid`, `job.conflict`. */
  start(kind: string, input: unknown, by: { requestedBy: string; reason: string | null; undoes?: JobId; id?: JobId }): JobId
  /** Takes a finished job back, as a job of its own. Throws `job.not-found`, `job.not-undoable`, `job.conflict`. */
  undo(id: JobId, by: { requestedBy: string; reason: string | null }): JobId
  /** Stops at the next safe point and undoes what was done. Throws `job.not-found`; `job.conflict` when it has ended. */
  cancel(id: JobId): void
  /** Throws `job.not-found`. */
  get(id: JobId): JobView
  list(query: { limit: number; before?: number | undefined }): JobView[]
  /** Takes up every unfinished job; at start, and whenever a node can be reached again. Jobs under way are left alone. */
  resumeAll(): void
  /** Takes up one paused job; no-op when it runs or has ended. Throws `job.not-found`. */
  resume(id: JobId): void
  /**
   * Ends a paused job as it stands, its locks given up: for those who look after its nodes themselves, and need not wait for one of them.
   * No-op when it is not paused. Throws `job.not-found`.
   */
  abandon(id: JobId): void
  /** Resolves when the job has ended or is paused. Throws `job.not-found`. */
  settled(id: JobId): Promise<JobView>
  /** jobs that are being carried out now */
  running(): number
  /** it is shutting down, or has: what has not ended goes on in another process, or in this one with another runner */
  isClosing(): boolean
  /**
   * Refuses new jobs, lets every step under way come to its end for 5 s, then aborts it; the jobs stay `paused`.
   * `lease-lost`: aborts at once and writes nothing, for the jobs belong to another process now.
   */
  shutdown(reason: 'host-shutdown' | 'lease-lost'): Promise<void>
}

interface ActiveJob extends JobRun {
  /** resolves when the run is over, and never rejects */
  over: Promise<void>
}

/**
 * Carries out jobs. Model: one process at a time owns the journal (the lease); within it a job's steps run one after another and
 * jobs with no node in common run side by side. Every change of a step is on disk before the next thing happens, so that at any
 * moment the process may be killed: a step that was `intended` is asked about before anything is repeated, and what cannot be
 * asked waits (`paused`, locks kept). Nothing is guessed and nothing unfinished is forgotten.
 */
export function createJobRunner({
  repo,
  definitions,
  history,
  clock,
  log,
  onChange,
}: {
  repo: JobRepo
  definitions: readonly AnyJobDefinition[]
  history: HistoryRepo
  clock: Clock
  log: Log
  onChange: (job: JobView) => void
}): JobRunner {
  const byKind = new Map(definitions.map((definition) => [definition.kind, definition]))
  const active = new Map<JobId, ActiveJob>()
  let closing: 'host-shutdown' | 'lease-lost' | null = null
  let closed = new AbortController()
  /** paused jobs that are looked at again when their patience is over, although nothing has come back */
  const timed = new Set<JobId>()

  const journal = createJobJournal({ repo, byKind, history, clock, log, onChange, ours: () => closing !== 'lease-lost' })
  const drive = createJobDriver(journal, clock)

  function launch(job: JobRow, planned: PlannedJob, resumed: boolean): void {
    const run: ActiveJob = {
      job,
      planned,
      resumed,
      work: new AbortController(),
      patience: new AbortController(),
      stop: null,
      over: Promise.resolve(),
    }
    active.set(job.id, run)
    // Begins in a later turn, so that whoever started the job knows its id before it hears of it.
    run.over = Promise.resolve()
      .then(() => drive(run))
      .catch((thrown: unknown) => {
        // The journal could not be written, or is no longer ours: the job stays unfinished in it and is taken up later.
        log.error('a job was left unfinished', { job: job.id, error: messageOf(thrown) })
      })
      .finally(() => {
        active.delete(job.id)
        if (job.state === 'paused' && closing === null) takeUpLater(job.id)
      })
  }

  function takeUpLater(id: JobId): void {
    if (timed.has(id)) return
    timed.add(id)
    const { signal } = closed
    clock
      .sleep(DAEMON_PATIENCE_MS, signal)
      .finally(() => timed.delete(id))
      .then(() => takeUp(find(id)))
      .catch((thrown: unknown) => {
        // When the application quits, the next start takes it up.
        if (!signal.aborted) log.error('a paused job was not taken up', { job: id, error: messageOf(thrown) })
      })
  }

  function takeUp(job: JobRow): void {
    if (active.has(job.id) || job.state === 'ended' || closing !== null) return
    let planned: PlannedJob
    try {
      planned = replanJob(byKind, job)
    } catch (thrown) {
      log.error('an unfinished job cannot be carried on', { job: job.id, error: messageOf(thrown) })
      return journal.endJob(job, 'needs-operator', appErrorFrom(thrown).toReply())
    }
    const cancelReason = job.cancelReason === 'host-shutdown' ? null : job.cancelReason
    journal.changeJob(job, { state: 'running', error: null, cancelReason })
    launch(job, planned, true)
  }

  function find(id: JobId): JobRow {
    const job = active.get(id)?.job ?? repo.get(id)
    if (job === null) throw new AppError('job.not-found', `There is no job ${id}.`, { details: { job: id } })
    return job
  }

  const runner: JobRunner = {
    start(kind, input, { requestedBy, reason, undoes, id = newJobId() }) {
      if (closing !== null) throw new AppError('request.cancelled', 'Evenkeel is stopping and starts nothing new.')
      const definition = byKind.get(kind)
      if (definition === undefined) throw new AppError('request.invalid', `There is no job of the kind ${kind}.`)
      const planned = planJob(definition, input)
      const job = newJob(planned, { id, requestedBy, reason, undoes: undoes ?? null, createdAt: clock.now() })
      repo.create(job, nodesOf(job))
      launch(job, planned, false)
      journal.notify(job)
      return job.id
    },

    undo(id, by) {
      const job = find(id)
      const { undo } = journal.viewOf(job)
      const wanted = undo.possible ? byKind.get(job.kind)?.undoInput(job) : undefined
      if (wanted === undefined || 'why' in wanted) {
        throw new AppError('job.not-undoable', `The job "${job.title}" cannot be undone. ${undo.why ?? ''}`.trim(), {
          details: { job: id },
        })
      }
      return runner.start(wanted.kind, wanted.input, { ...by, undoes: id })
    },

    cancel(id) {
      const job = find(id)
      if (job.state === 'ended') {
        throw new AppError('job.conflict', `The job "${job.title}" has already ended; undo it instead.`, {
          details: { job: id },
        })
      }
      const run = active.get(id)
      // A job that goes back already, because a step failed, keeps that as its reason.
      if (!isRollingBack(job)) journal.changeJob(job, { cancelReason: 'operator' })
      if (run === undefined) return takeUp(job)
      run.stop ??= 'operator'
      run.patience.abort(new AppError('request.cancelled', 'The operator cancelled the job.'))
    },

    get: (id) => journal.viewOf(find(id)),
    list: (query) => repo.list(query).map((job) => journal.viewOf(job)),

    resumeAll() {
      if (closing === 'lease-lost') {
        closing = null
        closed = new AbortController()
      }
      for (const job of repo.unfinished()) takeUp(job)
    },
    resume(id) {
      takeUp(find(id))
    },

    abandon(id) {
      const job = find(id)
      if (active.has(id) || job.state !== 'paused' || closing !== null) return
      const why = job.error?.message ?? 'It was interrupted.'
      journal.endJob(
        job,
        'failed',
        new AppError('job.outcome-unknown', `Not waited for: ${why}`, { effect: 'unknown' }).toReply(),
      )
    },

    async settled(id) {
      find(id)
      await active.get(id)?.over
      return journal.viewOf(find(id))
    },
    running: () => active.size,
    isClosing: () => closing !== null,

    async shutdown(reason) {
      closing = reason
      closed.abort()
      const why = new AppError('request.cancelled', 'Evenkeel is stopping.', { effect: 'unknown' })
      for (const run of active.values()) {
        run.stop = reason
        run.patience.abort(why)
        if (reason === 'lease-lost') run.work.abort(why)
      }
      const settled = new AbortController()
      const grace = clock.sleep(STOP_GRACE_MS, settled.signal).then(
        () => active.forEach((run) => run.work.abort(why)),
        () => undefined,
      )
      await Promise.all([...active.values()].map(({ over }) => over))
      settled.abort()
      await grace
    },
  }
  return runner
}
