/** One measured line. `points` are in order of time; a null value is a gap, never a zero. */
export interface ChartSeries {
  readonly label: string
  readonly colour: 'c-1' | 'c-2' | 'c-3'
  readonly points: readonly { readonly at: number; readonly value: number | null }[]
}

export interface SeriesSummary {
  readonly label: string
  readonly last: number | null
  readonly min: number | null
  readonly max: number | null
}

/** What a person who cannot see the lines is told of them. */
export function summariseSeries(series: readonly ChartSeries[]): SeriesSummary[] {
  return series.map(({ label, points }) => {
    let min: number | null = null
    let max: number | null = null
    let last: number | null = null
    for (const { value } of points) {
      last = value
      if (value === null) continue
      min = min === null ? value : Math.min(min, value)
      max = max === null ? value : Math.max(max, value)
    }
    return { label, last, min, max }
  })
}

/** Largest value of all lines and of the limit; 0 when there is none. */
export function topValue(series: readonly ChartSeries[], limit: number | undefined): number {
  return summariseSeries(series).reduce((top, { max }) => Math.max(top, max ?? 0), limit ?? 0)
}

/** First and last time of all lines, or null when there is not a single point. */
export function timeSpan(series: readonly ChartSeries[]): { from: number; to: number } | null {
  let from = Infinity
  let to = -Infinity
  for (const { points } of series) {
    const first = points[0]
    const last = points.at(-1)
    if (!first || !last) continue
    from = Math.min(from, first.at)
    to = Math.max(to, last.at)
  }
  return from <= to ? { from, to } : null
}
