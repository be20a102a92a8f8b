import { AppError } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * Runs `work` with a signal that is aborted by `outer` or after `deadlineMs`. When the deadline passes this rejects with
 * `effect: 'unknown'` even if the work ignores its signal.
 */
export async function withDeadline<T>(
  { clock, deadlineMs, outer, what }: { clock: Clock; deadlineMs: number; outer: AbortSignal; what: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted()
  const late = new AbortController()
  const timer = new AbortController()
  const deadline = clock.sleep(deadlineMs, timer.signal).then((): never => {
    const error = new AppError('job.step-failed', `${what} did not finish within ${deadlineMs / 1000} s.`, {
      effect: 'unknown',
    })
    late.abort(error)
    throw error
  })
  try {
    const started = Promise.resolve(AbortSignal.any([outer, late.signal])).then(work)
    return await Promise.race([started, deadline])
  } finally {
    timer.abort()
  }
}
