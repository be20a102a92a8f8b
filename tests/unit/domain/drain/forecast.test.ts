import { describe, expect, it } from 'vitest'
import type { NodeId, PoolId, PoolView, ServerId, ServerOnBalancer, ServerState, ServerView } from '#contract'
import { checkFloor, floorText } from '../../../../src-main/domain/drain/floor.ts'
import {
  emptyInMs,
  forecastShares,
  observedShares,
  shareErrorText,
  timeErrorText,
} from '../../../../src-main/domain/drain/forecast.ts'
import type { PlaceReading } from '../../../../src-main/domain/drain/place-reading.ts'

const id = 'edge/haproxy/app' as PoolId
const lb1 = 'lb1' as NodeId
const pool = { id, kind: 'haproxy', algorithm: 'roundrobin' } as PoolView

const server = (name: string, state: ServerState, over: Partial<ServerOnBalancer> = {}): ServerView =>
  ({
    id: `${id}/${name}`,
    poolId: id,
    name,
    on: [{ nodeId: lb1, state, weight: 1, backup: false, sessions: 2, sessionLimit: null, rate: 10, ...over }],
  }) as unknown as ServerView
const place = (name: string) => ({ serverId: `${id}/${name}` as ServerId, nodeId: lb1 })

describe('checkFloor', () => {
  const siblings = [server('a', 'up'), server('b', 'up'), server('c', 'down'), server('d', 'draining')]
  const floor = (atLeast: number, unit: 'servers' | 'percent' = 'servers', heldOut = [] as ReturnType<typeof place>[]) =>
    checkFloor({ atLeast, unit }, { wave: 1, id, siblings, leaving: [place('a')], heldOut })[0]

  it('counts what takes traffic now, not what is configured', () => {
    expect(floor(1)).toMatchObject({ healthy: 2, remaining: 1, total: 4, needed: 1, holds: true })
    expect(floor(2)).toMatchObject({ holds: false })
    expect(floor(25, 'percent')).toMatchObject({ needed: 1, holds: true })
    expect(floor(26, 'percent')).toMatchObject({ needed: 2, holds: false })
  })

  it('counts what another drain holds out as gone, whatever was last read of it', () => {
    expect(floor(1, 'servers', [place('b')])).toMatchObject({ healthy: 1, remaining: 0, holds: false })
  })

  it('lets a server leave that takes no traffic anyway', () => {
    const [check] = checkFloor({ atLeast: 4, unit: 'servers' }, { wave: 1, id, siblings, leaving: [place('c')], heldOut: [] })
    expect(check).toMatchObject({ healthy: 2, remaining: 2, holds: true })
  })

  it('is said with its figures', () => {
    const check = floor(2)
    if (check === undefined) throw new Error('no check')
    expect(floorText(check)).toBe('edge/haproxy/app on lb1: of 4 servers 2 take traffic now, 1 would remain, and 2 must')
  })
})

describe('forecastShares', () => {
  const siblings = [
    server('a', 'up'),
    server('b', 'up', { sessionLimit: 3 }),
    server('spare', 'up', { backup: true, rate: 0, sessions: 0 }),
  ]

  it('shares the work of those that leave among the rest, and leaves backups out of it', () => {
    const shares = forecastShares(pool, siblings, [place('a')])
    expect(shares.map(({ server: name, before, after }) => [name, before, after])).toEqual([
      ['a', 0.5, 0],
      ['b', 0.5, 1],
      ['spare', 0, 0],
    ])
    expect(shares[1]).toMatchObject({ rateBefore: 10, rateAfter: 20, sessionsBefore: 2, sessionsAfter: 4, sessionLimit: 3 })
  })

  it('calls the backups when nobody else is left', () => {
    const shares = forecastShares(pool, siblings, [place('a'), place('b')])
    expect(shares.map(({ after }) => after)).toEqual([0, 0, 1])
  })

  it('is compared with what happened', () => {
    const forecast = forecastShares(pool, siblings, [place('a')])
    const now = [server('a', 'drained', { rate: 0 }), server('b', 'up', { rate: 15 }), server('spare', 'up', { rate: 5 })]
    expect(observedShares(forecast, now).map(({ after, rateAfter }) => [after, rateAfter])).toEqual([
      [0, 0],
      [0.75, 15],
      [0.25, 5],
    ])
  })
})

describe('emptyInMs', () => {
  const reading = (over: Partial<PlaceReading>): PlaceReading =>
    ({ sessions: 0, oldSessions: 0, lastRequestS: null, stickyBy: [], clients: [], ...over }) as PlaceReading
  const client = (ageMs: number) => ({ source: 's', ageMs, frontend: 'f', worker: 1, generation: 'current' as const })

  it('is the greatest age, or the rest of the quiet time where clients stick to it', () => {
    const busy = reading({ sessions: 2, clients: [client(4000), client(60_000)], lastRequestS: 4 })
    expect(emptyInMs([busy, reading({})])).toBe(60_000)
    expect(emptyInMs([reading({ lastRequestS: 3, stickyBy: ['the cookie s1'] })])).toBe(7000)
    expect(emptyInMs([reading({ lastRequestS: 3 })]), 'nobody can come back').toBe(0)
    expect(emptyInMs([reading({})])).toBe(0)
  })

  it('is not known when sessions were not listed or counted', () => {
    expect(emptyInMs([reading({ sessions: 9000, clients: null })])).toBeNull()
    expect(emptyInMs([reading({ oldSessions: null })])).toBeNull()
  })
})

describe('what was foretold beside what happened', () => {
  const before = [server('a', 'up'), server('b', 'up'), server('c', 'up')]
  const forecast = { emptyInMs: 9000, shares: forecastShares(pool, before, [place('a')]) }
  const outcome = (b: number, c: number) => {
    const after = [server('a', 'draining', { rate: 0 }), server('b', 'up', { rate: b }), server('c', 'up', { rate: c })]
    return { emptyInMs: 12_000, shares: observedShares(forecast.shares, after) }
  }

  it('says by how much time and shares were foretold wrongly', () => {
    expect(timeErrorText(forecast, outcome(16, 14))).toBe('12 s; 9 s were foretold')
    expect(shareErrorText({ forecast, outcome: outcome(16, 14) })).toBe(' The shares of new work were foretold to within 3 %.')
  })

  it('says nothing of what could not be foretold, or did not happen', () => {
    expect(timeErrorText({ ...forecast, emptyInMs: null }, outcome(0, 0))).toBe('12 s')
    expect(shareErrorText({ forecast, outcome: outcome(0, 0) })).toBe('')
    expect(shareErrorText({ forecast, outcome: null })).toBe('')
  })
})
