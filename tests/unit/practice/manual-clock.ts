import type { PracticeClock } from '../../../src-main/practice/machine/machine.ts'

export interface ManualClock extends PracticeClock {
  /** Moves time by hand, timer by timer; what a timer sets off may settle before the next one. */
  advance(ms: number): Promise<void>
}

const start = Date.UTC(2026, 0, 2, 3, 4, 5)

export function createManualClock(): ManualClock {
  let elapsedMs = 0
  const timers = new Set<{ at: number; work: () => void }>()
  return {
    now: () => start + elapsedMs,
    monotonic: () => elapsedMs,
    after(ms, work) {
      const timer = { at: elapsedMs + Math.max(0, ms), work }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(ms) {
      const until = elapsedMs + ms
      await settled()
      for (;;) {
        // The sort is stable: timers of one moment run in the order they were set.
        const [next] = [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)
        if (next === undefined) break
        timers.delete(next)
        elapsedMs = next.at
        next.work()
        await settled()
      }
      elapsedMs = until
    },
  }
}

/** Promises and immediates that are ready have run. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise((resolve) => setImmediate(resolve))
}
