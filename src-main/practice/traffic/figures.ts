import type { Figures } from './traffic.ts'

/** weight of the newest value in the recent averages */
const newest = 1 / 32

type TimeName = keyof Figures['times']

/** The counters behind `Figures`, for those who count. */
export interface Counters extends Figures {
  open(): void
  close(): void
  wait(): void
  waited(): void
  answered(status: number): void
  time(name: TimeName, ms: number): void
}

/** @param now the monotonic clock, milliseconds */
export function createCounters(now: () => number): Counters {
  // Two whole seconds are kept; the last second is estimated from both, as HAProxy's freq_ctr does.
  let second = 0
  let inSecond = 0
  let before = 0
  const turn = (): number => {
    const at = now()
    const current = Math.floor(at / 1000)
    if (current !== second) {
      before = current === second + 1 ? inSecond : 0
      inSecond = 0
      second = current
    }
    return before * (1 - (at - current * 1000) / 1000) + inSecond
  }
  const times: Record<TimeName, number | null> = { queueMs: null, connectMs: null, responseMs: null, totalMs: null }
  const counters: Counters = {
    sessions: 0,
    mostSessions: 0,
    totalSessions: 0,
    queue: 0,
    mostQueue: 0,
    bytesIn: 0,
    bytesOut: 0,
    requests: 0,
    responses: [0, 0, 0, 0, 0, 0],
    requestErrors: 0,
    denied: 0,
    connectionErrors: 0,
    responseErrors: 0,
    clientAborts: 0,
    serverAborts: 0,
    retries: 0,
    redispatches: 0,
    chosen: 0,
    lastSessionAt: null,
    times,
    mostSessionsPerSecond: 0,
    sessionsPerSecond: () => Math.round(turn()),
    open() {
      turn()
      inSecond += 1
      counters.mostSessionsPerSecond = Math.max(counters.mostSessionsPerSecond, inSecond)
      counters.totalSessions += 1
      counters.sessions += 1
      counters.mostSessions = Math.max(counters.mostSessions, counters.sessions)
      counters.lastSessionAt = now()
    },
    close() {
      counters.sessions -= 1
    },
    wait() {
      counters.queue += 1
      counters.mostQueue = Math.max(counters.mostQueue, counters.queue)
    },
    waited() {
      counters.queue -= 1
    },
    answered(status) {
      const place = Math.floor(status / 100) - 1
      const slot = place >= 0 && place < 5 ? place : 5
      counters.responses[slot as 0 | 1 | 2 | 3 | 4 | 5] += 1
    },
    time(name, ms) {
      const average = times[name]
      times[name] = average === null ? ms : average + (ms - average) * newest
    },
  }
  return counters
}
