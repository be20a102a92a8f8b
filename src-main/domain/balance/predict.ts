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
  const inFlight = servers.reduce((sum, server) => sum + server.active, 0)
  const seconds = secondsAtWork(servers)
  const keys = sampleKeys(algorithm, sampleSize)
  const without = servers.map((server) =>
    leaving.has(server.id) ? { ...server, weight: 0, keptWeight: server.weight || (server.keptWeight ?? 0) } : server,
  )
  const then = place(algorithm, without, keys, inFlight)
  const gained = isHash(algorithm)
    ? gainedByKey(servers, place(algorithm, servers, keys, inFlight), then)
    : gainedByShare(servers, leaving, then)
  return servers
    .filter(({ id }) => !leaving.has(id))
    .map((server) => survivorFrom(server, server.ratePerS + (gained.get(server.id) ?? 0), seconds))
}

/** Each key takes its part of the rate along to where it goes, also from servers that stay. */
function gainedByKey(servers: readonly LiveServer[], now: Choices, then: Choices): Map<string, number> {
  const keysOf = countOf(now)
  const rateOfKey = new Map(servers.map(({ id, ratePerS }) => [id, ratePerS / (keysOf.get(id) ?? 1)]))
  const gained = new Map<string, number>()
  for (const [at, from] of now.entries()) {
    const to = then[at] ?? null
    const ratePerS = (from !== null && rateOfKey.get(from)) || 0
    if (from !== null) gained.set(from, (gained.get(from) ?? 0) - ratePerS)
    if (to !== null) gained.set(to, (gained.get(to) ?? 0) + ratePerS)
  }
  return gained
}

/** What the leaving set free goes to each in proportion to the new work it gets. */
function gainedByShare(servers: readonly LiveServer[], leaving: ReadonlySet<string>, then: Choices): Map<string, number> {
  const freed = servers.filter(({ id }) => leaving.has(id)).reduce((sum, server) => sum + server.ratePerS, 0)
  return new Map([...countOf(then)].map(([id, count]) => [id, (freed * count) / then.length]))
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

type Choices = readonly (string | null)[]

function place(algorithm: Algorithm, servers: readonly BalanceServer[], keys: readonly string[], inFlight: number): Choices {
  const simulation = createSimulation(algorithm, servers, inFlight)
  return keys.map((key) => simulation.place(key))
}

function countOf(ids: Choices): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}
