import type { RateSource } from '../config/condition.ts'
import type { StickTable } from '../config/settings.ts'

/** A stick table that counts requests: `store http_req_rate(period)`, filled by `http-request track-sc0 src`. */
export interface RateTable extends RateSource {
  track(address: string): void
  clear(address?: string): void
  entries(): { key: string; rate: number; expiresAt: number }[]
}

interface Counter {
  /** requests in the running period and in the one before it */
  now: number
  before: number
  /** when the running period began */
  since: number
  expiresAt: number
}

/** @param now the monotonic clock, milliseconds */
export function createRateTable({ size, expireMs, ratePeriodMs }: StickTable, now: () => number): RateTable {
  const period = ratePeriodMs ?? 1000
  const counters = new Map<string, Counter>()

  function turn(counter: Counter): number {
    const passed = Math.floor((now() - counter.since) / period)
    if (passed > 0) {
      counter.before = passed === 1 ? counter.now : 0
      counter.now = 0
      counter.since += passed * period
    }
    // As HAProxy's freq_ctr: what is left of the former period counts in proportion.
    return Math.floor(counter.now + counter.before * (1 - (now() - counter.since) / period))
  }

  function prune(): void {
    for (const [key, { expiresAt }] of counters) if (expiresAt <= now()) counters.delete(key)
  }

  return {
    rateOf(address) {
      const counter = counters.get(address)
      return counter === undefined ? 0 : turn(counter)
    },
    track(address) {
      let counter = counters.get(address)
      if (counter === undefined) {
        if (counters.size >= size) prune()
        if (counters.size >= size) return
        counters.set(address, (counter = { now: 0, before: 0, since: now(), expiresAt: 0 }))
      }
      turn(counter)
      counter.now += 1
      counter.expiresAt = now() + expireMs
    },
    clear(address) {
      if (address === undefined) counters.clear()
      else counters.delete(address)
    },
    entries() {
      prune()
      return [...counters].map(([key, counter]) => ({ key, rate: turn(counter), expiresAt: counter.expiresAt }))
    },
  }
}
