import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packProbes, unpackProbes } from '../../../src-main/store/pack-probes.ts'
import { record, view } from '../domain/drill/a-drill.ts'
import { tempStore } from './temp-store.ts'

test('a drill comes back as it was kept, with what happened and what was seen', () => {
  const { drills } = tempStore().store
  expect(drills.get(record.id)).toBeNull()
  drills.put({ ...record, endedAt: null })
  expect(drills.open().map(({ id }) => id)).toEqual([record.id])
  drills.put(record)
  expect(drills.open()).toEqual([])
  expect(drills.get(record.id)).toEqual(record)
  expect(drills.list({ limit: 5, router: record.plan.router })).toEqual([record])
  expect(drills.list({ limit: 5, router: 'other/VI' as typeof record.plan.router })).toEqual([])
  for (const event of view.events) drills.append(record.id, event)
  expect(drills.events(record.id)).toEqual(view.events)
  const probes = [
    { at: 1_800_000_000_000.5, tookMs: 1.25, ok: true },
    { at: 1_800_000_000_020.4, tookMs: 1000, ok: false },
  ]
  drills.keepProbes(record.id, 'console', probes)
  const [first, second] = drills.probes(record.id).get('console') ?? []
  expect(first?.at).toBeCloseTo(1_800_000_000_000.5, 0)
  expect(second).toMatchObject({ tookMs: 1000, ok: false })
})

test('a report is written once', () => {
  const { drills } = tempStore().store
  drills.put(record)
  drills.keepReport(record.id, 'ab', 'what was seen')
  expect(drills.report(record.id)).toBe('what was seen')
  expect(() => drills.keepReport(record.id, 'cd', 'something else')).toThrow()
  expect(drills.report(record.id)).toBe('what was seen')
})

test('anybody may ask for a stop, more than once', () => {
  const { drills } = tempStore().store
  drills.put(record)
  expect(drills.isStopAsked(record.id)).toBe(false)
  drills.askStop(record.id, 1)
  drills.askStop(record.id, 2)
  expect(drills.isStopAsked(record.id)).toBe(true)
})

test('the lever stays as it was left', () => {
  const { drills } = tempStore().store
  expect(drills.lever()).toBeNull()
  drills.setLever({ blocked: true, by: 'mk', reason: 'sales', since: 1 })
  drills.setLever({ blocked: false, by: 'mk', reason: 'over', since: 2 })
  expect(drills.lever()).toEqual({ blocked: false, by: 'mk', reason: 'over', since: 2 })
})

test('probes are packed to within 100 µs, in a few bytes each', () => {
  const probe = fc.record({
    at: fc.double({ min: 0, max: 3_600_000, noNaN: true }),
    tookMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
    ok: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(probe, { maxLength: 200 }), (some) => {
      const probes = some.map((each) => ({ ...each, at: each.at + 1_800_000_000_000 })).sort((one, other) => one.at - other.at)
      const back = unpackProbes(packProbes(probes))
      expect(back.length).toBe(probes.length)
      back.forEach(({ at, tookMs, ok }, index) => {
        expect(Math.abs(at - (probes[index]?.at ?? NaN))).toBeLessThan(0.06)
        expect(Math.abs(tookMs - (probes[index]?.tookMs ?? NaN))).toBeLessThan(0.06)
        expect(ok).toBe(probes[index]?.ok)
      })
    }),
  )
  const steady = Array.from({ length: 30_000 }, (_, index) => ({
    at: index * 20 + (index % 7) / 10,
    tookMs: 1 + (index % 13) / 10,
    ok: true,
  }))
  expect(packProbes(steady).length).toBeLessThan(30_000 * 4)
})
