import { describe, expect, it } from 'vitest'
import { Failure } from '../../../../src-main/practice/traffic/failure.ts'
import { errorRateAboveHalf } from '../../../../src-main/practice/traffic/health/passive-check.ts'
import { createPool, type Claim, type LivePool } from '../../../../src-main/practice/traffic/pool.ts'
import { reach } from '../../../../src-main/practice/traffic/reach.ts'
import type { CheckResult, PoolSpec, ServerEvent, ServerSpec } from '../../../../src-main/practice/traffic/traffic.ts'
import { createWheel } from '../../../../src-main/practice/traffic/wheel.ts'
import { createManualClock, type ManualClock } from '../manual-clock.ts'
import { halfFails, healthCheck, plainPool, plainServer } from './site.ts'

interface Bench {
  clock: ManualClock
  pool: LivePool
  events: ServerEvent[]
  /** what the next checks say */
  answer: { passed: boolean; degraded: boolean }
  checks: number
}

function bench(servers: readonly ServerSpec[], more: Partial<PoolSpec> = {}): Bench {
  const clock = createManualClock()
  const events: ServerEvent[] = []
  const answer = { passed: true, degraded: false }
  const probe = async (): Promise<CheckResult> => {
    self.checks += 1
    return { ...answer, word: answer.passed ? 'L7OK' : 'L7STS', code: 200, durationMs: 1, text: '', said: '', at: clock.now() }
  }
  const now = clock.monotonic
  const pool = createPool(plainPool('app', servers, more), { wheel: createWheel(clock), now, probe, random: () => 0 })
  pool.onEvent((event) => events.push(event))
  const self: Bench = { clock, pool, events, answer, checks: 0 }
  return self
}

const claim: Claim = { key: 'k', source: '127.0.0.9', cookie: null, signal: new AbortController().signal }
const any = { only: null, avoid: new Set<string>() }
const checked = plainServer('s1')

describe('active checks', () => {
  it('three failures in a row leave, two passes return', async () => {
    const { clock, pool, events, answer } = bench([{ ...checked, check: healthCheck }])
    const server = pool.server('s1')
    await clock.advance(100)
    expect([server?.up, server?.health]).toEqual([true, 4])
    answer.passed = false
    await clock.advance(4000)
    expect([server?.condition, server?.health]).toEqual(['up', 2])
    answer.passed = true
    await clock.advance(2000)
    expect(server?.health, 'one pass between failures starts the count again').toBe(4)
    answer.passed = false
    await clock.advance(4000)
    expect(server?.condition).toBe('up')
    await clock.advance(2000)
    expect(server?.condition).toBe('down')
    await expect(pool.claim(claim, any)).rejects.toThrow(new Failure('no-server').message)
    answer.passed = true
    await clock.advance(2000)
    expect([server?.condition, server?.health]).toEqual(['down', 1])
    await clock.advance(2000)
    expect(server?.condition).toBe('up')
    expect(events.map(({ was, is, cause }) => [was, is, cause])).toEqual([
      ['up', 'down', 'check'],
      ['down', 'up', 'check'],
    ])
    expect(server?.timesDown).toBe(1)
    expect(server?.downtimeMs()).toBeGreaterThan(3900)
    expect(server?.downtimeMs()).toBeLessThan(4100)
  })

  it('`degraded` stays in rotation and is shown', async () => {
    const { clock, pool, answer, events } = bench([{ ...checked, check: healthCheck }])
    answer.degraded = true
    await clock.advance(100)
    expect(pool.server('s1')?.condition).toBe('degraded')
    const lease = await pool.claim(claim, any)
    expect(lease.server.spec.id).toBe('s1')
    answer.degraded = false
    await clock.advance(2000)
    expect(events.map(({ is }) => is)).toEqual(['degraded', 'up'])
  })

  it('an added server warms up: passes first, then a weight that grows', async () => {
    const { clock, pool } = bench([])
    const added = pool.add({ ...checked, check: healthCheck, warmUpPasses: 3, weight: 8, slowStartMs: 10_000 })
    await clock.advance(2100)
    expect(added.condition).toBe('warming')
    await expect(pool.claim(claim, any)).rejects.toBeInstanceOf(Failure)
    await clock.advance(2000)
    expect([added.up, added.starting]).toEqual([true, true])
    expect((await pool.claim(claim, any)).server.spec.id).toBe('s1')
    expect(added.effectiveWeight).toBeLessThan(1)
    await clock.advance(5000)
    expect(added.effectiveWeight).toBeGreaterThan(3.5)
    expect(added.effectiveWeight).toBeLessThan(4.5)
    await clock.advance(5100)
    expect([added.condition, added.effectiveWeight]).toEqual(['up', 8])
  })

  it('maintenance stops the checks; back from it a server takes traffic at once and its first failure takes it out', async () => {
    const { clock, pool, answer, ...rest } = bench([{ ...checked, check: healthCheck }])
    const server = pool.server('s1')
    await clock.advance(100)
    server?.setAdmin('maint')
    expect(server?.condition).toBe('maintenance')
    const self = rest.checks
    await clock.advance(60_000)
    expect(rest.checks).toBe(self)
    answer.passed = false
    server?.setAdmin('ready')
    expect([server?.up, server?.health]).toEqual([true, 2])
    await clock.advance(100)
    expect(server?.condition).toBe('down')
  })

  it('spreads the checks of a pool over the interval', async () => {
    const self = bench(Array.from({ length: 10 }, (_, at) => ({ ...plainServer(`s${at}`), check: healthCheck })))
    await self.clock.advance(950)
    expect(self.checks).toBe(5)
    await self.clock.advance(1050)
    expect(self.checks).toBe(11)
  })
})

