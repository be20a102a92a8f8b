import type { Effect } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { CallLimits } from '../../app/ports/node-session.ts'

/** One signal for everything that may end a call early. Its reason is always an AppError; `dispose` after the call. */
export interface Deadline {
  readonly signal: AbortSignal
  dispose(): void
}

/**
 * Joins the caller's signal, the call's time limit and further signals (whose reasons are AppErrors, e.g. a lost connection).
 * `what` starts the message: `"haproxy -c" on lb1`. `effect` is asked when the call ends, for it changes once a command was sent.
 */
export function startDeadline(
  limits: CallLimits,
  call: { what: () => string; effect: () => Effect },
  also: readonly AbortSignal[] = [],
): Deadline {
  const controller = new AbortController()
  const end = (error: AppError): void => controller.abort(error)
  const cleanUps: (() => void)[] = []

  const watch = (signal: AbortSignal, error: () => AppError): void => {
    if (signal.aborted) return end(error())
    const onAbort = (): void => end(error())
    signal.addEventListener('abort', onAbort, { once: true })
    cleanUps.push(() => signal.removeEventListener('abort', onAbort))
  }

  watch(limits.signal, () => cancelled(limits.signal.reason, call.what(), call.effect()))
  for (const signal of also) watch(signal, () => withEffect(signal.reason, call.what(), call.effect()))
  const timer = setTimeout(() => {
    const effect = call.effect()
    const advice = effect === 'unknown' ? ' It may have been carried out; look before you run it again.' : ''
    const message = `${call.what()} took longer than ${limits.timeoutMs} ms.${advice}`
    end(new AppError('ssh.timeout', message, { effect, details: { timeoutMs: limits.timeoutMs } }))
  }, limits.timeoutMs)
  cleanUps.push(() => clearTimeout(timer))

  return { signal: controller.signal, dispose: () => cleanUps.splice(0).forEach((cleanUp) => cleanUp()) }
}

/** A promise that the signal can end; `start` undoes its work when it finds the signal aborted. */
export function abortable<T>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason as Error)
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    const settle =
      <V>(done: (value: V) => void) =>
      (value: V): void => {
        signal.removeEventListener('abort', onAbort)
        done(value)
      }
    try {
      start(settle(resolve), settle(reject))
    } catch (error) {
      settle(reject)(error)
    }
  })
}

function cancelled(reason: unknown, what: string, effect: Effect): AppError {
  if (reason instanceof AppError) return withEffect(reason, what, effect)
  if (reason instanceof DOMException && reason.name === 'TimeoutError') {
    return new AppError('ssh.timeout', `${what} did not end in the time its caller allowed.`, { effect, cause: reason })
  }
  return new AppError('request.cancelled', `${what} was cancelled.`, { effect, cause: reason })
}

function withEffect(reason: unknown, what: string, effect: Effect): AppError {
  if (!(reason instanceof AppError))
    return new AppError('request.cancelled', `${what} was cancelled.`, { effect, cause: reason })
  return new AppError(reason.code, reason.message, { effect, details: reason.details, cause: reason })
}
