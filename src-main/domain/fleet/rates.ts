import type { BalancerReading, PoolReading, ServerReading } from './reading.ts'

/** Per second, from two readings. Null: there is no earlier reading to compare with, or a counter started again in between. */
export interface ServerRates {
  sessionsPerS: number | null
  errorsPerS: number | null
}

export interface PoolRates {
  requestsPerS: number | null
  errorsPerS: number | null
  /** in the order of the reading's servers */
  servers: ServerRates[]
}

export interface BalancerRates {
  /** of the daemon as a whole, where it counts so (`BalancerReading.requests`) */
  requestsPerS: number | null
  /** in the order of the reading's pools */
  pools: PoolRates[]
}

export interface TimedReading {
  reading: BalancerReading
  /** when it was read, epoch milliseconds */
  at: number
}

const noServerRates: ServerRates = { sessionsPerS: null, errorsPerS: null }

/** Closer readings than this say more about the timing of the console than about the balancer. */
export const shortestIntervalMs = 100

/**
 * Rates of `now` compared with `before`. After a reload or restart (another pid, a shorter uptime) every counter started at zero
 * again, so nothing is said until the next reading; the same goes for a single counter that went backwards (`clear counters`).
 */
export function ratesBetween(before: TimedReading | null, now: TimedReading): BalancerRates {
  if (before === null || now.at - before.at < shortestIntervalMs || restarted(before.reading, now.reading)) {
    return { requestsPerS: null, pools: now.reading.pools.map(noPoolRates) }
  }
  const seconds = (now.at - before.at) / 1000
  const poolBefore = new Map(before.reading.pools.map((pool) => [poolKey(pool), pool]))
  return {
    requestsPerS: perSecond(before.reading.requests ?? null, now.reading.requests ?? null, seconds),
    pools: now.reading.pools.map((pool) => poolRates(poolBefore.get(poolKey(pool)), pool, seconds)),
  }
}

/** Another process answers than at the reading before. */
export function restarted(before: { pid: number | null; uptimeS: number | null }, now: typeof before): boolean {
  if (before.pid !== null && now.pid !== null && before.pid !== now.pid) return true
  return before.uptimeS !== null && now.uptimeS !== null && now.uptimeS < before.uptimeS
}

function poolRates(before: PoolReading | undefined, now: PoolReading, seconds: number): PoolRates {
  if (before === undefined) return noPoolRates(now)
  return {
    requestsPerS: perSecond(before.requests, now.requests, seconds),
    errorsPerS: perSecond(before.errors, now.errors, seconds),
    servers: now.servers.map((server, index) => serverRates(sameServer(before, server, index), server, seconds)),
  }
}

function noPoolRates(pool: PoolReading): PoolRates {
  return { requestsPerS: null, errorsPerS: null, servers: pool.servers.map(() => noServerRates) }
}

function serverRates(before: ServerReading | undefined, now: ServerReading, seconds: number): ServerRates {
  if (before === undefined) return noServerRates
  return {
    sessionsPerS: perSecond(before.totalSessions, now.totalSessions, seconds),
    errorsPerS: perSecond(before.errors, now.errors, seconds),
  }
}

/** Servers keep their order unless the configuration changed, so the place is tried before the search. */
function sameServer(pool: PoolReading, server: ServerReading, index: number): ServerReading | undefined {
  const there = pool.servers[index]
  return there?.name === server.name ? there : pool.servers.find((other) => other.name === server.name)
}

function perSecond(before: number | null, now: number | null, seconds: number): number | null {
  return before === null || now === null || now < before ? null : (now - before) / seconds
}

function poolKey(pool: PoolReading): string {
  return `${pool.mode}/${pool.name}`
}
