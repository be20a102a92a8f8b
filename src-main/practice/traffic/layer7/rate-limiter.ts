/** Whether one more request of this key is allowed now. */
export type RateLimiter = (key: string) => boolean

/** keys kept at most; those with a full bucket are forgotten first, as they need no memory */
const mostKeys = 10_000

/**
 * A token bucket for each client: `burst` at once, `perSecond` over time. The route of a service asks it and answers 429.
 * @param now the monotonic clock, milliseconds
 */
export function createRateLimiter({ perSecond, burst }: { perSecond: number; burst: number }, now: () => number): RateLimiter {
  const buckets = new Map<string, { tokens: number; at: number }>()
  const tokensOf = ({ tokens, at }: { tokens: number; at: number }): number =>
    Math.min(burst, tokens + ((now() - at) / 1000) * perSecond)
  return (key) => {
    const bucket = buckets.get(key)
    const tokens = bucket === undefined ? burst : tokensOf(bucket)
    const allowed = tokens >= 1
    buckets.delete(key)
    buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now() })
    for (const [oldest, each] of buckets) {
      if (buckets.size <= mostKeys && tokensOf(each) < burst) break
      if (oldest === key) break
      buckets.delete(oldest)
    }
    return allowed
  }
}
