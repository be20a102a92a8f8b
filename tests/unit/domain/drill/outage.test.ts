import { expect, test } from 'vitest'
import {
  answersOverTime,
  createGapWatch,
  longestGap,
  probeFigures,
  type Probe,
} from '../../../../src-main/domain/drill/outage.ts'

const every = (fromMs: number, toMs: number, probe: (at: number) => Omit<Probe, 'at'>): Probe[] =>
  Array.from({ length: Math.floor((toMs - fromMs) / 20) }, (_, index) => ({
    at: fromMs + index * 20,
    ...probe(fromMs + index * 20),
  }))
const good = { tookMs: 2, ok: true }
const bad = { tookMs: 1000, ok: false }

test('the gap goes from the last good answer to the next one', () => {
  const probes = every(0, 4000, (at) => (at >= 1000 && at < 1600 ? bad : good))
  expect(longestGap(probes, 1000, 3000)).toEqual({ ms: 620, lastGoodAt: 982, firstGoodAt: 1602 })
})

test('answers that come late, in any order, end the gap when they come', () => {
  // sent while nothing answered, answered at once when it came back: as after a link that was down for a moment
  const probes = every(0, 2000, (at) => (at >= 500 && at < 900 ? { tookMs: 905 - at, ok: true } : good))
  expect(longestGap(probes, 500, 2000)).toEqual({ ms: 902 - 482, lastGoodAt: 482, firstGoodAt: 902 })
  expect(longestGap([...probes].reverse(), 500, 2000)).toEqual(longestGap(probes, 500, 2000))
})

test('an outage before the fault is not one of the fault', () => {
  const probes = every(0, 4000, (at) => (at >= 200 && at < 900 ? bad : good))
  expect(longestGap(probes, 2000, 4000)?.ms).toBe(20)
})

test('without an answer any more it lasts until the last probe is over', () => {
  expect(
    longestGap(
      every(0, 1000, (at) => (at >= 500 ? bad : good)),
      500,
      1000,
    ),
  ).toEqual({ ms: 1980 - 482, lastGoodAt: 482, firstGoodAt: null })
  expect(
    longestGap(
      every(0, 1000, () => bad),
      0,
      1000,
    ),
  ).toBeNull()
})

test('seen live, the gap is the same as afterwards', () => {
  const probes = every(0, 4000, (at) => (at >= 1000 && at < 1600 ? bad : good))
  const watch = createGapWatch(0)
  for (const probe of probes.filter(({ at }) => at < 1500)) watch.note(probe)
  expect(watch.gapMs(1500)).toBe(1500 - 982)
  expect(watch.longestMs(1500)).toBe(1500 - 982)
  for (const probe of probes.filter(({ at }) => at >= 1500)) watch.note(probe)
  expect(watch.gapMs(4000)).toBe(18)
  expect(watch.longestMs(4000)).toBe(longestGap(probes, 1000, 4000)?.ms)
})

test('figures of all probes', () => {
  const probes = every(0, 2000, (at) => (at === 0 ? bad : { tookMs: at === 20 ? 300 : 2, ok: true }))
  expect(probeFigures(probes, 250)).toEqual({ sent: 100, failed: 1, slow: 1, p50Ms: 2, p99Ms: 300 })
  expect(probeFigures([], 250)).toEqual({ sent: 0, failed: 0, slow: 0, p50Ms: null, p99Ms: null })
})

test('over time, each slice shows its worst', () => {
  const probes = [...every(0, 200, () => good), ...every(400, 600, (at) => (at === 500 ? bad : { tookMs: at / 100, ok: true }))]
  expect(answersOverTime(probes, 100)).toEqual({ fromAt: 0, worstMs: [2, 2, null, null, 4.8, -1] })
})
