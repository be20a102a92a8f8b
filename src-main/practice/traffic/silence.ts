import type { Wheel } from './wheel.ts'

/**
 * Calls `expired` once nothing was heard for `limitMs`. Activity costs nothing: it only moves what `lastAt` says, and the wheel looks again
 * when the old limit is over. The returned function ends it.
 */
export function watchSilence(
  wheel: Wheel,
  now: () => number,
  limitMs: number,
  lastAt: () => number,
  expired: () => void,
): () => void {
  let cancel = (): void => {}
  const look = (): void => {
    const leftMs = lastAt() + limitMs - now()
    if (leftMs <= 0) expired()
    else cancel = wheel.after(leftMs, look)
  }
  look()
  return () => cancel()
}