describe('passive checks', () => {
  it('an error rate above one half ejects, until the cool-down is over', async () => {
    const { clock, pool, events } = bench([
      { ...checked, passive: { ...halfFails, ejects: errorRateAboveHalf } },
      plainServer('s2'),
    ])
    const server = (await pool.claim(claim, { only: 's1', avoid: new Set() })).server
    for (let each = 0; each < 5; each += 1) {
      server.passed()
      server.failed()
    }
    expect(server.condition, 'exactly one half is not above it').toBe('up')
    server.failed()
    expect(server.condition).toBe('ejected')
    for (let each = 0; each < 4; each += 1) expect((await pool.claim(claim, any)).server.spec.id).toBe('s2')
    await clock.advance(29_900)
    expect(server.condition).toBe('ejected')
    await clock.advance(200)
    expect(server.condition).toBe('up')
    expect(events.map(({ cause }) => cause)).toEqual(['traffic', 'time'])
    server.failed()
    expect(server.condition, 'what was before the ejection is forgotten').toBe('up')
  })

  it('old failures leave the window', async () => {
    const { clock, pool } = bench([{ ...checked, passive: { ...halfFails, ejects: (failed) => failed >= 3 } }])
    const { server } = await pool.claim(claim, any)
    server.failed()
    server.failed()
    await clock.advance(11_000)
    server.failed()
    expect(server.condition).toBe('up')
    server.failed()
    server.failed()
    expect(server.condition).toBe('ejected')
  })
})

describe('the queue', () => {
  it('serves in the order of coming, counts, and gives up after its time', async () => {
    const { clock, pool } = bench([{ ...checked, maxSessions: 1 }])
    const first = await pool.claim(claim, any)
    const order: string[] = []
    const second = pool.claim(claim, any).then((lease) => (order.push('second'), lease))
    const third = pool.claim(claim, any).then((lease) => (order.push('third'), lease))
    const late = expect(third).rejects.toMatchObject({ reason: 'queue-timeout' })
    expect([pool.figures.queue, pool.figures.mostQueue]).toEqual([2, 2])
    await clock.advance(1000)
    first.release()
    const lease = await second
    expect(lease.queueMs).toBe(1000)
    await clock.advance(4100)
    await late
    expect([order, pool.figures.queue, pool.figures.sessions]).toEqual([['second'], 0, 1])
    lease.release()
    expect(pool.figures.sessions).toBe(0)
  })

  it('a client that leaves leaves the queue', async () => {
    const { pool } = bench([{ ...checked, maxSessions: 1 }])
    await pool.claim(claim, any)
    const gone = new AbortController()
    const waiting = expect(pool.claim({ ...claim, signal: gone.signal }, any)).rejects.toMatchObject({ reason: 'client' })
    gone.abort()
    await waiting
    expect(pool.figures.queue).toBe(0)
  })

  it('a pool has a limit of its own, and a raised limit lets those who wait go', async () => {
    const { pool } = bench([{ ...checked, maxSessions: 1 }, plainServer('s2')], { maxSessions: 2 })
    const leases = [await pool.claim(claim, any), await pool.claim(claim, any)]
    expect(new Set(leases.map(({ server }) => server.spec.id))).toEqual(new Set(['s1', 's2']))
    const third = pool.claim(claim, any)
    expect(pool.figures.queue).toBe(1)
    leases[0]?.release()
    await third
  })
})

