import { describe, expect, it } from 'vitest'
import { createPicker } from '../../../../src-main/domain/balance/create-picker.ts'
import { createSimulation, seededRandom } from '../../../../src-main/domain/balance/simulate.ts'
import { count, pool } from './pools.ts'

describe('least connections', () => {
  it.each(['nginx-least-conn', 'haproxy-leastconn'] as const)('%s shares a standing load by weight', (kind) => {
    const simulation = createSimulation({ kind }, pool(5, 3, 1, 1), Number.MAX_SAFE_INTEGER)
    expect(count(Array.from({ length: 1000 }, () => simulation.place('')))).toEqual({ a: 500, b: 300, c: 100, d: 100 })
  })

  it('an idle pool takes turns: by weight with nginx, whatever the weight with HAProxy', () => {
    const idle = (kind: 'least-connections' | 'nginx-least-conn' | 'haproxy-leastconn') => {
      const simulation = createSimulation({ kind }, pool(5, 3, 1, 1), 0)
      return count(Array.from({ length: 100 }, () => simulation.place('')))
    }
    expect(idle('nginx-least-conn')).toEqual({ a: 50, b: 30, c: 10, d: 10 })
    expect(idle('haproxy-leastconn')).toEqual({ a: 25, b: 25, c: 25, d: 25 })
    expect(idle('least-connections')).toEqual({ a: 25, b: 25, c: 25, d: 25 })
  })

  it('without weights the load is equal', () => {
    const simulation = createSimulation({ kind: 'least-connections' }, pool(5, 3, 1, 1), Number.MAX_SAFE_INTEGER)
    expect(count(Array.from({ length: 100 }, () => simulation.place('')))).toEqual({ a: 25, b: 25, c: 25, d: 25 })
  })

  it('a newcomer is filled up to the others before anybody else gets more', () => {
    const simulation = createSimulation({ kind: 'haproxy-leastconn' }, pool(1, 1), Number.MAX_SAFE_INTEGER)
    for (let request = 0; request < 20; request += 1) simulation.place('')
    simulation.setServers(pool(1, 1, 1))
    expect(Array.from({ length: 10 }, () => simulation.place(''))).toEqual(new Array(10).fill('c'))
  })
})

describe('least response time', () => {
  const times: Record<string, number | null> = { a: 10, b: 40, c: null }
  const active: Record<string, number> = { a: 0, b: 0, c: 0 }
  const load = { active: (id: string) => active[id] ?? 0, responseMs: (id: string) => times[id] ?? null }
  const picker = createPicker({ kind: 'least-response-time' }, seededRandom())

  it('a server four times as fast holds four times as many requests', () => {
    picker.setServers(pool(1, 1))
    for (let request = 0; request < 100; request += 1) {
      const id = picker.pick({ key: '' }, load) ?? ''
      active[id] = (active[id] ?? 0) + 1
    }
    expect(active).toEqual({ a: 80, b: 20, c: 0 })
  })

  it('a server not yet heard from is taken for as fast as the fastest, and not flooded', () => {
    picker.setServers(pool(1, 1, 1))
    for (let request = 0; request < 90; request += 1) {
      const id = picker.pick({ key: '' }, load) ?? ''
      active[id] = (active[id] ?? 0) + 1
    }
    // 80 for the newcomer to draw level, the rest shared 4:1:4
    expect(active).toEqual({ a: 85, b: 21, c: 84 })
  })
})

describe('random', () => {
  const most = (choices: 1 | 2) => {
    const simulation = createSimulation(
      { kind: 'random', choices },
      pool(...new Array<number>(20).fill(1)),
      Number.MAX_SAFE_INTEGER,
    )
    return Math.max(...Object.values(count(Array.from({ length: 10_000 }, () => simulation.place('')))))
  }

  it('the power of two choices: the fullest of 20 servers is within 5 of the mean of 500, by lot alone tens above', () => {
    expect(most(2)).toBeLessThanOrEqual(505)
    expect(most(1)).toBeGreaterThan(520)
  })

  it('follows the weights', () => {
    const simulation = createSimulation({ kind: 'random', choices: 1 }, pool(5, 3, 1, 1), 0)
    const counts = count(Array.from({ length: 10_000 }, () => simulation.place('')))
    const expected = { a: 5000, b: 3000, c: 1000, d: 1000 }
    const chiSquare = Object.entries(expected).reduce((sum, [id, mean]) => sum + ((counts[id] ?? 0) - mean) ** 2 / mean, 0)
    // three degrees of freedom, one in a thousand
    expect(chiSquare).toBeLessThan(16.27)
  })

  it('of two different ones at rest the second is taken, so that the heaviest gets less than its weight', () => {
    const simulation = createSimulation({ kind: 'random', choices: 2 }, pool(5, 3, 1, 1), 0)
    const share = (count(Array.from({ length: 20_000 }, () => simulation.place('')))['a'] ?? 0) / 20_000
    // first b (3/10) then a (5/7), or c or d (1/10 each) then a (5/9)
    expect(Math.abs(share - ((0.3 * 5) / 7 + (0.2 * 5) / 9))).toBeLessThan(0.01)
  })
})
