import type { ErrorReply } from '#contract'
import { AppError } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { JobRow, JobStepRow } from '../ports/store.ts'
import type { JobJournal } from './job-journal.ts'
import type { PlannedJob } from './job-plan.ts'
import { isRollingBack, needsRevert } from './job-row.ts'
import { advanceStep, revertStep, type StepRun } from './step-runner.ts'

/** A job that is being carried out in this process. */
export interface JobRun {
  readonly job: JobRow
  readonly planned: PlannedJob
  /** taken up after a restart or a pause */
  readonly resumed: boolean
  /** aborts what is being done now */
  readonly work: AbortController
  /** aborts waiting between attempts */
  patience: AbortController
  /** asked to stop at the next safe point, and why */
  stop: 'operator' | 'host-shutdown' | 'lease-lost' | null
}

/**
 * Carries a job forward from wherever its journal says it is, or back when a step failed or the operator cancelled. Resolves when
 * the job has ended or is paused; rejects only when the journal cannot be written.
 */
export function createJobDriver(journal: JobJournal, clock: Clock): (run: JobRun) => Promise<void> {
  function pauseJob({ job, stop }: JobRun, error: AppError | null): void {
    const cancelReason = stop === 'host-shutdown' ? (job.cancelReason ?? stop) : job.cancelReason
    journal.changeJob(job, { state: 'paused', error: error?.toReply() ?? null, cancelReason })
  }

  function stepRun(run: JobRun, step: JobStepRow): StepRun {
    const { job, planned, resumed } = run
    return {
      job,
      planned,
      step,
      clock,
      resumed,
      signal: run.work.signal,
      patience: run.patience.signal,
      journal: (change) => journal.changeStep(job, step, change),
      record: (command) => journal.recordCommand(job, step, command),
    }
  }

  async function drive(run: JobRun): Promise<void> {
    const { job } = run
    journal.appendOnce(job, 'operation.started', null)
    if (!isRollingBack(job)) {
      for (const step of job.steps) {
        if (run.stop !== null) break
        const result = await advanceStep(stepRun(run, step))
        if (result.end === 'later') return pauseOrRollBack(run, result.error)
        if (result.end === 'needs-operator') return journal.endJob(job, 'needs-operator', result.error.toReply())
        if (result.end === 'failed') break
      }
    }
    if (isRollingBack(job)) return rollBack(run)
    if (job.steps.every(({ state }) => state === 'done')) return journal.endJob(job, 'succeeded', null)
    pauseJob(run, null)
  }

  async function pauseOrRollBack(run: JobRun, error: AppError): Promise<void> {
    return run.stop === 'operator' ? rollBack(run) : pauseJob(run, error)
  }

  async function rollBack(run: JobRun): Promise<void> {
    const { job } = run
    // A cancel ended the waiting of what went forward; the way back has patience of its own.
    if (run.stop === 'operator') run.patience = new AbortController()
    let failure: AppError | null = null
    for (const step of job.steps.filter(needsRevert).reverse()) {
      if (run.stop === 'host-shutdown' || run.stop === 'lease-lost') return pauseJob(run, null)
      const single = stepRun(run, step)
      const result = await revertStep(single)
      if (result.end === 'later') return pauseJob(run, result.error)
      if (result.end === 'done') continue
      failure ??= result.error
      single.journal({ error: result.error.toReply() })
    }
    for (const step of job.steps.filter(({ state }) => state === 'pending')) stepRun(run, step).journal({ state: 'skipped' })
    if (failure !== null) return journal.endJob(job, 'rollback-failed', rollbackFailed(job, failure))
    if (job.cancelReason === 'operator') return journal.endJob(job, 'cancelled', null)
    const cause = job.steps.findLast(({ error }) => error !== null)?.error ?? null
    const undone = job.steps.some(({ state }) => state === 'undone')
    journal.endJob(job, undone ? 'rolled-back' : 'failed', undone ? rolledBack(cause) : cause)
  }

  return drive
}

function rolledBack(cause: ErrorReply | null): ErrorReply {
  return new AppError('job.rolled-back', `${cause?.message ?? 'A step failed.'} What had been done before was undone.`, {
    details: { cause: cause?.code ?? null },
  }).toReply()
}

function rollbackFailed(job: JobRow, failure: AppError): ErrorReply {
  const left = job.steps.filter(needsRevert).map(({ title }) => title)
  return new AppError(
    'job.rollback-failed',
    `Not everything could be undone: ${failure.message} Still in force: ${left.join('; ')}. Put these back by hand.`,
    { effect: 'applied', details: { cause: failure.code, steps: left }, cause: failure },
  ).toReply()
}
