import { Failure } from './failure.ts'
import type { Claim, Lease, LivePool } from './pool.ts'
import type { LiveServer } from './server.ts'

export interface Reached<Result> {
  readonly lease: Lease
  readonly result: Result
  readonly retries: number
  readonly redispatched: boolean
}

/**
 * Finds a server that takes the work, over the pool's retries and redispatches. A failed attempt counts against its server. Rejects with the
 * last Failure; nothing is leased then.
 * @param attempt `isLast`: no other follows
 * @param mayRetry whether a server that was reached and failed may be followed by another attempt
 */
export async function reach<Result>(
  pool: LivePool,
  claim: Claim,
  attempt: (server: LiveServer, isLast: boolean) => Promise<Result>,
  mayRetry: (failure: Failure) => boolean,
): Promise<Reached<Result>> {
  const { spec, figures } = pool
  const tried = new Set<string>()
  let only: string | null = null
  let redispatched = false
  for (let retries = 0; ; retries += 1) {
    const lease = await pool.claim(claim, { only, avoid: only === null ? tried : new Set() })
    const { server } = lease
    if (retries > 0 && !tried.has(server.spec.id)) {
      redispatched = true
      for (const counters of [figures, server.figures]) counters.redispatches += 1
    }
    tried.add(server.spec.id)
    try {
      return { lease, result: await attempt(server, retries >= spec.retries), retries, redispatched }
    } catch (thrown) {
      lease.release()
      if (!(thrown instanceof Failure) || thrown.reason === 'client') throw thrown
      countFailure(pool, server, thrown)
      if (claim.signal.aborted) throw new Failure('client')
      if (retries >= spec.retries || !mayRetry(thrown)) throw thrown
      for (const counters of [figures, server.figures]) counters.retries += 1
      const elsewhere = spec.redispatch === 'always' || (spec.redispatch === 'last' && retries + 1 === spec.retries)
      only = elsewhere ? null : server.spec.id
      if (only !== null) await pool.turnAround(claim.signal)
    }
  }
}

function countFailure({ figures }: LivePool, server: LiveServer, { reason }: Failure): void {
  const connecting = reason === 'connect' || reason === 'connect-timeout'
  for (const counters of [figures, server.figures]) {
    if (connecting) counters.connectionErrors += 1
    else counters.responseErrors += 1
  }
  server.failed()
}
