import type { PracticeClock } from './machine.ts'

/** What setTimeout can wait for, milliseconds. */
const longestMs = 2 ** 31 - 1

/** The computer's own time. A pending timer does not keep the application alive. */
export const systemClock: PracticeClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, Math.min(ms, longestMs)).unref()
    return () => clearTimeout(timer)
  },
}
