import type { Series, Totals } from '#contract'

export const chartNames = ['requests', 'errors', 'sessions', 'response'] as const
export type ChartName = (typeof chartNames)[number]
export type SiteKey = Totals['sites'][number]['site']

export interface Point {
  at: number
  value: number | null
}

const fields = {
  requests: 'requestsPerS',
  errors: 'errorsPerS',
  sessions: 'sessions',
  response: 'responseMs',
} as const satisfies Record<ChartName, keyof Totals['sites'][number]>

/** One site's line of one chart from stored samples; these are keyed by site id, `` for nodes without a site. */
export function pointsFromSeries(series: Readonly<Record<string, Series>>, site: SiteKey, name: ChartName): Point[] {
  const one = series[site ?? '']
  const values = one?.values[fields[name]]
  if (!one || !values) return []
  return one.at.map((at, index) => ({ at, value: values[index] ?? null }))
}

export function pointsFromTotals(totals: readonly Totals[], site: SiteKey, name: ChartName): Point[] {
  return totals.map(({ at, sites }) => ({ at, value: sites.find((one) => one.site === site)?.[fields[name]] ?? null }))
}

/** Stored points first, then the rounds after the last of them. */
export function joinPoints(stored: readonly Point[], live: readonly Point[], since: number): Point[] {
  const last = stored.at(-1)?.at ?? 0
  return [...stored, ...live.filter((point) => point.at > last)].filter((point) => point.at >= since)
}
