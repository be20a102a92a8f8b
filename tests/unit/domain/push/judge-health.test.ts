import { describe, expect, it } from 'vitest'
import {
  regressionOf,
  type HealthFigures,
  type PoolFigures,
  type Rates,
} from '../../../../src-main/domain/push/judge-health.ts'

const calm: Rates = { errors: 0, requests: 1000, seconds: 10 }
function figures(pool: Partial<PoolFigures> | null, addresses: Record<string, boolean> = {}): HealthFigures {
  const whole = { serving: 4, servers: 4, out: 0, limit: null, queue: 0, ...pool }
  return {
    pools: new Map(pool === null ? [] : [['haproxy be_web', whole]]),
    addresses: new Map(Object.entries(addresses)),
    errors: 0,
    requests: 0,
  }
}
const judge = (
  before: HealthFigures,
  now: HealthFigures,
  more: { was?: Rates; is?: Rates; allow?: boolean; move?: boolean } = {},
) =>
  regressionOf(
    { figures: before, rates: more.was ?? calm },
    { figures: now, rates: more.is ?? calm },
    { allowCapacityLoss: more.allow ?? false, allowVipMove: more.move ?? false },
  )

describe('whether a node serves worse than before', () => {
  it.each([
    ['as before', figures({}), figures({})],
    ['a server was down before', figures({ serving: 3 }), figures({ serving: 3 })],
    ['one of four was taken out of the file', figures({}), figures({ serving: 3, servers: 3 })],
    ['a server was added that is not up', figures({}), figures({ servers: 5 })],
    ['one of four is out by the file', figures({}), figures({ serving: 3, out: 1 })],
    ['the pool was removed', figures({}), figures(null)],
    ['a short queue', figures({}), figures({ queue: 10 })],
    ['an address is new', figures({}), figures({}, { '198.18.0.10': true })],
  ])('%s: no', (_, before, now) => expect(judge(before, now)).toBeNull())

  it.each([
    ['servers', figures({}), figures({ serving: 3 })],
    ['capacity', figures({}), figures({ serving: 2, servers: 2 })],
    ['capacity', figures({}), figures({ serving: 2, out: 2 })],
    ['servers', figures({}), figures({ serving: 2, out: 1 })],
    ['capacity', figures({ limit: 400 }), figures({ limit: 200 })],
    ['queue', figures({}), figures({ queue: 11 })],
    ['address', figures({}, { '198.18.0.10': true }), figures({}, { '198.18.0.10': false })],
    ['address', figures({}, { '198.18.0.10': true }), figures({})],
    ['address', figures({}, { '198.18.0.10': false }), figures({}, { '198.18.0.10': true })],
  ])('%s: yes, with the figures', (metric, before, now) => {
    const regression = judge(before, now)
    expect(regression?.metric).toBe(metric)
    expect(regression?.before).toBeTypeOf('number')
    expect(regression?.text).toContain(regression?.subject)
  })

  it('less capacity may be what is wanted; servers that are down are not', () => {
    expect(judge(figures({}), figures({ serving: 2, servers: 2 }), { allow: true })).toBeNull()
    expect(judge(figures({}), figures({ serving: 1, out: 3 }), { allow: true })).toBeNull()
    expect(judge(figures({}), figures({ serving: 2, servers: 4 }), { allow: true })?.metric).toBe('servers')
  })
  it('an address that moves may be what is wanted', () => {
    const [here, there] = [figures({}, { '198.18.0.10': true }), figures({}, { '198.18.0.10': false })]
    expect(judge(here, there, { move: true })).toBeNull()
    expect(judge(there, here, { move: true })).toBeNull()
  })
  it('errors count by their share of the requests', () => {
    const is = { errors: 100, requests: 1000, seconds: 10 }
    expect(judge(figures({}), figures({}), { is })).toMatchObject({ metric: 'errors', before: 0, after: 10 })
    expect(judge(figures({}), figures({}), { was: { ...is, errors: 80 }, is }), 'it was so before').toBeNull()
    expect(judge(figures({}), figures({}), { is: { errors: 4, requests: 4, seconds: 10 } }), 'too few to tell').toBeNull()
  })
})
