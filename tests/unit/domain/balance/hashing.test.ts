import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Algorithm } from '../../../../src-main/domain/balance/create-picker.ts'
import { addressBytes, crc32, utf8 } from '../../../../src-main/domain/balance/hash-functions.ts'
import { coefficientOfVariation, movedShareOf, sharesOf } from '../../../../src-main/domain/balance/predict.ts'
import type { BalanceServer } from '../../../../src-main/domain/balance/picker.ts'
import { createSimulation, sampleKeys } from '../../../../src-main/domain/balance/simulate.ts'
import { pool } from './pools.ts'

const without = (id: string, servers: BalanceServer[]) => servers.filter((server) => server.id !== id)
const down = (id: string, servers: BalanceServer[]): BalanceServer[] =>
  servers.map((server) => (server.id === id ? { ...server, weight: 0, keptWeight: server.weight } : server))
const five = pool(1, 1, 1, 1, 1)
const six = pool(1, 1, 1, 1, 1, 1)

describe('hash functions', () => {
  it('CRC-32 and UTF-8 are the ones everybody has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, at) => {
        const bytes = utf8(text)
        expect(bytes).toEqual([...Buffer.from(text)])
        expect(crc32(bytes)).toBe(zlibCrc32(text))
        expect(crc32(bytes.slice(at), crc32(bytes.slice(0, at)))).toBe(zlibCrc32(text))
      }),
    )
  })

  it('addresses are hashed by their bytes, what is none by zeros', () => {
    expect(addressBytes('198.18.2.3')).toEqual([198, 18, 2, 3])
    expect(addressBytes('2001:db8::102')).toEqual([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2])
    expect(addressBytes('unix:')).toEqual([0, 0, 0, 0])
  })
})

describe('consistent hashing of 10 000 keys over 5 servers', () => {
  const keys = sampleKeys({ kind: 'nginx-hash' }, 10_000)

  it.each([
    [50, 0.2],
    [150, 0.12],
    [500, 0.07],
  ])(
    '%i virtual nodes: even to %f, a sixth server takes about a sixth, who leaves moves its own keys alone',
    (virtualNodes, evenness) => {
      const algorithm: Algorithm = { kind: 'consistent-hash', virtualNodes, replicas: 1 }
      const shares = sharesOf(algorithm, five, 0, keys)
      expect(coefficientOfVariation([...shares.values()])).toBeLessThan(evenness)
      expect(movedShareOf(algorithm, five, six, keys)).toBeGreaterThan(1 / 6 - 0.04)
      expect(movedShareOf(algorithm, five, six, keys)).toBeLessThan(1 / 6 + 0.04)
      expect(movedShareOf(algorithm, five, without('c', five), keys)).toBe(shares.get('c'))
    },
  )

  it('more virtual nodes are more even, on average over many pools', () => {
    const unevenness = (virtualNodes: number): number => {
      const pools = Array.from({ length: 20 }, (_, at) => five.map((server) => ({ ...server, hashedBy: `${at}/${server.id}` })))
      const each = pools.map((servers) =>
        coefficientOfVariation([
          ...sharesOf({ kind: 'consistent-hash', virtualNodes, replicas: 1 }, servers, 0, keys.slice(0, 3000)).values(),
        ]),
      )
      return each.reduce((sum, one) => sum + one, 0) / each.length
    }
    const [few, some, many] = [unevenness(10), unevenness(50), unevenness(500)]
    expect(few).toBeGreaterThan(some * 1.5)
    expect(some).toBeGreaterThan(many * 1.5)
  })

  it.each<Algorithm>([
    { kind: 'consistent-hash', virtualNodes: 20, replicas: 1 },
    { kind: 'nginx-consistent-hash' },
    { kind: 'haproxy-consistent-hash', of: 'text' },
  ])('$kind: nobody else moves, whatever the weights and whoever leaves', (algorithm) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 6 }), fc.nat(5), (weights, which) => {
        const servers = pool(...weights)
        const leaver = servers[which % servers.length]?.id ?? ''
        const before = createSimulation(algorithm, servers, 0)
        const after = createSimulation(algorithm, down(leaver, servers), 0)
        for (const key of keys.slice(0, 200)) {
          const home = before.place(key)
          const refuge = after.place(key)
          if (home === leaver) expect(refuge).not.toBe(leaver)
          else expect(refuge).toBe(home)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('replicas: a key stays with its two servers and goes to the less busy one', () => {
    const simulation = createSimulation(
      { kind: 'consistent-hash', virtualNodes: 50, replicas: 2 },
      five,
      Number.MAX_SAFE_INTEGER,
    )
    const homes = Array.from({ length: 100 }, () => simulation.place('/hot'))
    expect(new Set(homes).size).toBe(2)
    expect(homes.filter((id) => id === homes[0]).length).toBe(50)
  })
})

describe('hashing modulo', () => {
  it.each<Algorithm>([{ kind: 'haproxy-hash', of: 'text' }, { kind: 'nginx-hash' }, { kind: 'nginx-ip-hash' }])(
    '$kind: a newcomer moves five keys in six',
    (algorithm) => {
      const moved = movedShareOf(algorithm, five, six)
      expect(moved).toBeGreaterThan(0.8)
      expect(moved).toBeLessThan(0.87)
    },
  )

  it.each<Algorithm>([{ kind: 'nginx-hash' }, { kind: 'nginx-ip-hash' }])(
    '$kind: `down` keeps the place and moves its own clients, removing the line moves four in five',
    (algorithm) => {
      const share = sharesOf(algorithm, five, 0).get('c')
      expect(movedShareOf(algorithm, five, down('c', five))).toBe(share)
      expect(movedShareOf(algorithm, five, without('c', five))).toBeGreaterThan(0.75)
    },
  )

  it('ip_hash looks at the first three bytes', () => {
    const simulation = createSimulation({ kind: 'nginx-ip-hash' }, five, 0)
    expect(simulation.place('10.1.1.1')).toBe(simulation.place('10.1.1.200'))
  })

  it('ip_hash finds somebody even if all but one are down', () => {
    const simulation = createSimulation(
      { kind: 'nginx-ip-hash' },
      ['b', 'c', 'd', 'e'].reduce((servers, id) => down(id, servers), five),
      0,
    )
    for (const key of sampleKeys({ kind: 'nginx-ip-hash' }, 200)) expect(simulation.place(key)).toBe('a')
  })

  it("HAProxy's map follows the weights exactly", () => {
    const shares = sharesOf(
      { kind: 'haproxy-hash', of: 'address' },
      pool(50, 30, 10, 10),
      0,
      Array.from({ length: 10 }, (_, at) => `0.0.0.${at}`),
    )
    expect([...shares.values()]).toEqual([0.5, 0.3, 0.1, 0.1])
  })
})
