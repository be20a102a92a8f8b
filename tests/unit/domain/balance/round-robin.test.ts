import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Algorithm } from '../../../../src-main/domain/balance/create-picker.ts'
import type { BalanceServer } from '../../../../src-main/domain/balance/picker.ts'
import { createSimulation } from '../../../../src-main/domain/balance/simulate.ts'
import { count, pool } from './pools.ts'

function place(kind: 'round-robin' | 'nginx-round-robin' | 'haproxy-roundrobin', servers: BalanceServer[], requests: number) {
  const simulation = createSimulation({ kind }, servers, 0)
  return Array.from({ length: requests }, () => simulation.place(''))
}
const weights = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 })
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

describe('round robin', () => {
  it('gives 5:3:1:1 exactly 50, 30, 10 and 10 % of 10 000 requests, over every window of ten', () => {
    const choices = place('nginx-round-robin', pool(5, 3, 1, 1), 10_000)
    expect(count(choices)).toEqual({ a: 5000, b: 3000, c: 1000, d: 1000 })
    for (let from = 0; from + 10 <= choices.length; from += 1) {
      expect(count(choices.slice(from, from + 10))).toEqual({ a: 5, b: 3, c: 1, d: 1 })
    }
  })

  it("is nginx's sequence: smooth, not in blocks", () => {
    expect(place('nginx-round-robin', pool(5, 1, 1), 7).join('')).toBe('aabacaa')
  })

  it.each(['nginx-round-robin', 'haproxy-roundrobin'] as const)(
    '%s: every window of the sum of the weights is exact',
    (kind) => {
      fc.assert(
        fc.property(weights, fc.nat(50), (some, from) => {
          const round = sum(some)
          // HAProxy counts in sixteenths, so that its round is sixteen times as long
          const window = kind === 'haproxy-roundrobin' ? round * 16 : round
          const choices = place(kind, pool(...some), from + window).slice(from)
          const counts = count(choices)
          const off = pool(...some).map(({ id, weight }) => Math.abs((counts[id] ?? 0) - (weight * window) / round))
          expect(Math.max(...off)).toBeLessThanOrEqual(kind === 'haproxy-roundrobin' ? 1 : 0)
        }),
      )
    },
  )

  it('nginx: one that is passed over for a while comes back where it was, and the others go on', () => {
    const simulation = createSimulation({ kind: 'nginx-round-robin' }, pool(5, 1, 1), 0)
    const take = (requests: number): string => Array.from({ length: requests }, () => simulation.place('')).join('')
    expect(take(2)).toBe('aa')
    simulation.setServers(pool(0, 1, 1))
    expect(take(4)).toBe('bcbc')
    simulation.setServers(pool(5, 1, 1))
    expect(take(5)).toBe('bacaa')
  })

  it('HAProxy never lets a server run more than one request ahead or behind for long: 5:3:1:1 over windows of ten', () => {
    const choices = place('haproxy-roundrobin', pool(5, 3, 1, 1), 10_000)
    expect(count(choices)).toEqual({ a: 5000, b: 3000, c: 1000, d: 1000 })
    for (let from = 0; from + 10 <= choices.length; from += 1) {
      const { a = 0, b = 0, c = 0, d = 0 } = count(choices.slice(from, from + 10))
      expect(Math.max(Math.abs(a - 5), Math.abs(b - 3), Math.abs(c - 1), Math.abs(d - 1))).toBeLessThanOrEqual(1)
    }
  })

  it('without weights each has its turn, and the turn goes on when others leave and come', () => {
    const simulation = createSimulation({ kind: 'round-robin' }, pool(5, 1, 1), 0)
    const take = (requests: number): string => Array.from({ length: requests }, () => simulation.place('')).join('')
    expect(take(4)).toBe('abca')
    simulation.setServers(pool(5, 1, 0))
    expect(take(3)).toBe('bab')
    simulation.setServers(pool(1, 1, 1, 1))
    expect(take(5)).toBe('abcda')
  })

  it('HAProxy: who is taken out gets nothing, who comes back gets its share at once and nothing extra', () => {
    fc.assert(
      fc.property(weights, fc.nat(200), fc.nat(200), (some, before, meanwhile) => {
        const servers = pool(20, ...some)
        const simulation = createSimulation({ kind: 'haproxy-roundrobin' }, servers, 0)
        const take = (requests: number) => Array.from({ length: requests }, () => simulation.place(''))
        take(before)
        simulation.setServers(servers.map((server) => (server.id === 'b' ? { ...server, weight: 0 } : server)))
        expect(take(meanwhile)).not.toContain('b')
        simulation.setServers(servers)
        const round = sum(servers.map(({ weight }) => weight))
        // two rounds, since the first is shorter or longer by what was left of the round when it came back
        const share = (count(take(2 * round))['b'] ?? 0) / 2
        expect(Math.abs(share - (servers[1]?.weight ?? 0))).toBeLessThanOrEqual(2)
      }),
    )
  })
})

const everyAlgorithm: Algorithm[] = [
  { kind: 'round-robin' },
  { kind: 'nginx-round-robin' },
  { kind: 'haproxy-roundrobin' },
  { kind: 'least-connections' },
  { kind: 'nginx-least-conn' },
  { kind: 'haproxy-leastconn' },
  { kind: 'least-response-time' },
  { kind: 'random', choices: 1 },
  { kind: 'random', choices: 2 },
  { kind: 'haproxy-random', draws: 2 },
  { kind: 'haproxy-hash', of: 'text' },
  { kind: 'haproxy-hash', of: 'address' },
  { kind: 'haproxy-consistent-hash', of: 'text' },
  { kind: 'haproxy-consistent-hash', of: 'address' },
  { kind: 'nginx-ip-hash' },
  { kind: 'nginx-hash' },
  { kind: 'nginx-consistent-hash' },
  { kind: 'consistent-hash', virtualNodes: 10, replicas: 2 },
]

describe.each(everyAlgorithm)('$kind, whatever happens to the servers', (algorithm) => {
  it('chooses one that takes work if there is one, and nobody otherwise', () => {
    const change = fc.array(fc.constantFrom(0, 1 / 16, 0.3, 1, 2, 5), { maxLength: 5 })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(10), (changes, inFlight) => {
        const simulation = createSimulation(algorithm, [], inFlight)
        expect(simulation.place('198.18.0.1')).toBeNull()
        for (const servers of changes.map((some) => pool(...some))) {
          simulation.setServers(servers)
          const willing = servers.filter(({ weight }) => weight > 0).map(({ id }) => id)
          for (let request = 0; request < 12; request += 1) {
            const id = simulation.place(`198.18.${request}.1`)
            if (willing.length === 0) expect(id).toBeNull()
            else expect(willing).toContain(id)
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})
