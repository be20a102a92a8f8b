import type { Clock } from '../../../../src-main/app/ports/clock.ts'

/** Time that passes only when it is told to. */
export function createManualClock(): Clock & { pass(ms: number): void } {
  let now = 0
  const sleepers = new Set<{ until: number; wake: () => void }>()
  return {
    now: () => 1_700_000_000_000 + now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { until: now + ms, wake: resolve }
        sleepers.add(sleeper)
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason as Error)
        })
      }),
    pass(ms) {
      now += ms
      for (const sleeper of sleepers) {
        if (sleeper.until > now) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}
