import type { Clock } from '../../app/ports/clock.ts'

const [shortestMs, longestMs] = [20, 200]

/**
 * Waits between looks, an eighth of the time that has passed: most daemons are ready in a moment, what takes longer is noticed little later
 * than it happens, and one that is not ready should not be asked all the time.
 */
export function createPauses(clock: Clock, signal: AbortSignal): () => Promise<void> {
  const began = clock.monotonic()
  return () => clock.sleep(Math.min(longestMs, Math.max(shortestMs, (clock.monotonic() - began) / 8)), signal)
}
