import type { DrillRecord, DrillTrend } from '#contract'

/** What the drills say of each address, newest first; a drill that is not over says nothing yet. */
export function trendOf(drills: readonly DrillRecord[]): DrillTrend[] {
  const trends = new Map<string, DrillTrend>()
  for (const { id, plan, createdAt, verdict, figures, prediction } of drills) {
    if (verdict === null) continue
    const key = `${plan.router} ${plan.probe.host}`
    const trend = trends.get(key) ?? { router: plan.router, host: plan.probe.host, lastProvenAt: null, runs: [] }
    trends.set(key, trend)
    if (verdict === 'proven' && prediction.moves) trend.lastProvenAt ??= createdAt
    const outages = figures.flatMap(({ outageMs }) => outageMs ?? [])
    trend.runs.push({
      drill: id,
      at: createdAt,
      fault: plan.fault.kind,
      verdict,
      outageMs: outages.length === 0 ? null : Math.max(...outages),
      predicted: prediction.outage,
    })
  }
  return [...trends.values()]
}
