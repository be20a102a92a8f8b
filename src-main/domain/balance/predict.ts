import type { Algorithm } from './create-picker.ts'
import type { BalanceServer } from './picker.ts'
import { createSimulation, sampleKeys } from './simulate.ts'

/** Enough for shares to within one in a hundred, and a few milliseconds for a pool of ordinary size. */
const sampleSize = 10_000

/** What a balancer says of a server now. */
export interface LiveServer extends BalanceServer {
  /** requests (or sessions) per second */
  readonly ratePerS: number
  /** requests (or sessions) at work */
  readonly active: number
  /** maxconn or max_conns; null = no limit */
  readonly maxActive: number | null
}

export interface Survivor {
  readonly id: string
  /** requests per second once the others have left */
  readonly ratePerS: number
  /** at work by then, if a request takes as long as it does now */
  readonly active: number
  /** what is left up to its limit, negative when it will not do; null = no limit */
  readonly headroom: number | null
}

/**
 * What each of the others will carry when some servers take no new work. Those that stay keep what they have, apart from the keys that a
 * hash gives to somebody else; the load of those that leave is spread as the algorithm spreads it, whatever the reason it is uneven now.
 * Not foreseen: clients bound to a server by a cookie or table, and that busier servers answer more slowly.
 */
export function survivorsOf(algorithm: Algorithm, servers: readonly LiveServer[], leaving: ReadonlySet<string>): Survivor[] {
  const total = servers.reduce((sum, server) => sum + server.active, 0)
  const after = servers.map((server) =>
    leaving.has(server.id) ? { ...server, weight: 0, keptWeight: server.weight || (server.keptWeight ?? 0) } : server,
  )
  const keys = sampleKeys(algorithm, sampleSize)
  const then = place(algorithm, after, keys, total)
  const rates = new Map(servers.map((server) => [server.id, 0]))
  const shift = (to: string | null, ratePerS: number): void => {
    if (to !== null) rates.set(to, (rates.get(to) ?? 0) + ratePerS)
  }
  if (isHash(algorithm)) {
    const now = place(algorithm, servers, keys, total)
    const keysOf = countOf(now)
    const rateOfKey = new Map(servers.map(({ id, ratePerS }) => [id, ratePerS / (keysOf.get(id) ?? 1)]))
    for (const [at, from] of now.entries()) shift(then[at] ?? null, (from !== null && rateOfKey.get(from)) || 0)
    // a server that has load and no key, one that was taken out a moment ago, keeps it unless it leaves
    for (const server of servers) if (!keysOf.has(server.id) && !leaving.has(server.id)) shift(server.id, server.ratePerS)
  } else {
    const shares = countOf(then)
    const freed = servers.filter(({ id }) => leaving.has(id)).reduce((sum, server) => sum + server.ratePerS, 0)
    for (const server of servers) {
      if (leaving.has(server.id)) continue
      shift(server.id, server.ratePerS + (freed * (shares.get(server.id) ?? 0)) / keys.length)
    }
  }
  return servers
    .filter(({ id }) => !leaving.has(id))
    .map((server) => survivorFrom(server, rates.get(server.id) ?? 0, secondsAtWork(servers)))
}

/** Little's law: what is at work is what comes per second, times how long it stays. */
function survivorFrom(server: LiveServer, ratePerS: number, poolSeconds: number): Survivor {
  const active = server.ratePerS > 0 ? (server.active / server.ratePerS) * ratePerS : server.active + poolSeconds * ratePerS
  return { id: server.id, ratePerS, active, headroom: server.maxActive === null ? null : server.maxActive - active }
}

function secondsAtWork(servers: readonly LiveServer[]): number {
  const ratePerS = servers.reduce((sum, server) => sum + server.ratePerS, 0)
  return ratePerS === 0 ? 0 : servers.reduce((sum, server) => sum + server.active, 0) / ratePerS
}

/** The part of the requests each server gets, of which `inFlight` are at work at a time (what least connections go by). */
export function sharesOf(
  algorithm: Algorithm,
  servers: readonly BalanceServer[],
  inFlight: number,
  keys: readonly string[] = sampleKeys(algorithm, sampleSize),
): Map<string, number> {
  const counts = countOf(place(algorithm, servers, keys, inFlight))
  return new Map(servers.map(({ id }) => [id, (counts.get(id) ?? 0) / keys.length]))
}

/** The part of the keys that another server gets after the change: caches that go cold, sessions that are lost. */
export function movedShareOf(
  algorithm: Algorithm,
  before: readonly BalanceServer[],
  after: readonly BalanceServer[],
  keys: readonly string[] = sampleKeys(algorithm, sampleSize),
): number {
  const then = place(algorithm, after, keys, 0)
  return place(algorithm, before, keys, 0).filter((id, at) => id !== then[at]).length / keys.length
}

/** Standard deviation divided by the mean: 0 when all are equal. */
export function coefficientOfVariation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return Math.sqrt(variance) / mean
}

const isHash = ({ kind }: Algorithm): boolean => kind.endsWith('-hash')

function place(
  algorithm: Algorithm,
  servers: readonly BalanceServer[],
  keys: readonly string[],
  inFlight: number,
): (string | null)[] {
  const simulation = createSimulation(algorithm, servers, inFlight)
  return keys.map((key) => simulation.place(key))
}

function countOf(ids: readonly (string | null)[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}
