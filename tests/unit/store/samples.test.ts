import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { ServerSample } from '../../../src-main/app/ports/store.ts'
import { downsample, type Reading } from '../../../src-main/store/downsample.ts'
import { tempStore } from './temp-store.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const start = 1_700_000_000_000 - (1_700_000_000_000 % HOUR)

function sample(key: string, sessions: number | null): ServerSample {
  const figure = sessions === null ? null : 1
  return { key, sessions, queue: figure, rate: figure, errorRate: figure, responseMs: figure, state: 'up' }
}

/** Looks at every single millisecond. */
function naive(readings: readonly Reading[], span: { from: number; to: number; points: number }): (number | null)[] {
  const width = Math.max(1, Math.ceil((span.to - span.from) / span.points))
  const result: (number | null)[] = []
  for (let bucket = span.from; bucket < span.to; bucket += width) {
    const seen: number[] = []
    for (let ms = bucket; ms < Math.min(bucket + width, span.to); ms += 1) {
      const current = readings.filter(({ t }) => t <= ms).at(-1)
      const figure = current !== undefined && ms < current.endsAt ? current.figures[0] : null
      if (figure !== null && figure !== undefined) seen.push(figure)
    }
    result.push(seen.length === 0 ? null : seen.reduce((a, b) => a + b, 0) / seen.length)
  }
  return result
}

describe('downsample', () => {
  it('equals looking at every millisecond', () => {
    const reading = fc.record({
      t: fc.integer({ min: 0, max: 120 }),
      holds: fc.integer({ min: 1, max: 40 }),
      figure: fc.option(fc.integer({ min: -50, max: 50 }), { nil: null }),
    })
    const readings = fc.uniqueArray(reading, { selector: ({ t }) => t, maxLength: 20 })
    const span = fc.record({
      from: fc.integer({ min: 0, max: 80 }),
      length: fc.integer({ min: 1, max: 90 }),
      points: fc.integer({ min: 2, max: 30 }),
    })
    fc.assert(
      fc.property(readings, span, (made, { from, length, points }) => {
        const rows = made.sort((a, b) => a.t - b.t).map(({ t, holds, figure }) => ({ t, endsAt: t + holds, figures: [figure] }))
        const asked = { from, to: from + length, points }
        const series = downsample(rows, ['x'], asked)
        const expected = naive(rows, asked)
        expect(series.at).toHaveLength(expected.length)
        expect(series.at.length).toBeLessThanOrEqual(points)
        series.values['x']?.forEach((value, i) => {
          if (expected[i] === null) expect(value).toBeNull()
          else expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 9)
        })
      }),
      { numRuns: 300 },
    )
  })

  it('of an empty or reversed span is empty', () => {
    expect(downsample([], ['x'], { from: 5, to: 5, points: 10 })).toEqual({ resolutionMs: 1, at: [], values: { x: [] } })
    expect(downsample([], ['x'], { from: 9, to: 5, points: 10 }).at).toEqual([])
  })
})

