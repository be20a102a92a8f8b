import type { Counters } from './figures.ts'
import { Failure } from './failure.ts'
import type { Wheel } from './wheel.ts'

/** Those who wait for a server to become free, first come first served. */
export interface WaitingLine<Lease> {
  /**
   * @param attempt a lease, or null: still nothing free; throws when waiting is of no use any more
   * @param figures where the wait is counted: the pool's, or those of the only server it can be
   */
  wait(attempt: () => Lease | null, figures: Counters, signal: AbortSignal): Promise<Lease>
  /** something became free: everybody tries, in turn */
  move(): void
}

export function createWaitingLine<Lease>(wheel: Wheel, timeoutMs: number): WaitingLine<Lease> {
  const waiting = new Set<() => void>()
  return {
    wait: (attempt, figures, signal) =>
      new Promise((resolve, reject) => {
        figures.wait()
        const leave = (): void => {
          waiting.delete(tryAgain)
          cancel()
          signal.removeEventListener('abort', abandoned)
          figures.waited()
        }
        const fail = (failure: unknown): void => {
          leave()
          reject(failure)
        }
        const abandoned = (): void => fail(new Failure('client'))
        const cancel = wheel.after(timeoutMs, () => fail(new Failure('queue-timeout')))
        const tryAgain = (): void => {
          try {
            const lease = attempt()
            if (lease === null) return
            leave()
            resolve(lease)
          } catch (thrown) {
            fail(thrown)
          }
        }
        waiting.add(tryAgain)
        signal.addEventListener('abort', abandoned)
      }),
    move() {
      for (const tryAgain of waiting) tryAgain()
    },
  }
}
