import { computed, onBeforeUnmount, onMounted, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { useFleetStore } from '../../stores/fleet.ts'
import { useJobsStore } from '../../stores/jobs.ts'
import { formatFigure } from '../../ui/format.ts'
import { chartNames, joinPoints, pointsFromSeries, pointsFromTotals, type ChartName, type SiteKey } from './chart-points.ts'

const SPAN_MS = 30 * 60_000
const POINTS = 180
const REFETCH_MS = 60_000
const colours = ['c-1', 'c-2', 'c-3'] as const
type Series = Awaited<ReturnType<ReturnType<typeof useFleetStore>['totalsSeries']>>

/** Series from the store of samples, extended by the totals of each round since, so that the line moves with every poll. */
export function useFleetCharts() {
  const { t } = useI18n()
  const fleet = useFleetStore()
  const jobs = useJobsStore()
  const past = shallowRef<Series>({})
  let timer: ReturnType<typeof setInterval> | undefined

  async function fetchPast() {
    try {
      const to = Date.now()
      past.value = await fleet.totalsSeries({ from: to - SPAN_MS, to, points: POINTS })
    } catch {
      // The chart then shows the rounds of this window only; the page's own region tells when main does not answer.
    }
  }
  onMounted(() => {
    void fetchPast()
    timer = setInterval(() => void fetchPast(), REFETCH_MS)
  })
  onBeforeUnmount(() => clearInterval(timer))

  /** A chart has three colours: the first three sites, the inventory's order. */
  const sites = computed<{ key: SiteKey; label: string }[]>(() => {
    const known = fleet.totals?.sites.map((one) => one.site) ?? []
    return known.slice(0, colours.length).map((site) => ({
      key: site,
      label: site === null ? t('overview.site.none') : site,
    }))
  })
  const marks = computed(() =>
    jobs.newestFirst
      .filter((job) => job.createdAt > fleet.now - SPAN_MS)
      .map((job) => ({ at: job.createdAt, kind: 'operation', label: job.title })),
  )
  const units: Record<ChartName, string> = {
    requests: 'overview.chart.perSecond',
    errors: 'overview.chart.perSecond',
    sessions: 'overview.chart.open',
    response: 'overview.chart.ms',
  }

  const charts = computed(() =>
    chartNames.map((name) => ({
      name,
      unit: t(units[name]),
      now: nowOf(name),
      marks: marks.value,
      series: sites.value.map(({ key, label }, index) => ({
        label,
        colour: colours[index] ?? 'c-1',
        points: joinPoints(
          pointsFromSeries(past.value, key, name),
          pointsFromTotals(fleet.recentTotals, key, name),
          fleet.at - SPAN_MS,
        ),
      })),
    })),
  )

  function nowOf(name: ChartName): string | null {
    const newest = fleet.totals
    if (!newest) return null
    const values = newest.sites.flatMap((one) => pointsFromTotals([newest], one.site, name)).flatMap(({ value }) => value ?? [])
    if (values.length === 0) return null
    // Response times of several sites have no sum: the slowest is what somebody feels.
    return formatFigure(name === 'response' ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0))
  }

  return { charts }
}
