import type { Series } from '#contract'

/** Figures that were read at `t` and stand until `endsAt`, or until the next reading if that comes first. */
export interface Reading {
  t: number
  endsAt: number
  figures: readonly (number | null)[]
}

/**
 * At most `points` buckets of equal width over [from, to). A bucket's figure is the average over the time within it for which
 * the figure is known, weighted by that time; a bucket in which nothing is known is null, which a chart shows as a gap.
 * `readings` are in order of `t`. Work: one step per reading and one per bucket it reaches into.
 */
export function downsample(
  readings: readonly Reading[],
  names: readonly string[],
  span: { from: number; to: number; points: number },
): Series {
  const widthMs = bucketWidthMs(span)
  const count = Math.max(0, Math.ceil((span.to - span.from) / widthMs))
  const sums = names.map(() => new Float64Array(count))
  const known = names.map(() => new Float64Array(count))

  readings.forEach((reading, index) => {
    const begin = Math.max(reading.t, span.from)
    const end = Math.min(reading.endsAt, readings[index + 1]?.t ?? Number.POSITIVE_INFINITY, span.to)
    for (let at = begin; at < end;) {
      const bucket = Math.floor((at - span.from) / widthMs)
      const until = Math.min(end, span.from + (bucket + 1) * widthMs)
      addTo(sums, known, bucket, until - at, reading.figures)
      at = until
    }
  })

  const values: Series['values'] = {}
  names.forEach((name, column) => {
    values[name] = Array.from({ length: count }, (_, bucket) => {
      const ms = known[column]?.[bucket] ?? 0
      return ms === 0 ? null : (sums[column]?.[bucket] ?? 0) / ms
    })
  })
  return { resolutionMs: widthMs, at: Array.from({ length: count }, (_, bucket) => span.from + bucket * widthMs), values }
}

export function bucketWidthMs({ from, to, points }: { from: number; to: number; points: number }): number {
  return Math.max(1, Math.ceil((to - from) / points))
}

function addTo(
  sums: readonly Float64Array[],
  known: readonly Float64Array[],
  bucket: number,
  ms: number,
  figures: readonly (number | null)[],
): void {
  figures.forEach((figure, column) => {
    const sum = sums[column]
    const time = known[column]
    if (figure === null || sum === undefined || time === undefined) return
    sum[bucket] = (sum[bucket] ?? 0) + figure * ms
    time[bucket] = (time[bucket] ?? 0) + ms
  })
}
