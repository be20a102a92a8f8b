import * as v from 'valibot'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { JobRow, JobStepRow } from '../ports/store.ts'
import type { ProbeVerdict, StepContext } from './job-definition.ts'
import { issuesOf, type PlannedJob, quarantined } from './job-plan.ts'
import { withDeadline } from './with-deadline.ts'

/** How often one step's effect is tried when the node says each time that it did not happen. */
const APPLY_ATTEMPTS = 3
/** Pauses between attempts to ask a node that cannot be reached; after the last one the job is left for later. */
const PROBE_PAUSES_MS = [500, 1000, 2000, 4000]

/** How long a job that was taken up waits for a daemon that is down before a step that has not begun; then it is taken back. */
export const DAEMON_PATIENCE_MS = 10 * 60_000

/** What one step left behind. `later`: the node could not be asked; nothing was guessed and the step can be taken up again. */
export type StepResult = { end: 'done' } | { end: 'failed' | 'needs-operator' | 'later'; error: AppError }

export interface StepRun {
  job: JobRow
  planned: PlannedJob
  step: JobStepRow
  clock: Clock
  /** taken up after a restart or a pause: a node that cannot be reached is then waited for */
  resumed: boolean
  /** ends what is being done now: the application quits */
  signal: AbortSignal
  /** ends waiting between attempts: the application quits or the operator cancelled */
  patience: AbortSignal
  /** on disk when it returns */
  journal: (change: Partial<Pick<JobStepRow, 'state' | 'attempt' | 'intent' | 'error' | 'startedAt' | 'endedAt'>>) => void
  record: StepContext<unknown>['record']
}

/** Carries one step forward, from whatever state the journal has it in. Only journal failures are thrown. */
export async function advanceStep(run: StepRun): Promise<StepResult> {
  const { step } = run
  if (step.state === 'done' || step.state === 'skipped') return { end: 'done' }
  const fresh = step.state === 'pending'
  if (fresh) {
    const failure = await prepare(run)
    if (failure !== null) return failure
  }
  const intent = readIntent(run)
  if (intent instanceof AppError) return { end: 'needs-operator', error: intent }
  let verdict: ProbeVerdict | AppError = fresh ? 'absent' : await askUntilReached(run, intent.value)
  let lastError: AppError | null = null
  for (let tries = 0; ; tries += 1) {
    if (verdict instanceof AppError) return later(run, verdict)
    if (verdict === 'present') return done(run)
    if (verdict === 'different') return { end: 'needs-operator', error: changedBySomeoneElse(run) }
    if (tries === APPLY_ATTEMPTS) return failed(run, notTaking(run, lastError))
    run.journal({ attempt: step.attempt + 1 })
    lastError = await apply(run, intent.value)
    if (lastError === null) return done(run)
    if (lastError.effect !== 'unknown') return failed(run, lastError)
    run.journal({ state: 'unknown', error: lastError.toReply() })
    verdict = await askUntilReached(run, intent.value)
  }
}

/** Takes one step back, if its effect is in force. Safe to repeat: a step that is back already is left alone. */
export async function revertStep(run: StepRun): Promise<StepResult> {
  const intent = readIntent(run)
  if (intent instanceof AppError) return { end: 'failed', error: intent }
  const undone = (): StepResult => {
    run.journal({ state: 'undone', endedAt: run.clock.now() })
    return { end: 'done' }
  }
  let lastError: AppError | null = null
  for (let tries = 0; ; tries += 1) {
    const verdict = await askUntilReached(run, intent.value)
    if (verdict instanceof AppError) return later(run, verdict)
    if (verdict === 'absent') return undone()
    if (verdict === 'different') return { end: 'failed', error: changedBySomeoneElse(run) }
    if (tries === APPLY_ATTEMPTS) return { end: 'failed', error: notTaking(run, lastError) }
    try {
      await call(run, 'Undoing', (context) => run.planned.definition.undo(intent.value, context))
      return undone()
    } catch (thrown) {
      lastError = appErrorFrom(thrown)
      if (run.signal.aborted || isOutOfReach(lastError)) return later(run, lastError)
      if (lastError.effect !== 'unknown') return { end: 'failed', error: lastError }
    }
  }
}

/** The node, the way to it or the key to it is missing now; the same attempt may succeed later. */
export function isOutOfReach({ code }: AppError): boolean {
  return code === 'node.unreachable' || code.startsWith('ssh.') || code.startsWith('vault.')
}

