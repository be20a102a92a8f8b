import { describe, expect, test } from 'vitest'
import type { NodeId } from '#contract'
import { poolsOf, type PoolsView } from '../../../../src-main/domain/fleet/pools.ts'
import type { BalancerReading } from '../../../../src-main/domain/fleet/reading.ts'
import type { ServiceFacts, ServiceOnNode } from '../../../../src-main/domain/fleet/service-facts.ts'
import { serviceFacts } from './facts.ts'
import { haproxy, pool, server } from './readings.ts'

const owner = { id: 'edge', pair: null, site: null }

function on(
  node: string,
  reading: BalancerReading,
  readAt = 1_000,
  readable = true,
  over: Partial<ServiceFacts> = {},
): ServiceOnNode {
  return { nodeId: node as NodeId, facts: serviceFacts(reading, readAt, over), readable }
}

const joined = (services: ServiceOnNode[], previous: PoolsView | null = null) => poolsOf(owner, services, previous)

describe('joining balancers', () => {
  test('one server on two balancers is one row with two cells', () => {
    const { pools, servers } = joined([
      on('lb1', haproxy([pool('app', [server('w1'), server('w2')])])),
      on('lb2', haproxy([pool('app', [server('w1', { state: 'down', word: 'DOWN' })])])),
    ])
    expect(pools.map((each) => [each.id, each.nodes])).toEqual([['edge/haproxy/app', ['lb1', 'lb2']]])
    expect(servers.map((each) => [each.id, each.state, each.disagrees, each.on.length])).toEqual([
      ['edge/haproxy/app/w1', 'down', true, 2],
      ['edge/haproxy/app/w2', 'up', false, 1],
    ])
  })

  test('an http and a stream upstream of one name, and a backend of that name, are three pools', () => {
    const nginx = haproxy([pool('app', [server('a')]), pool('app', [server('b')], { mode: 'tcp' })], {
      kind: 'nginx',
      canSetState: false,
    })
    const { pools } = joined([on('lb1', haproxy([pool('app', [])])), on('lb1', nginx)])
    expect(pools.map((each) => each.id)).toEqual(['edge/haproxy/app', 'edge/nginx/app', 'edge/nginx-stream/app'])
    expect(pools.map((each) => each.can.setState)).toEqual([true, false, false])
  })

  test('a server line that is there twice is two servers', () => {
    const { servers } = joined([on('lb1', haproxy([pool('app', [server('10.0.0.1:80'), server('10.0.0.1:80')])]))])
    expect(servers.map((each) => each.name)).toEqual(['10.0.0.1:80', '10.0.0.1:80#2'])
  })

  test('an address that one balancer does not tell is taken from the other', () => {
    const { servers } = joined([
      on('lb1', haproxy([pool('app', [server('w1', { address: '' })])])),
      on('lb2', haproxy([pool('app', [server('w1', { address: '10.0.0.1:80' })])])),
    ])
    expect(servers[0]?.address).toBe('10.0.0.1:80')
  })
})

describe('a balancer that cannot be read', () => {
  const reading = haproxy([pool('app', [server('w1', { sessions: 7 })])])
  const error = { code: 'ssh.timeout', message: 'no answer', since: 4_000 } as const

  test('keeps its figures, never its state', () => {
    const { servers } = joined([on('lb1', reading, 1_000, false, { error }), on('lb2', reading)])
    expect(servers[0]).toMatchObject({ state: 'up', disagrees: false })
    expect(servers[0]?.on[0]).toMatchObject({ state: 'unknown', word: '', sessions: 7, since: 4_000 })
  })

  test('a server is unknown only when no balancer can be read', () => {
    const { servers } = joined([on('lb1', reading, 1_000, false, { error })])
    expect(servers[0]?.state).toBe('unknown')
  })
})

describe('what stays the same object', () => {
  const first = haproxy([
    pool('app', [server('w1', { sinceS: 10, check: { status: 'L7OK', code: 200, durationMs: 1, text: '' } }), server('w2')]),
  ])
  const same = structuredClone(first)

  test('everything, when nothing changed but the time', () => {
    const before = joined([on('lb1', first, 1_000)])
    const after = joined([on('lb1', { ...same }, 1_000)], before)
    expect(after.servers[0]).toBe(before.servers[0])
    expect(after.pools[0]).toBe(before.pools[0])
  })

  test('only the server that changed is another object', () => {
    const before = joined([on('lb1', first)])
    const changed = structuredClone(first)
    const [changedPool] = changed.pools
    if (changedPool?.servers[1] === undefined) throw new Error('the pool has two servers')
    changedPool.servers[1].sessions = 5
    const after = joined([on('lb1', changed)], before)
    expect(after.servers[0]).toBe(before.servers[0])
    expect(after.servers[1]).not.toBe(before.servers[1])
  })

  test('a beginning computed from whole seconds does not creep', () => {
    const at = (readAt: number, sinceS: number, previous: PoolsView | null) =>
      joined([on('lb1', haproxy([pool('app', [server('w1', { sinceS })])]), readAt)], previous)
    const before = at(100_000, 10, null)
    expect(before.servers[0]?.on[0]?.since).toBe(90_000)
    expect(at(102_300, 12, before).servers[0]).toBe(before.servers[0])
    expect(at(110_000, 2, before).servers[0]?.on[0]?.since).toBe(108_000)
  })
})

test('without a clock of the daemon, the console notes when it saw the change', () => {
  const at = (state: 'up' | 'down', readAt: number, previous: PoolsView | null) =>
    joined([on('lb1', haproxy([pool('app', [server('w1', { state })])]), readAt)], previous)
  const first = at('up', 1_000, null)
  const down = at('down', 3_000, first)
  const still = at('down', 5_000, down)
  expect([first, down, still].map((view) => view.servers[0]?.on[0]?.since)).toEqual([null, 3_000, 3_000])
})
