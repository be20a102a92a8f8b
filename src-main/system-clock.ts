import { setTimeout } from 'node:timers/promises'
import type { Clock } from './app/ports/clock.ts'

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    signal.throwIfAborted()
    try {
      await setTimeout(ms, undefined, { signal })
    } catch (thrown) {
      // Node rejects with an AbortError of its own; the port promises the signal's reason.
      signal.throwIfAborted()
      throw thrown
    }
  },
}