/** The node answers and the daemon does not: it may be restarting, as after a crash of the whole machine. */
export function isDown({ code }: AppError): boolean {
  return code === 'daemon.not-running' || code === 'daemon.unexpected-reply'
}

async function prepare(run: StepRun): Promise<StepResult | null> {
  const startedAt = run.step.startedAt ?? run.clock.now()
  run.journal({ startedAt })
  try {
    const intent = await call(run, 'Reading the state before', (context) => run.planned.definition.prepare(context))
    run.journal({ state: 'intended', intent: JSON.parse(JSON.stringify(intent)), error: null })
    return null
  } catch (thrown) {
    const cause = appErrorFrom(thrown)
    const mayWait = isOutOfReach(cause) || (isDown(cause) && run.clock.now() - startedAt < DAEMON_PATIENCE_MS)
    if (run.signal.aborted || (run.resumed && mayWait)) return { end: 'later', error: cause }
    // Reading changes nothing, whatever went wrong with it.
    return failed(run, new AppError(cause.code, cause.message, { effect: 'none', details: cause.details, cause }))
  }
}

async function apply(run: StepRun, intent: unknown): Promise<AppError | null> {
  try {
    await call(run, 'Carrying out', (context) => run.planned.definition.apply(intent, context))
    return null
  } catch (thrown) {
    return run.signal.aborted
      ? new AppError('job.outcome-unknown', 'The application quit.', { effect: 'unknown' })
      : appErrorFrom(thrown)
  }
}

/** Asks the node, again and again while it cannot be asked, but not for ever. */
async function askUntilReached(run: StepRun, intent: unknown): Promise<ProbeVerdict | AppError> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call(run, 'Asking for the outcome of', (context) => run.planned.definition.probe(intent, context))
    } catch (thrown) {
      const pauseMs = PROBE_PAUSES_MS[attempt]
      if (pauseMs === undefined || run.signal.aborted || run.patience.aborted) return appErrorFrom(thrown)
      // Waiting that is cut short leaves one more attempt.
      await run.clock.sleep(pauseMs, run.patience).catch(() => undefined)
    }
  }
}

function call<T>(run: StepRun, what: string, work: (context: StepContext<unknown>) => Promise<T>): Promise<T> {
  const { job, planned, step, clock, signal: outer, record } = run
  const { key, nodeId, title } = step
  return withDeadline({ clock, deadlineMs: planned.definition.deadlineMs, outer, what: `${what} step "${title}"` }, (signal) =>
    work({ jobId: job.id, input: planned.input, step: { key, nodeId, title }, signal, record }),
  )
}

/** The intent as the journal has it, so that a fresh step and a resumed one work from the same value. */
function readIntent({ job, planned, step }: StepRun): { value: unknown } | AppError {
  const parsed = v.safeParse(planned.definition.intent, step.intent)
  if (parsed.success) return { value: parsed.output }
  return quarantined(job, `the record of step "${step.title}" cannot be read (${issuesOf(parsed.issues)})`)
}

function done(run: StepRun): StepResult {
  run.journal({ state: 'done', error: null, endedAt: run.clock.now() })
  return { end: 'done' }
}

function failed(run: StepRun, error: AppError): StepResult {
  run.journal({ state: 'failed', error: error.toReply(), endedAt: run.clock.now() })
  return { end: 'failed', error }
}

function later(run: StepRun, cause: AppError): StepResult {
  const error = new AppError(
    'job.outcome-unknown',
    `It is not known whether step "${run.step.title}" happened: ${cause.message} The job goes on when the node can be asked.`,
    { effect: 'unknown', details: { cause: cause.code, node: run.step.nodeId }, cause },
  )
  return { end: 'later', error }
}

function changedBySomeoneElse({ step }: StepRun): AppError {
  return new AppError(
    'job.outcome-unknown',
    `Step "${step.title}": ${step.nodeId ?? 'the target'} is in neither the state before nor the state after; someone else changed it. Nothing more was done; look at it and decide.`,
    { effect: 'unknown', details: { node: step.nodeId } },
  )
}

function notTaking({ step }: StepRun, lastError: AppError | null): AppError {
  return new AppError(
    'job.step-failed',
    `Step "${step.title}" was tried ${APPLY_ATTEMPTS} times and ${step.nodeId ?? 'the target'} did not change. ${lastError?.message ?? ''}`.trim(),
    { details: { node: step.nodeId }, cause: lastError },
  )
}
