/*
 * Whether a node serves as well as before its configuration was changed. Compared are figures of two times: those of just before, and those
 * of now. Counters begin anew with the new process, so that errors are counted from reading to reading.
 */
import type { PushHealth, ServerState } from '#contract'
import type { ServiceReading } from '../fleet/reading.ts'

export interface PoolFigures {
  /** servers that take traffic */
  serving: number
  servers: number
  /** servers that take none because the file, or somebody, says so */
  out: number
  /** sessions that these may have at once; null = one of them has no limit */
  limit: number | null
  queue: number
}

export interface HealthFigures {
  pools: ReadonlyMap<string, PoolFigures>
  /** virtual addresses of its virtual routers, and whether it has them */
  addresses: ReadonlyMap<string, boolean>
  /** since the process began; null = not told */
  errors: number | null
  requests: number | null
}

export interface Rates {
  errors: number
  requests: number
  seconds: number
}

export interface Regression {
  metric: 'servers' | 'capacity' | 'queue' | 'errors' | 'address' | 'answers'
  subject: string
  before: number
  after: number
  /** a whole sentence */
  text: string
}

/** What would be a regression, but is meant. */
export interface Allowed {
  allowCapacityLoss: boolean
  allowVipMove: boolean
}

const takenOut: ReadonlySet<ServerState> = new Set<ServerState>(['draining', 'drained', 'maintenance'])
const serving: ReadonlySet<ServerState> = new Set<ServerState>(['up', 'warming', 'degraded', 'unchecked'])
/** Part of a pool's servers, or of the sessions they may have, that may go without a word. */
const leastCapacity = 0.75
const queueRoom = 10
const errorsAtLeast = 5
const errorShareRoom = 0.02

export function healthFigures(readings: readonly ServiceReading[]): HealthFigures {
  const pools = new Map<string, PoolFigures>()
  const addresses = new Map<string, boolean>()
  let errors: number | null = null
  let requests: number | null = null
  for (const reading of readings) {
    if (reading.kind === 'keepalived') {
      for (const { addresses: all, kernelAddresses } of reading.instances)
        for (const address of all) addresses.set(address, kernelAddresses.includes(address))
      continue
    }
    for (const pool of reading.pools) {
      const up = pool.servers.filter(({ state }) => serving.has(state))
      const limits = up.map(({ sessionLimit }) => sessionLimit)
      pools.set(`${reading.kind} ${pool.name}`, {
        serving: up.length,
        servers: pool.servers.length,
        out: pool.servers.filter(({ state }) => takenOut.has(state)).length,
        limit: limits.includes(null) ? null : limits.reduce<number>((sum, limit) => sum + (limit ?? 0), 0),
        queue: pool.servers.reduce((sum, { queue }) => sum + (queue ?? 0), 0),
      })
      if (pool.errors !== null) errors = (errors ?? 0) + pool.errors
      if (pool.requests !== null) requests = (requests ?? 0) + pool.requests
    }
  }
  return { pools, addresses, errors, requests }
}

/** What happened between two readings of one process; nothing where its counters began anew. */
export function ratesBetween(one: HealthFigures, other: HealthFigures, seconds: number): Rates {
  const errors = (other.errors ?? 0) - (one.errors ?? 0)
  const requests = (other.requests ?? 0) - (one.requests ?? 0)
  return errors < 0 || requests < 0 ? { errors: 0, requests: 0, seconds: 0 } : { errors, requests, seconds }
}

/** The worst that has become worse; null when nothing has. Pools that are gone were taken away on purpose. */
export function regressionOf(
  before: { figures: HealthFigures; rates: Rates },
  now: { figures: HealthFigures; rates: Rates },
  { allowCapacityLoss, allowVipMove }: Allowed,
): Regression | null {
  for (const [subject, was] of before.figures.pools) {
    const is = now.figures.pools.get(subject)
    if (is === undefined) continue
    const lost = failedOf(is) - failedOf(was)
    if (is.serving < was.serving && lost > 0) {
      return found(
        'servers',
        subject,
        was.serving,
        is.serving,
        `${is.serving} of ${is.servers} servers take traffic; before, ${was.serving} of ${was.servers} did`,
      )
    }
    if (allowCapacityLoss) continue
    if (is.serving < was.serving * leastCapacity) {
      return found('capacity', subject, was.serving, is.serving, `${is.serving} servers are left of ${was.serving}`)
    }
    if (is.limit !== null && was.serving > 0 && (was.limit === null ? is.limit === 0 : is.limit < was.limit * leastCapacity)) {
      const had = was.limit === null ? 'no limit' : `${was.limit}`
      return found(
        'capacity',
        subject,
        was.limit ?? 0,
        is.limit,
        `its servers may have ${is.limit} sessions at once; before: ${had}`,
      )
    }
  }
  for (const [subject, is] of now.figures.pools) {
    const was = before.figures.pools.get(subject)?.queue ?? 0
    if (is.queue > was * 2 + queueRoom)
      return found('queue', subject, was, is.queue, `${is.queue} requests wait; before, ${was} did`)
  }
  const [wasShare, isShare] = [shareOf(before.rates), shareOf(now.rates)]
  if (now.rates.errors >= errorsAtLeast && isShare > wasShare * 2 + errorShareRoom) {
    const perS = (rates: Rates): number => (rates.seconds === 0 ? 0 : Math.round((rates.errors / rates.seconds) * 10) / 10)
    return found(
      'errors',
      'all pools',
      perS(before.rates),
      perS(now.rates),
      `${perS(now.rates)} errors a second; before, ${perS(before.rates)}`,
    )
  }
  for (const [address, had] of allowVipMove ? [] : before.figures.addresses) {
    const has = now.figures.addresses.get(address) === true
    if (had && !has) return found('address', address, 1, 0, 'the node does not have this virtual address any more')
    if (has && !had) return found('address', address, 0, 1, 'the node has taken this virtual address over')
  }
  return null
}

/** The figures that are shown, over all pools. */
export function healthOf({ figures, rates }: { figures: HealthFigures; rates: Rates }): PushHealth {
  const pools = [...figures.pools.values()]
  const sum = (of: (pool: PoolFigures) => number): number => pools.reduce((total, pool) => total + of(pool), 0)
  const perS = (count: number, counter: number | null): number | null =>
    counter === null || rates.seconds === 0 ? null : count / rates.seconds
  return {
    serving: sum(({ serving: up }) => up),
    servers: sum(({ servers }) => servers),
    queue: sum(({ queue }) => queue),
    requestRate: perS(rates.requests, figures.requests),
    errorRate: perS(rates.errors, figures.errors),
  }
}

const failedOf = ({ servers, out, serving: up }: PoolFigures): number => servers - out - up

const shareOf = ({ errors, requests }: Rates): number => (errors === 0 ? 0 : errors / Math.max(requests, errors))

const found = (metric: Regression['metric'], subject: string, before: number, after: number, what: string): Regression => ({
  metric,
  subject,
  before,
  after,
  text: `${subject}: ${what}.`,
})
