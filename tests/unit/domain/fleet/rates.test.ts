import { expect, test } from 'vitest'
import { ratesBetween } from '../../../../src-main/domain/fleet/rates.ts'
import { haproxy, pool, server } from './readings.ts'

const reading = (requests: number, total: number, errors: number, over = {}) =>
  haproxy([pool('app', [server('w1', { totalSessions: total, errors })], { requests, errors })], over)

test('counters become rates per second', () => {
  const rates = ratesBetween({ reading: reading(100, 50, 1), at: 1_000 }, { reading: reading(140, 60, 3), at: 3_000 })
  expect(rates.pools).toEqual([{ requestsPerS: 20, errorsPerS: 1, servers: [{ sessionsPerS: 5, errorsPerS: 1 }] }])
})

test('the first reading, and one too close to the last, say nothing', () => {
  const nothing = [{ requestsPerS: null, errorsPerS: null, servers: [{ sessionsPerS: null, errorsPerS: null }] }]
  expect(ratesBetween(null, { reading: reading(1, 1, 1), at: 1_000 }).pools).toEqual(nothing)
  expect(ratesBetween({ reading: reading(1, 1, 1), at: 1_000 }, { reading: reading(9, 9, 9), at: 1_050 }).pools).toEqual(
    nothing,
  )
})

test('after a reload the counters of the new worker are not compared with those of the old one', () => {
  const before = { reading: reading(100, 50, 1, { pid: 7, uptimeS: 500 }), at: 1_000 }
  const otherPid = { reading: reading(900, 900, 9, { pid: 8, uptimeS: 501 }), at: 2_000 }
  const shorterUptime = { reading: reading(900, 900, 9, { pid: 7, uptimeS: 1 }), at: 2_000 }
  for (const after of [otherPid, shorterUptime]) expect(ratesBetween(before, after).pools[0]?.requestsPerS).toBeNull()
})

test('a counter that went backwards gives null, never a negative rate', () => {
  const [rates] = ratesBetween({ reading: reading(100, 50, 4), at: 0 }, { reading: reading(3, 60, 1), at: 1_000 }).pools
  expect(rates).toEqual({ requestsPerS: null, errorsPerS: null, servers: [{ sessionsPerS: 10, errorsPerS: null }] })
})

test('a server is compared with itself although its place changed', () => {
  const before = haproxy([pool('app', [server('a', { totalSessions: 10 }), server('b', { totalSessions: 100 })])])
  const after = haproxy([pool('app', [server('b', { totalSessions: 110 }), server('c', { totalSessions: 5 })])])
  const [rates] = ratesBetween({ reading: before, at: 0 }, { reading: after, at: 1_000 }).pools
  expect(rates?.servers.map((each) => each.sessionsPerS)).toEqual([10, null])
})

test('an http and a stream upstream of one name are kept apart', () => {
  const before = haproxy([pool('app', [], { mode: 'http', requests: 10 }), pool('app', [], { mode: 'tcp', requests: 1000 })])
  const after = haproxy([pool('app', [], { mode: 'tcp', requests: 1001 }), pool('app', [], { mode: 'http', requests: 12 })])
  expect(
    ratesBetween({ reading: before, at: 0 }, { reading: after, at: 1_000 }).pools.map((each) => each.requestsPerS),
  ).toEqual([1, 2])
})

test('requests that only the daemon as a whole counts', () => {
  const before = haproxy([], { kind: 'nginx', requests: 1_000 })
  const after = haproxy([], { kind: 'nginx', requests: 1_600 })
  expect(ratesBetween({ reading: before, at: 0 }, { reading: after, at: 2_000 }).requestsPerS).toBe(300)
})
