import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from './app/ports/clock.ts'

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    signal.throwIfAborted()
    try {
      await delay(ms, undefined, { signal })
    } catch (thrown) {
      // The timer rejects with its own AbortError; callers expect the reason they aborted with.
      signal.throwIfAborted()
      throw thrown
    }
  },
}
