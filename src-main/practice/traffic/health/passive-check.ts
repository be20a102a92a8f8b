import type { PassiveCheck } from '../traffic.ts'

/** fewer requests than this say nothing of a rate */
const fewestRequests = 5

/** For `PassiveCheck.ejects`: more than half of the recent requests failed. */
export const errorRateAboveHalf = (failed: number, requests: number): boolean =>
  requests >= fewestRequests && failed / requests > 0.5

/** the window moves by this part of itself */
const parts = 10

export interface TrafficWindow {
  passed(): void
  /** true: out with it */
  failed(): boolean
  /** what came before an ejection no longer counts */
  clear(): void
}

/** @param now the monotonic clock, milliseconds */
export function createTrafficWindow({ windowMs, ejects }: PassiveCheck, now: () => number): TrafficWindow {
  let recent: { part: number; failed: number; requests: number }[] = []
  const current = (): { failed: number; requests: number } => {
    const part = Math.floor((now() / windowMs) * parts)
    const last = recent.at(-1)
    if (last?.part === part) return last
    const next = { part, failed: 0, requests: 0 }
    recent = [...recent.filter((each) => each.part > part - parts), next]
    return next
  }
  return {
    passed() {
      current().requests += 1
    },
    failed() {
      const at = current()
      at.requests += 1
      at.failed += 1
      const sum = (of: 'failed' | 'requests'): number => recent.reduce((total, each) => total + each[of], 0)
      return ejects(sum('failed'), sum('requests'))
    },
    clear() {
      recent = []
    },
  }
}
