import type { Clock } from '../../app/ports/clock.ts'

const longestMs = 200

/** Waits between looks, from 20 to 200 ms: most daemons are ready in a moment, and one that is not should not be asked all the time. */
export function createPauses(clock: Clock, signal: AbortSignal): () => Promise<void> {
  let nextMs = 20
  return () => {
    const pauseMs = nextMs
    nextMs = Math.min(longestMs, nextMs * 2)
    return clock.sleep(pauseMs, signal)
  }
}
