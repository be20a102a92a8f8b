import type { Figures } from './traffic.ts'

/** weight of the newest value in the recent averages */
const newest = 1 / 32

type TimeName = keyof Figures['times']

/** The figures, for those who count. A class, since a practice fleet has 25 000 of them. */
export class Counters implements Figures {
  sessions = 0
  mostSessions = 0
  totalSessions = 0
  queue = 0
  mostQueue = 0
  bytesIn = 0
  bytesOut = 0
  requests = 0
  responses: Figures['responses'] = [0, 0, 0, 0, 0, 0]
  requestErrors = 0
  denied = 0
  connectionErrors = 0
  responseErrors = 0
  clientAborts = 0
  serverAborts = 0
  retries = 0
  redispatches = 0
  chosen = 0
  lastSessionAt: number | null = null
  mostSessionsPerSecond = 0
  readonly times: Record<TimeName, number | null> = { queueMs: null, connectMs: null, responseMs: null, totalMs: null }
  readonly #now: () => number
  // Two whole seconds are kept; the last second is estimated from both, as HAProxy's freq_ctr does.
  #second = 0
  #inSecond = 0
  #before = 0

  /** @param now the monotonic clock, milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  sessionsPerSecond(): number {
    this.#turn()
    return Math.round(this.#before * (1 - (this.#now() / 1000 - this.#second)) + this.#inSecond)
  }

  open(): void {
    this.#turn()
    this.#inSecond += 1
    this.mostSessionsPerSecond = Math.max(this.mostSessionsPerSecond, this.#inSecond)
    this.totalSessions += 1
    this.sessions += 1
    this.mostSessions = Math.max(this.mostSessions, this.sessions)
    this.lastSessionAt = this.#now()
  }

  close(): void {
    this.sessions -= 1
  }

  wait(): void {
    this.queue += 1
    this.mostQueue = Math.max(this.mostQueue, this.queue)
  }

  waited(): void {
    this.queue -= 1
  }

  answered(status: number): void {
    const place = Math.floor(status / 100) - 1
    const slot = place >= 0 && place < 5 ? place : 5
    this.responses[slot as 0 | 1 | 2 | 3 | 4 | 5] += 1
  }

  time(name: TimeName, ms: number): void {
    const average = this.times[name]
    this.times[name] = average === null ? ms : average + (ms - average) * newest
  }

  #turn(): void {
    const current = Math.floor(this.#now() / 1000)
    if (current === this.#second) return
    this.#before = current === this.#second + 1 ? this.#inSecond : 0
    this.#inSecond = 0
    this.#second = current
  }
}
