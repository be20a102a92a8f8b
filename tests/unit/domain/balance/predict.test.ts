import { describe, expect, it } from 'vitest'
import type { Algorithm } from '../../../../src-main/domain/balance/create-picker.ts'
import { coefficientOfVariation, survivorsOf, type LiveServer } from '../../../../src-main/domain/balance/predict.ts'
import { pool } from './pools.ts'

/** Each request takes 0.1 s; the rates are what the weights would make them, of 100 per second. */
const live = (...weights: number[]): LiveServer[] => {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return pool(...weights).map((server) => {
    const ratePerS = (100 * server.weight) / total
    return { ...server, ratePerS, active: ratePerS / 10, maxActive: 8 }
  })
}

describe('what the survivors carry', () => {
  it('round robin: the load that was there, by weight, and what is left up to the limit', () => {
    const [b, c, d] = survivorsOf({ kind: 'haproxy-roundrobin' }, live(5, 3, 1, 1), new Set(['a']))
    expect(b?.ratePerS).toBeCloseTo(60, 1)
    expect(b?.active).toBeCloseTo(6, 2)
    expect(b?.headroom).toBeCloseTo(2, 2)
    expect(c?.ratePerS).toBeCloseTo(20, 1)
    expect(d?.id).toBe('d')
  })

  it('says when it will not do', () => {
    const [survivor] = survivorsOf({ kind: 'nginx-round-robin' }, live(1, 1), new Set(['a']))
    expect(survivor).toMatchObject({ id: 'b', ratePerS: 100, active: 10, headroom: -2 })
  })

  it.each<Algorithm>([
    { kind: 'nginx-round-robin' },
    { kind: 'haproxy-roundrobin' },
    { kind: 'nginx-least-conn' },
    { kind: 'haproxy-leastconn' },
    { kind: 'random', choices: 2 },
    { kind: 'haproxy-random', draws: 2 },
    { kind: 'haproxy-hash', of: 'address' },
    { kind: 'haproxy-consistent-hash', of: 'text' },
    { kind: 'nginx-ip-hash' },
    { kind: 'nginx-consistent-hash' },
    { kind: 'consistent-hash', virtualNodes: 100, replicas: 1 },
  ])('$kind: no load is lost and none is invented', (algorithm) => {
    const survivors = survivorsOf(algorithm, live(1, 2, 3, 2), new Set(['b', 'd']))
    expect(survivors.map(({ id }) => id)).toEqual(['a', 'c'])
    expect(survivors.reduce((sum, { ratePerS }) => sum + ratePerS, 0)).toBeCloseTo(100, 6)
  })

  it('a consistent hash gives the load of who leaves to its neighbours on the circle, and nobody loses any', () => {
    const before = live(1, 1, 1, 1, 1)
    const after = survivorsOf({ kind: 'haproxy-consistent-hash', of: 'text' }, before, new Set(['c']))
    for (const { ratePerS } of after) expect(ratePerS).toBeGreaterThan(20)
    // equal before, and no longer: one neighbour has more of the arcs that fall free than another
    expect(coefficientOfVariation(after.map(({ ratePerS }) => ratePerS))).toBeGreaterThan(0.05)
  })

  it('a server that takes no new work keeps its sessions, and one that was idle is reckoned by the pool', () => {
    const [a, b, c] = live(1, 1, 1)
    if (a === undefined || b === undefined || c === undefined) expect.fail('three servers')
    const drained: LiveServer = { ...a, weight: 0, ratePerS: 0, active: 3 }
    const idle: LiveServer = { ...c, ratePerS: 0, active: 0, maxActive: null }
    const survivors = survivorsOf({ kind: 'haproxy-roundrobin' }, [drained, b, idle], new Set(['b']))
    expect(survivors[0]).toMatchObject({ id: 'a', ratePerS: 0, active: 3 })
    expect(survivors[1]?.ratePerS).toBeCloseTo(b.ratePerS)
    expect(survivors[1]?.active).toBeGreaterThan(0)
    expect(survivors[1]?.headroom).toBeNull()
  })

  it('all leave: nobody is left to tell of', () => {
    expect(survivorsOf({ kind: 'nginx-least-conn' }, live(1, 1), new Set(['a', 'b']))).toEqual([])
  })
})
