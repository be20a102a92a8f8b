import { describe, expect, it } from 'vitest'
import type { DrainPlan, NodeId } from '#contract'
import {
  canPutBack,
  connectedOf,
  fullnessOf,
  groupCommands,
  groupFloor,
  groupSticky,
  isKept,
  predictionErrorOf,
  restOf,
  sessionsOf,
  survivorsOf,
  violationsOf,
  whatOf,
} from '../../../../src-renderer/features/drains/drain-figures.ts'
import { addUp } from '../../../../src-renderer/features/drains/use-drain-live.ts'
import { drain, event, left, share } from './drain-samples.ts'

const client = (source: string, ageMs: number) => ({ source, ageMs, frontend: 'fe', worker: 1, generation: 'current' }) as const
const lb = (name: string) => name as NodeId

describe('what is left', () => {
  it('counts old workers, and nothing at all when one of them cannot be counted', () => {
    expect(sessionsOf([left(3, { oldSessions: 2 }), left(1)])).toBe(6)
    expect(sessionsOf([left(3), left(0, { oldSessions: null })])).toBeNull()
    expect(sessionsOf([left(3), null])).toBeNull()
  })

  it('lists who is connected over all balancers, longest first, or says that nobody can', () => {
    const places = [
      { nodeId: lb('lb1'), left: left(1, { clients: [client('a', 5)] }) },
      { nodeId: lb('lb2'), left: left(2, { clients: [client('b', 9), client('c', 1)] }) },
    ]
    expect(connectedOf(places)?.map(({ source, nodeId }) => [source, nodeId])).toEqual([
      ['b', 'lb2'],
      ['a', 'lb1'],
      ['c', 'lb2'],
    ])
    expect(connectedOf([...places, { nodeId: lb('lb3'), left: left(900, { clients: null }) }])).toBeNull()
  })

  it('expects the rest to be as long as the oldest age; nothing when nobody is listed', () => {
    const places = [{ nodeId: lb('lb1'), left: left(2, { clients: [client('a', 5), client('b', 9)] }) }]
    expect([restOf(connectedOf(places)), restOf([]), restOf(null)]).toEqual([9, null, null])
  })

  it('names each server once, whatever balancers have it', () => {
    expect(whatOf(drain('d'))).toBe('web/web1')
  })
})

describe('what can be done', () => {
  it('is held and finished only while it is kept; put back also after it failed on the way back', () => {
    expect([isKept(drain('d')), canPutBack(drain('d'))]).toEqual([true, true])
    const back = drain('d', { goal: 'back', state: 'put-back' })
    expect([isKept(back), canPutBack(back)]).toEqual([false, false])
    const failed = drain('d', { goal: 'back', state: 'failed' })
    expect([isKept(failed), canPutBack(failed)]).toEqual([false, true])
    const over = drain('d', { state: 'ended', endedAt: 5 })
    expect([isKept(over), canPutBack(over)]).toEqual([false, false])
  })
})

