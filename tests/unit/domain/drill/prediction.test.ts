import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NodeId, RouterId } from '#contract'
import { predict, type FaultEffect, type VrrpMember } from '../../../../src-main/domain/drill/prediction.ts'
import { masterDownMs, roundAdvertMs, skewMs } from '../../../../src-main/domain/drill/vrrp-timers.ts'

const member = (nodeId: string, priority: number, more: Partial<VrrpMember> = {}): VrrpMember => ({
  nodeId: nodeId as NodeId,
  version: 2,
  advertMs: 1000,
  downAdverts: 3,
  priority,
  basePriority: priority,
  nopreempt: false,
  preemptDelayMs: 0,
  holds: false,
  out: false,
  check: null,
  ...more,
})
const lb1 = member('lb1', 150, { holds: true })
const lb2 = member('lb2', 100)
const now = { earliestMs: 0, latestMs: 0 }
const farewell: FaultEffect = { adverts: 'farewell', after: now, served: false, back: 'starts', notes: [] }
const silent: FaultEffect = { ...farewell, adverts: 'silent', back: 'listens' }
const lower: FaultEffect = { adverts: 'lower', priority: 50, after: now, served: true, back: 'listens', notes: [] }

const predicted = (members: VrrpMember[], effect: FaultEffect, sinceAdvertMs?: number) =>
  predict({
    router: 'p/VI_1' as RouterId,
    members,
    node: lb1.nodeId,
    fault: 'keepalived-stop',
    effect,
    probeEveryMs: 20,
    ...(sinceAdvertMs === undefined ? {} : { sinceAdvertMs }),
  })

describe('timers, as they were measured with keepalived 2.2.7', () => {
  test('version 2 counts in 256ths of a second', () => {
    expect(skewMs(lb2)).toBeCloseTo(609.375)
    expect(masterDownMs(lb2)).toBeCloseTo(3609.375)
    expect(masterDownMs(lb1)).toBeCloseTo(3414.062)
    expect(skewMs({ ...lb2, advertMs: 5000 })).toBe(skewMs(lb2))
  })

  test('version 3 in 256ths of its interval', () => {
    const fast = { ...lb2, version: 3 as const, advertMs: 200 }
    expect(skewMs(fast)).toBeCloseTo(121.875)
    expect(masterDownMs(fast)).toBeCloseTo(721.875)
  })

  test('intervals are rounded as the daemon does', () => {
    expect([roundAdvertMs(2, 1400), roundAdvertMs(2, 1500), roundAdvertMs(2, 200)]).toEqual([1000, 2000, 1000])
    expect([roundAdvertMs(3, 204), roundAdvertMs(3, 205), roundAdvertMs(3, 99_000)]).toEqual([200, 210, 40_950])
  })
})

describe('what the lab has measured lies in what is predicted', () => {
  const fast = { version: 3 as const, advertMs: 200 }
  const pair = [lb1, lb2]
  const fastPair = [member('lb1', 150, { ...fast, holds: true }), member('lb2', 100, fast)]
  test.each([
    ['clean stop', pair, farewell, 613, 619, 625, 644],
    ['hard kill', pair, { ...silent, served: true }, 2903, 3290, 24, 59],
    ['priority drop', pair, lower, 2741, 3554, 24, 55],
    ['link down', pair, silent, 2767, 2986, 2793, 3011],
    [
      'check with weight',
      pair,
      { ...lower, priority: 90, served: false, after: { earliestMs: 1000, latestMs: 2000 } },
      4244,
      4967,
      4267,
      4976,
    ],
    ['check without weight', pair, { ...farewell, after: { earliestMs: 1000, latestMs: 2000 } }, 1711, 2486, 1739, 2501],
    ['version 3, link down', fastPair, silent, 612, 681, 633, 707],
    ['version 3, clean stop', fastPair, farewell, 125, 136, 140, 163],
  ])('%s', (_name, members, effect, fastest, slowest, leastGap, mostGap) => {
    const { takeover, outage, moves, to } = predicted(members, effect as FaultEffect)
    expect([moves, to]).toEqual([true, 'lb2'])
    expect(takeover?.earliestMs).toBeLessThanOrEqual(fastest)
    expect(takeover?.latestMs).toBeGreaterThanOrEqual(slowest)
    expect(outage?.earliestMs).toBeLessThanOrEqual(leastGap)
    expect(outage?.latestMs).toBeGreaterThanOrEqual(mostGap)
  })
})

