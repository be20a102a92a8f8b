import { describe, expect, test } from 'vitest'
import type { DrillFigures, NodeId } from '#contract'
import { abortBy, type LiveFacts } from '../../../../src-main/domain/drill/abort-rules.ts'
import { checkPlan } from '../../../../src-main/domain/drill/check-plan.ts'
import { holdings, measuredPhases, ownerlessMs, takeoverOf } from '../../../../src-main/domain/drill/timeline.ts'
import { trendOf } from '../../../../src-main/domain/drill/trend.ts'
import { judgeDrill, type Findings } from '../../../../src-main/domain/drill/verdict.ts'
import { plan, record } from './a-drill.ts'

const [lb1, lb2] = ['lb1', 'lb2'] as NodeId[] as [NodeId, NodeId]
const [figures] = record.figures as [DrillFigures]
const good: Findings = {
  plan,
  ending: 'time',
  said: '',
  injected: true,
  moved: lb2,
  figures: [figures],
  ownerlessMs: 0,
  restored: true,
  differences: [],
  refutedByAbort: false,
}
const verdictOf = (more: Partial<Findings>) => judgeDrill({ ...good, ...more })

describe('a verdict', () => {
  test('is proven only when all is as expected and the pair as it was', () => expect(verdictOf({}).verdict).toBe('proven'))

  test.each([
    ['the address stayed', { moved: null }, 'refuted', 'did not'],
    ['too long', { figures: [figures, { ...figures, vantage: lb2, outageMs: 501 }] }, 'refuted', 'Seen from lb2'],
    ['never again', { figures: [{ ...figures, firstGoodAt: null }] }, 'refuted', 'never answered again'],
    ['the way back too long', { figures: [{ ...figures, failbackOutageMs: 501 }] }, 'refuted', 'taken back'],
    ['not as before', { restored: false, differences: ['lb1: links differ'] }, 'refuted', 'links differ'],
    ['an abort rule about clients', { ending: 'abort', refutedByAbort: true, said: 'No answer.' }, 'refuted', 'No answer.'],
    ['an abort for another reason', { ending: 'abort', said: 'A pool is empty.' }, 'untested', 'cut short'],
    ['stopped', { ending: 'operator', said: 'Stopped.' }, 'untested', 'cut short'],
    ['no fault', { injected: false, said: 'Not steady.' }, 'untested', 'never came'],
    ['nothing measured', { figures: [{ ...figures, outageMs: null }] }, 'untested', 'nothing to compare'],
    ['answers from nobody', { figures: [{ ...figures, outageMs: 40 }], ownerlessMs: 612 }, 'untested', 'not this pair'],
    ['not known whether restored', { restored: null }, 'untested', 'not known'],
  ] satisfies [string, Partial<Findings>, string, string][])('%s', (_name, more, verdict, words) => {
    const judged = verdictOf(more)
    expect(judged.verdict).toBe(verdict)
    expect(judged.grounds.join(' ')).toContain(words)
  })

  test('an address that was to stay refutes by moving', () => {
    expect(verdictOf({ plan: { ...plan, expect: { ...plan.expect, moves: false } } }).verdict).toBe('refuted')
  })
})

test('for how long nobody had the address is told by the kernels', () => {
  const taken = { nodeId: lb2, at: 1657, has: true }
  expect(ownerlessMs([{ nodeId: lb1, at: 1045, has: false }, taken], lb1, 1000, 1657)).toBe(612)
  expect(ownerlessMs([taken, { nodeId: lb1, at: 1700, has: false }], lb1, 1000, 1657)).toBe(0)
  expect(ownerlessMs([taken], lb1, 1000, 1657)).toBe(0)
})