describe('samples', () => {
  it('show a gap where nothing was read, and no gap between two rounds', () => {
    const { store } = tempStore()
    store.samples.write(start, [sample('s@n', 10)], [])
    store.samples.write(start + 2000, [sample('s@n', 20)], [])
    store.samples.write(start + 4000, [sample('s@n', null)], [])
    store.samples.write(start + 60_000, [sample('s@n', 30)], [])
    const series = store.samples.serverSeries('s@n', start, start + 70_000, 70)
    expect(series.resolutionMs).toBe(1000)
    expect(series.values['sessions']?.slice(0, 5)).toEqual([10, 10, 20, 20, null])
    expect(series.values['sessions']?.slice(58)).toEqual([null, null, 30, 30, 30, 30, 30, 30, null, null, null, null])
  })

  it('of a console that was off are a gap, not a line', () => {
    const { store } = tempStore()
    store.samples.write(start, [sample('s@n', 10)], [])
    store.samples.write(start + 50_000, [sample('s@n', 10)], [])
    expect(store.samples.serverSeries('s@n', start, start + 60_000, 6).values['sessions']).toEqual([
      10,
      null,
      null,
      null,
      null,
      10,
    ])
  })

  it('of an unknown server are all gaps', () => {
    const { store } = tempStore()
    expect(store.samples.serverSeries('x@y', start, start + 4, 2)).toEqual({
      resolutionMs: 2,
      at: [start, start + 2],
      values: {
        sessions: [null, null],
        queue: [null, null],
        rate: [null, null],
        errorRate: [null, null],
        responseMs: [null, null],
      },
    })
  })

  it('keep totals by site', () => {
    const { store } = tempStore()
    store.samples.write(start, [], [{ site: 'tokyo', requestsPerS: 7, errorsPerS: 1, sessions: 2, responseMs: 3 }])
    expect(store.samples.totalsSeries(start, start + 2, 2)).toEqual({
      tokyo: {
        resolutionMs: 1,
        at: [start, start + 1],
        values: { sessions: [2, 2], requestsPerS: [7, 7], errorsPerS: [1, 1], responseMs: [3, 3] },
      },
    })
  })

  it('are rolled up to minutes and hours, deleted after their time, and charts stay the same', async () => {
    const { store, clock, folder } = tempStore()
    const settings = {
      pollMs: 15_000,
      pauseWhenHidden: true,
      keepRawHours: 1,
      keepMinuteDays: 1,
      keepHourDays: 2,
      mirrorFolder: '',
    }
    store.settings.save(settings)
    const db = new Database(join(folder, 'metrics.db'), { readonly: true })
    const count = (table: string): unknown => db.prepare(`select count(*) from ${table}`).pluck().get()
    const maintain = async (at: number): Promise<void> => {
      clock.at = at
      store.samples.maintain(at, settings)
      for (let i = 0; i < 50; i += 1) await setImmediate()
    }
    // three hours, one reading every 15 s, the value is the number of the minute
    for (let t = 0; t < 3 * HOUR; t += 15_000) store.samples.write(start + t, [sample('s@n', Math.floor(t / MINUTE))], [])
    clock.at = start + 3 * HOUR
    const raw = store.samples.serverSeries('s@n', start, start + 3 * HOUR, 180)
    expect(raw.values['sessions']).toEqual(Array.from({ length: 180 }, (_, minute) => minute))
    for (let i = 0; i < 5; i += 1) await maintain(start + 3 * HOUR + MINUTE + i * 11 * MINUTE)
    expect(count('sample_hour')).toBe(3)
    expect(count('sample_raw')).toBeLessThan(100)
    expect(store.samples.serverSeries('s@n', start + 2 * HOUR, start + 3 * HOUR, 60).values['sessions']).toEqual(
      raw.values['sessions']?.slice(120),
    )
    expect(store.samples.serverSeries('s@n', start, start + 3 * HOUR, 3).values['sessions']).toEqual([29.5, 89.5, 149.5])
    // much later everything is past its time, and the series with it
    await maintain(start + 60 * 24 * HOUR)
    await maintain(start + 60 * 24 * HOUR + 11 * MINUTE)
    expect([count('sample_raw'), count('sample_minute'), count('sample_hour'), count('series')]).toEqual([0, 0, 0, 0])
    store.samples.write(clock.at, [sample('s@n', 5)], [])
    expect(store.samples.serverSeries('s@n', clock.at, clock.at + 2, 2).values['sessions']).toEqual([5, 5])
    db.close()
  })

  it('of a large fleet are written in slices, thinned, and keep the edges of gaps', async () => {
    const { store, folder } = tempStore()
    const fleet = (sessions: number | null) => Array.from({ length: 5000 }, (_, i) => sample(`s${i}@n`, sessions))
    const round = async (at: number, value: number | null) => {
      store.samples.write(at, fleet(value), [])
      for (let i = 0; i < 100; i += 1) await setImmediate()
    }
    await round(start, 1)
    await round(start + 2000, 2) // younger than 5 s: left out
    await round(start + 4000, null) // not read: kept
    await round(start + 6000, 4) // read again: kept
    await round(start + 8000, 5)
    store.close()
    const db = new Database(join(folder, 'metrics.db'), { readonly: true })
    const rows = db.prepare('select t - ? as t, sessions, count(*) as n from sample_raw group by t').all(start)
    db.close()
    expect(rows).toEqual([
      { t: 0, sessions: 1, n: 5000 },
      { t: 4000, sessions: null, n: 5000 },
      { t: 6000, sessions: 4, n: 5000 },
    ])
  })

  it('that are still being written are on disk after close', () => {
    const { store, folder } = tempStore()
    store.samples.write(
      start,
      Array.from({ length: 20_000 }, (_, i) => sample(`s${i}@n`, i)),
      [],
    )
    store.close()
    const db = new Database(join(folder, 'metrics.db'), { readonly: true })
    expect(db.prepare('select count(*) from sample_raw').pluck().get()).toBe(20_000)
    db.close()
  })
})
