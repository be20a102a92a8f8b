import type { PracticeClock } from '../../machine/machine.ts'
import type { LimitZone } from '../config/http-settings.ts'

export interface LimitVerdict {
  readonly allowed: boolean
  /** requests beyond the rate */
  readonly excess: number
  /** how long the request has to wait so that the rate is kept */
  readonly delayMs: number
}

/** The counts of a `limit_req_zone`, which all workers of all generations share. */
export interface LimitCounts {
  ask(key: string, burst: number): LimitVerdict
}

/** keys kept at most; the one unused for longest goes, as in a zone that is full */
const mostKeys = 16_000

/** nginx's leaky bucket (ngx_http_limit_req_module.c, 1.22.1): what comes beyond `burst` is refused and does not count. */
export function createLimitCounts({ perSecond }: Pick<LimitZone, 'perSecond'>, clock: PracticeClock): LimitCounts {
  const buckets = new Map<string, { excess: number; at: number }>()
  return {
    ask(key, burst) {
      const now = clock.monotonic()
      const bucket = buckets.get(key)
      const excess = bucket === undefined ? 0 : Math.max(0, bucket.excess - ((now - bucket.at) / 1000) * perSecond + 1)
      if (excess > burst) return { allowed: false, excess, delayMs: 0 }
      buckets.delete(key)
      buckets.set(key, { excess, at: now })
      const oldest = buckets.size > mostKeys ? buckets.keys().next().value : undefined
      if (oldest !== undefined) buckets.delete(oldest)
      return { allowed: true, excess, delayMs: (excess / perSecond) * 1000 }
    },
  }
}