describe('what would come of it', () => {
  it('shows the fullest survivor first; those without a limit by their share', () => {
    const shares = [
      share('gone', { after: 0 }),
      share('free', { after: 0.2, sessionLimit: null }),
      share('roomy', { after: 0.5, sessionsAfter: 1 }),
      share('full', { after: 0.3, sessionsAfter: 12 }),
    ]
    expect(survivorsOf(shares).map(({ server }) => server)).toEqual(['full', 'roomy', 'free'])
    expect(fullnessOf(share('full', { sessionsAfter: 12 }))).toBeCloseTo(1.2)
    expect(fullnessOf(share('free', { sessionLimit: null }))).toBeNull()
  })

  it('says a floor once for balancers that agree, the broken one first', () => {
    const check = (nodeId: string, remaining: number, holds: boolean) =>
      ({ pool: 'web', nodeId, healthy: 3, remaining, total: 3, needed: 1, holds }) as DrainPlan['floor'][number]
    const groups = groupFloor([check('lb1', 2, true), check('lb2', 2, true), check('lb3', 0, false)])
    expect(groups.map(({ nodes, holds }) => [nodes, holds])).toEqual([
      [['lb3'], false],
      [['lb1', 'lb2'], true],
    ])
  })

  it('shows commands once for balancers that are sent the same over the same way', () => {
    const sent = (nodeId: string, via: string) =>
      ({ nodeId, via, serverId: 's', commands: ['set'], undoCommands: ['unset'] }) as unknown as DrainPlan['places'][number]
    const groups = groupCommands([sent('lb1', 'a'), sent('lb2', 'a'), sent('lb3', 'b')])
    expect(groups.map(({ nodes }) => nodes)).toEqual([['lb1', 'lb2'], ['lb3']])
  })

  it('holds the forecast against what happened; a balancer without work proves nothing', () => {
    expect(predictionErrorOf(drain('d'))).toBeNull()
    const forecast = { emptyInMs: 10_000, shares: [share('web2', { after: 0.6 }), share('web2', { nodeId: 'lb2', after: 1 })] }
    const outcome = { emptyInMs: 15_000, shares: [share('web2', { after: 0.5 }), share('web2', { nodeId: 'lb2', after: 0 })] }
    const error = predictionErrorOf(drain('d', { forecast, outcome }))
    expect(error).toMatchObject({ predictedMs: 10_000, tookMs: 15_000 })
    expect(error?.worstPoints).toBeCloseTo(10)
    const idle = { emptyInMs: 1, shares: [share('web2', { after: 0 })] }
    expect(predictionErrorOf(drain('d', { forecast, outcome: idle }))?.worstPoints).toBeNull()
  })
})

describe('what happened', () => {
  it('tells of the last violation, and whether it was set again after it', () => {
    expect(violationsOf([event('started', 1)])).toBeNull()
    const once = [event('violated', 5), event('reasserted', 7)]
    expect(violationsOf(once)).toMatchObject({ count: 1, setAgainAt: 7 })
    expect(violationsOf([...once, event('violated', 9)])).toMatchObject({ count: 2, last: { at: 9 }, setAgainAt: null })
  })

  it('adds up the servers of a balancer from the reading on where all are known', () => {
    const a = [
      { at: 1, value: 4 },
      { at: 3, value: 2 },
    ]
    const b = [
      { at: 2, value: 1 },
      { at: 3, value: null },
    ]
    expect(addUp([a, b])).toEqual([
      { at: 2, value: 5 },
      { at: 3, value: null },
    ])
    expect(addUp([a])).toEqual(a)
    expect(addUp([])).toEqual([])
  })
})

describe('who sticks to the servers', () => {
  const cookie = {
    kind: 'cookie',
    name: 'SRV=a',
    written: 'cookie SRV insert',
    file: '/h.cfg',
    line: 7,
    entries: null,
  } as const
  const table = { kind: 'table', name: 't', written: 'stick on src', file: '/h.cfg', line: 8, entries: 3 } as const
  const planned = (server: string, node: string, sticky: DrainPlan['places'][number]['sticky']) =>
    ({ server, nodeId: lb(node), sticky }) as DrainPlan['places'][number]

  it('one line of the configuration is told once, for all servers and balancers that it is about', () => {
    const places = [
      planned('a', 'lb1', [cookie]),
      planned('a', 'lb2', [cookie]),
      planned('b', 'lb1', [{ ...cookie, name: 'SRV=b' }]),
      planned('c', 'lb1', null),
    ]
    expect(groupSticky(places)).toEqual([{ ...cookie, name: 'SRV', servers: ['a', 'b'], nodes: ['lb1', 'lb2'] }])
    expect(groupSticky(places.slice(0, 2))).toMatchObject([{ name: 'SRV=a', servers: ['a'] }])
  })

  it('entries that balancers share are not counted twice, and those of several servers add up', () => {
    const places = [
      planned('a', 'lb1', [table]),
      planned('a', 'lb2', [{ ...table, entries: 5 }]),
      planned('b', 'lb1', [{ ...table, entries: null }]),
      planned('c', 'lb1', [{ ...table, entries: 1 }]),
    ]
    expect(groupSticky(places)).toMatchObject([{ entries: 6 }])
    expect(groupSticky(places.slice(2, 3))).toMatchObject([{ entries: null }])
  })
})
