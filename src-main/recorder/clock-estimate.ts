import type { ClockOffset } from '../app/ports/recorder.ts'

/** Exchanges that count: half a minute of them, so that a clock that runs fast or slow is followed. */
const kept = 32

/**
 * How far another clock is ahead of ours, as NTP finds it: of several exchanges the one that took the shortest time says most, for
 * whatever delayed it is at most half of that.
 */
export function createClockEstimate() {
  const exchanges: ClockOffset[] = []
  return {
    /** Milliseconds since the epoch: asked and heard by our clock, `theirs` by the other. */
    note(askedAt: number, theirs: number, heardAt: number): void {
      exchanges.push({ offsetMs: theirs - (askedAt + heardAt) / 2, uncertaintyMs: (heardAt - askedAt) / 2 })
      if (exchanges.length > kept) exchanges.shift()
    },
    exchanges: () => exchanges.length,
    best: (): ClockOffset =>
      exchanges.reduce((best, one) => (one.uncertaintyMs <= best.uncertaintyMs ? one : best), {
        offsetMs: 0,
        uncertaintyMs: Infinity,
      }),
  }
}
