import { describe, expect, it } from 'vitest'
import { labelBaselines } from '../../../../src-renderer/charts/chart-overlay.ts'
import { summariseSeries, timeSpan, topValue } from '../../../../src-renderer/charts/chart-summary.ts'
import { shortNumber, timeFormat, timeTicks, valueTicks } from '../../../../src-renderer/charts/chart-ticks.ts'
import { sparkPath } from '../../../../src-renderer/charts/spark-path.ts'
import { stripSegments } from '../../../../src-renderer/charts/strip-segments.ts'

const minute = 60_000

describe('time axis', () => {
  it('ticks stand on round minutes of the local clock', () => {
    const from = Date.UTC(2026, 0, 1, 2, 11, 30)
    const ticks = timeTicks(from, from + 30 * minute, 4, 0)
    expect(ticks.map((at) => new Date(at).toISOString().slice(11, 16))).toEqual(['02:20', '02:30', '02:40'])
  })

  it('follows a zone with half an hour', () => {
    const from = Date.UTC(2026, 0, 1, 0, 0)
    const [first] = timeTicks(from, from + 6 * 60 * minute, 3, -330)
    // 08:00 at +05:30 is 02:30 UTC
    expect(new Date(first ?? 0).toISOString().slice(11, 16)).toBe('00:30')
  })

  it('has no ticks for an empty span', () => {
    expect(timeTicks(5, 5, 4, 0)).toEqual([])
  })

  it('shows seconds only where they differ', () => {
    expect(timeFormat(minute, 4, 'en').resolvedOptions().second).toBe('2-digit')
    expect(timeFormat(60 * minute, 4, 'en').resolvedOptions().second).toBeUndefined()
  })
})

describe('value axis', () => {
  it.each([
    [0, [0, 0.5, 1]],
    [1, [0, 0.5, 1]],
    [7, [0, 2.5, 5, 7.5]],
    [60, [0, 20, 40, 60]],
    [0.29, [0, 0.1, 0.2, 0.3]],
    [12_900, [0, 5000, 10_000, 15_000]],
  ])('%d', (max, expected) => {
    expect(valueTicks(max)).toEqual(expected)
  })

  it('never has more than four lines and always covers the largest value', () => {
    for (let max = 0.013; max < 1e6; max *= 1.37) {
      const ticks = valueTicks(max)
      expect(ticks.length).toBeLessThanOrEqual(4)
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(max)
    }
  })

  it('writes short numbers', () => {
    expect([0, 0.25, 12, 12_000, 1_500_000].map((value) => shortNumber(value, 'en'))).toEqual([
      '0',
      '0.25',
      '12',
      '12K',
      '1.5M',
    ])
  })
})

describe('what is said of a chart', () => {
  const series = [
    {
      label: 'lb1',
      colour: 'c-1' as const,
      points: [
        { at: 1, value: 4 },
        { at: 2, value: null },
        { at: 3, value: 9 },
      ],
    },
    { label: 'lb2', colour: 'c-2' as const, points: [{ at: 2, value: null }] },
  ]

  it('knows the last, least and largest value, and what was not read', () => {
    expect(summariseSeries(series)).toEqual([
      { label: 'lb1', last: 9, min: 4, max: 9 },
      { label: 'lb2', last: null, min: null, max: null },
    ])
  })

  it('spans all lines and leaves room for the limit', () => {
    expect(timeSpan(series)).toEqual({ from: 1, to: 3 })
    expect(timeSpan([])).toBeNull()
    expect(topValue(series, undefined)).toBe(9)
    expect(topValue(series, 20)).toBe(20)
  })
})

describe('sparkline', () => {
  it('breaks the line where nothing was read', () => {
    expect(sparkPath([1, 1, null, 1, 1], 64, 18).path.match(/M/g)).toHaveLength(2)
  })

  it('has no dot when the newest value is unknown, and no line without values', () => {
    expect(sparkPath([1, null], 64, 18).last).toBeNull()
    expect(sparkPath([], 64, 18)).toEqual({ path: '', last: null })
  })

  it('lies on the floor when always zero and stays inside the box', () => {
    expect(sparkPath([0, 0], 64, 18).last).toEqual({ x: 62, y: 16 })
    expect(sparkPath([1, 100], 64, 18).last?.y).toBeGreaterThanOrEqual(2)
  })
})

describe('state strip', () => {
  const span = (state: 'up' | 'down', from: number, to: number | null) => ({
    nodeId: 'lb1' as never,
    state,
    word: state,
    from,
    to,
  })

  it('cuts to the window, fills what was not read with unknown, runs on to now', () => {
    const segments = stripSegments([span('down', 150, null), span('up', 0, 120)], 100, 200)
    expect(segments.map(({ state, from, to }) => [state, from, to])).toEqual([
      ['up', 100, 120],
      ['unknown', 120, 150],
      ['down', 150, 200],
    ])
    expect(segments.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(1)
  })

  it('is one hatched strip when nothing is known, and nothing for no time', () => {
    expect(stripSegments([], 0, 10).map(({ state }) => state)).toEqual(['unknown'])
    expect(stripSegments([], 10, 10)).toEqual([])
  })

  it('never lays spans over one another', () => {
    const segments = stripSegments([span('up', 0, 60), span('down', 50, 90)], 0, 100)
    expect(segments.map(({ from, to }) => [from, to])).toEqual([
      [0, 60],
      [60, 90],
      [90, 100],
    ])
  })
})

describe('direct labels', () => {
  const area = { top: 10, bottom: 110 }

  it('stand above their points where there is room', () => {
    expect(labelBaselines([100, 50], area)).toEqual([96, 46])
  })

  it('give way upwards at the floor and downwards at the ceiling', () => {
    expect(labelBaselines([108, 107], area)).toEqual([104, 91])
    expect(labelBaselines([14, 12], area)).toEqual([36, 23])
  })
})
