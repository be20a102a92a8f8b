/** The first wait is up to this long; each further failure doubles it up to `maxMs`. */
const firstMs = 1_000
const maxMs = 60_000

/**
 * Full jitter: anything between 0 and the doubled limit, so that a fleet which lost its uplink does not come back in step.
 * `failures` counts from 1; `random` is in [0, 1).
 */
export function backOffMs(failures: number, random: () => number): number {
  const limit = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 16))
  return Math.round(random() * limit)
}