describe('who takes it', () => {
  test('of three members the next in priority', () => {
    expect(predicted([lb1, member('lb3', 90), lb2], silent).to).toBe('lb2')
    expect(predicted([lb1, member('lb3', 90), { ...lb2, out: true }], silent).to).toBe('lb3')
  })

  test('nobody, when no other is left, and clients get nothing meanwhile', () => {
    expect(predicted([lb1, { ...lb2, out: true }], silent)).toMatchObject({ moves: false, takeover: null, outage: null })
  })

  test('nopreempt on the standby makes every weight without effect, and a clean stop none the less', () => {
    const stubborn = { ...lb2, nopreempt: true }
    expect(predicted([lb1, stubborn], lower)).toMatchObject({
      moves: false,
      formula: expect.stringContaining('nopreempt') as string,
    })
    expect(predicted([lb1, stubborn], farewell).moves).toBe(true)
  })

  test('a priority that is still the highest, or equal, moves nothing', () => {
    expect(predicted([lb1, lb2], { ...lower, priority: 100 }).moves).toBe(false)
    expect(predicted([lb1, lb2], { ...lower, priority: 99 }).moves).toBe(true)
  })

  test('a node that does not hold the address loses nothing', () => {
    expect(
      predicted(
        [
          { ...lb1, holds: false },
          { ...lb2, holds: true },
        ],
        silent,
      ).moves,
    ).toBe(false)
  })

  test('members of equal priority are said to be so', () => {
    expect(predicted([lb1, lb2, member('lb3', 100)], silent).notes.join()).toContain('same priority')
  })
})

describe('the way back', () => {
  test('the one of the higher priority comes back, without an outage', () => {
    const { failback } = predicted([lb1, lb2], lower)
    expect(failback?.after.earliestMs).toBeCloseTo(2414.062)
    expect(failback?.after.latestMs).toBeCloseTo(3464.062)
    expect(failback?.outage.latestMs).toBeLessThanOrEqual(100)
  })
  test('nopreempt stays where it is', () => expect(predicted([{ ...lb1, nopreempt: true }, lb2], farewell).failback).toBeNull())
  test('preempt_delay comes on top', () => {
    const { failback } = predicted([{ ...lb1, preemptDelayMs: 5000 }, lb2], farewell)
    expect(failback?.after.earliestMs).toBeCloseTo(8414.062)
  })
})

test('once the phase of the last advert is known, the prediction is exact', () => {
  const { takeover } = predicted([lb1, lb2], silent, 400)
  expect(takeover?.earliestMs).toBeCloseTo(3209.375)
  expect((takeover?.latestMs ?? 0) - (takeover?.earliestMs ?? 0)).toBe(50)
})

const anyMember = fc.record({
  version: fc.constantFrom<2 | 3>(2, 3),
  advertMs: fc.integer({ min: 1, max: 40 }).map((value) => value * 1000),
  priority: fc.integer({ min: 1, max: 254 }),
  nopreempt: fc.boolean(),
  preemptDelayMs: fc.integer({ min: 0, max: 10_000 }),
  downAdverts: fc.integer({ min: 1, max: 10 }),
})

test('an interval is one, its phases add up to it, and a better standby is never slower', () => {
  fc.assert(
    fc.property(anyMember, anyMember, fc.constantFrom(farewell, silent, lower), (one, other, effect) => {
      const owner = member('lb1', one.priority, { ...one, holds: true })
      const standby = member('lb2', other.priority, { ...other, version: owner.version, advertMs: owner.advertMs })
      const result = predicted([owner, standby], effect)
      if (result.takeover === null) return
      const { earliestMs, latestMs } = result.takeover
      expect(earliestMs).toBeGreaterThanOrEqual(0)
      expect(latestMs).toBeGreaterThanOrEqual(earliestMs)
      const parts = result.phases.filter(({ phase }) => phase !== 'answer')
      expect(parts.reduce((total, part) => total + part.earliestMs, 0)).toBeCloseTo(earliestMs)
      expect(parts.reduce((total, part) => total + part.latestMs, 0)).toBeCloseTo(latestMs)
      const better = predicted([owner, { ...standby, priority: Math.min(254, standby.priority + 10) }], effect)
      expect(better.takeover?.latestMs).toBeLessThanOrEqual(latestMs)
    }),
  )
})

test('knowing the phase narrows the interval and never leaves it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), (sinceAdvertMs) => {
      const [wide, exact] = [predicted([lb1, lb2], silent).takeover, predicted([lb1, lb2], silent, sinceAdvertMs).takeover]
      expect(exact?.earliestMs).toBeGreaterThanOrEqual(wide?.earliestMs ?? 0)
      expect(exact?.latestMs).toBeLessThanOrEqual(wide?.latestMs ?? 0)
    }),
  )
})
