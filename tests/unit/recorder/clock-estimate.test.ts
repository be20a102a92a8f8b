import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createClockEstimate } from '../../../src-main/recorder/clock-estimate.ts'

/** An exchange over a way that takes `out` there and `back` again, with a clock that is `ahead`. */
function exchange(
  estimate: ReturnType<typeof createClockEstimate>,
  at: number,
  ahead: number,
  out: number,
  back: number,
): void {
  estimate.note(at, at + out + ahead, at + out + back)
}

describe('the estimate of another clock', () => {
  it('is exact over a way that takes as long there as back', () => {
    const estimate = createClockEstimate()
    exchange(estimate, 1_000, -250, 30, 30)
    expect(estimate.best()).toEqual({ offsetMs: -250, uncertaintyMs: 30 })
  })

  it('believes the quickest exchange', () => {
    const estimate = createClockEstimate()
    exchange(estimate, 1_000, 70, 400, 1)
    exchange(estimate, 2_000, 70, 2, 4)
    exchange(estimate, 3_000, 70, 1, 900)
    expect(estimate.best()).toEqual({ offsetMs: 69, uncertaintyMs: 3 })
  })

  it('is never further off than it says, whatever the way does', () => {
    const delay = fc.double({ min: 0, max: 2_000, noNaN: true })
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.array(fc.tuple(delay, delay), { minLength: 1, maxLength: 40 }),
        (ahead, ways) => {
          const estimate = createClockEstimate()
          ways.forEach(([out, back], index) => exchange(estimate, index * 5_000, ahead, out, back))
          const { offsetMs, uncertaintyMs } = estimate.best()
          expect(Math.abs(offsetMs - ahead)).toBeLessThanOrEqual(uncertaintyMs + 1e-3)
        },
      ),
    )
  })

  it('follows a clock that runs fast', () => {
    const estimate = createClockEstimate()
    // 200 ppm for ten minutes: 120 ms in all
    for (let second = 0; second < 600; second += 1) exchange(estimate, second * 1_000, second * 0.2, 5, 5)
    expect(Math.abs(estimate.best().offsetMs - 600 * 0.2)).toBeLessThan(8)
  })
})