describe('abort rules', () => {
  const calm: LiveFacts = { gapMs: 20, failedPercent: 0, holders: [lb1], twoOwnersForMs: 0, blind: null, otherProblems: [] }
  const strict = { ...plan, abort: { outageMs: 3000, failedPercent: 10, twoOwnersMs: 2000, otherAlarm: true } }
  const abort = (more: Partial<LiveFacts>) => abortBy(strict, { ...calm, ...more })

  test('say nothing while all is well, up to the limit itself', () => {
    expect(abort({})).toBeNull()
    expect(abort({ gapMs: 3000, failedPercent: 10, twoOwnersForMs: 2000 })).toBeNull()
  })
  test.each([
    [{ gapMs: 3001 }, true, 'No answer'],
    [{ failedPercent: 11 }, true, '11 %'],
    [{ blind: 'The connection was lost.', gapMs: 9000 }, false, 'Nothing measures any more'],
    [{ twoOwnersForMs: 2001, holders: [lb1, lb2] }, true, 'lb1 and lb2'],
    [{ otherProblems: ['pool-empty on lb2'] }, false, 'pool-empty'],
  ] satisfies [Partial<LiveFacts>, boolean, string][])('%o', (more, refutes, words) => {
    expect(abort(more)).toMatchObject({ refutes, said: expect.stringContaining(words) as string })
  })
  test('another alarm is none of its business where the plan says so', () => {
    expect(abortBy({ ...strict, abort: { ...strict.abort, otherAlarm: false } }, { ...calm, otherProblems: ['x'] })).toBeNull()
  })
})

describe('a plan', () => {
  test('that is sound has no findings', () => expect(checkPlan(plan)).toEqual([]))
  test.each([
    [{ abort: { ...plan.abort, outageMs: 400 } }, 'abort.outageMs'],
    [{ holdMs: 1000, expect: { moves: true, outageMs: 2000 } }, 'holdMs'],
    [{ probe: { ...plan.probe, everyMs: 500 } }, 'probe.everyMs'],
    [{ fault: { kind: 'adverts-blocked' as const } }, 'abort.twoOwnersMs'],
    [{ guardMs: 600_000 }, 'guardMs'],
  ])('%o', (more, path) => {
    expect(checkPlan({ ...plan, ...more }).map((fault) => fault.path.join('.'))).toContain(path)
  })
})

describe('the axis', () => {
  const changes = [
    { at: 3012, nodeId: lb2, has: true },
    { at: 3013, nodeId: lb1, has: false },
    { at: 13_420, nodeId: lb1, has: true },
    { at: 13_421, nodeId: lb2, has: false },
  ]
  test('who took over, and when', () => {
    expect(takeoverOf(changes, [lb1], 0, 10_000)).toEqual({ nodeId: lb2, at: 3012 })
    expect(takeoverOf(changes, [lb1], 4000, 10_000)).toBeNull()
  })
  test('who was cut off as well takes nothing over', () => {
    expect(takeoverOf(changes, [lb1, lb2], 0, 20_000)).toBeNull()
  })
  test('who had the address', () => {
    expect(holdings([lb1, lb2], lb1, changes, -500, 20_000)).toEqual([
      { nodeId: lb1, from: -500, to: 3013 },
      { nodeId: lb1, from: 13_420, to: 20_000 },
      { nodeId: lb2, from: 3012, to: 13_421 },
    ])
  })
  test('phases are told apart where it is known when the other one knew, and not elsewhere', () => {
    const takeover = { nodeId: lb2, at: 612 }
    const both = { injectedAt: 0, takeover, announcedAt: 615, lastGoodAt: -4, firstGoodAt: 630 }
    const measured = (knownAt: number | null) =>
      measuredPhases(record.prediction, { ...both, knownAt }).map(({ measuredMs }) => measuredMs)
    expect(measured(3)).toEqual([3, 609, 3, 15])
    expect(measured(null)).toEqual([null, null, 3, 15])
  })
})

test('the trend names the last proof, and leaves out what is not over', () => {
  const older = { ...record, id: 'd-0' as typeof record.id, createdAt: record.createdAt - 1000, verdict: 'refuted' as const }
  const open = { ...record, id: 'd-2' as typeof record.id, verdict: null }
  expect(trendOf([open, record, older])).toEqual([
    {
      router: 'edge/VI_edge',
      host: '198.18.7.10',
      lastProvenAt: record.createdAt,
      runs: [
        expect.objectContaining({ drill: 'd-1', verdict: 'proven', outageMs: 28.4 }) as object,
        expect.objectContaining({ drill: 'd-0', verdict: 'refuted' }) as object,
      ],
    },
  ])
})
