/** Time as the services see it, so that tests can move it. */
export interface Clock {
  /** milliseconds since the epoch; may jump when the machine's clock is set */
  now(): number
  /** milliseconds from an arbitrary start that never jump; for durations and back-off */
  monotonic(): number
  /** resolves after `ms`, or rejects with the signal's reason */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}