describe('attempts', () => {
  const failing = (tried: string[]) => async (server: { spec: ServerSpec }) => {
    tried.push(server.spec.id)
    if (server.spec.id !== 's3') throw new Failure('connect')
    return server.spec.id
  }

  it('HAProxy: the same server again, another one at the last', async () => {
    const { clock, pool } = bench([plainServer('s1'), plainServer('s3')], { retries: 3, redispatch: 'last' })
    const tried: string[] = []
    const reaching = reach(pool, claim, failing(tried), () => true)
    await clock.advance(900)
    expect(tried, 'a second passes before the same server is tried again').toEqual(['s1'])
    await clock.advance(1200)
    const reached = await reaching
    expect(tried).toEqual(['s1', 's1', 's1', 's3'])
    expect([reached.retries, reached.redispatched]).toEqual([3, true])
    const first = pool.server('s1')?.figures
    expect([first?.connectionErrors, first?.sessions, pool.figures.retries, pool.figures.redispatches]).toEqual([3, 0, 3, 1])
  })

  it('nginx: always the next', async () => {
    const { pool } = bench([plainServer('s1'), plainServer('s2'), plainServer('s3')], { retries: 2, redispatch: 'always' })
    const tried: string[] = []
    await reach(pool, claim, failing(tried), () => true)
    expect(tried).toEqual(['s1', 's2', 's3'])
  })

  it('gives up with the last failure and leaves nothing leased', async () => {
    const { clock, pool } = bench([plainServer('s1')], { retries: 2, redispatch: 'never' })
    const tried: string[] = []
    const refused = expect(reach(pool, claim, failing(tried), () => true)).rejects.toMatchObject({ reason: 'connect' })
    await clock.advance(3000)
    await refused
    expect([tried.length, pool.figures.sessions]).toEqual([3, 0])
  })
})

describe('whom a pool gives', () => {
  it('backups work only when no other can', async () => {
    const { pool } = bench(
      [plainServer('s1'), { ...plainServer('b1'), backup: true }, { ...plainServer('b2'), backup: true }],
      {
        backups: 'first',
      },
    )
    expect((await pool.claim(claim, any)).server.spec.id).toBe('s1')
    pool.server('s1')?.setAdmin('drain')
    for (let each = 0; each < 3; each += 1) expect((await pool.claim(claim, any)).server.spec.id).toBe('b1')
  })

  it('a source sticks: a draining server keeps its own, maintenance gives them away for good', async () => {
    const { pool, clock } = bench([plainServer('s1'), plainServer('s2')], {
      persistence: { kind: 'source', expireMs: 60_000, size: 10 },
    })
    const get = async (source: string): Promise<string> => (await pool.claim({ ...claim, source }, any)).server.spec.id
    expect([await get('a'), await get('b'), await get('a'), await get('a')]).toEqual(['s1', 's2', 's1', 's1'])
    pool.server('s1')?.setAdmin('drain')
    expect([await get('a'), await get('c')]).toEqual(['s1', 's2'])
    pool.server('s1')?.setAdmin('maint')
    expect(await get('a')).toBe('s2')
    pool.server('s1')?.setAdmin('ready')
    expect(await get('a')).toBe('s2')
    expect(pool.stickEntries().map(({ key, server }) => `${key} ${server}`)).toEqual(['b s2', 'c s2', 'a s2'])
    await clock.advance(61_000)
    expect(pool.stickEntries()).toEqual([])
  })
})
