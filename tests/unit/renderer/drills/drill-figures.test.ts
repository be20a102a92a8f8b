import { describe, expect, it } from 'vitest'
import { answerCells, intervalText } from '../../../../src-renderer/features/drills/drill-figures.ts'

const cells = (worstMs: (number | null)[], most: number) =>
  answerCells({ vantage: 'console', fromAt: 0, sliceMs: 100, worstMs }, most).map(({ height, failed }) => [height, failed])

describe('what a drill shows', () => {
  it('answers are as high as they were slow, and one that failed is as high as it goes', () => {
    expect(cells([10, 20, -1, null], 10)).toEqual([
      [0.5, false],
      [1, false],
      [1, true],
      [0, false],
    ])
  })

  it('slices that are put together show the worst of them, so that no failure is lost', () => {
    expect(cells([1, 100, 2, -1, 3, null], 2)).toEqual([
      [1, false],
      [1, true],
    ])
    expect(cells([], 5)).toEqual([])
  })

  it('a span of time is one figure where both ends are the same', () => {
    expect(intervalText({ earliestMs: 600, latestMs: 700 })).toBe('600 ms – 700 ms')
    expect(intervalText({ earliestMs: 700, latestMs: 700 })).toBe('700 ms')
  })
})
