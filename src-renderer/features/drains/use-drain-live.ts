import { computed, onScopeDispose, shallowRef, watch } from 'vue'
import type { DrainView, NodeId, OutputOf, PoolId, ServerId } from '#contract'
import type { ChartMark } from '../../charts/chart-overlay.ts'
import type { ChartSeries } from '../../charts/chart-summary.ts'
import { placeKey, useDrainsStore } from '../../stores/drains.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { connectedOf, predictionErrorOf, sessionsOf, violationsOf } from './drain-figures.ts'

const colours = ['c-1', 'c-2', 'c-3'] as const
/** what was carried just before is part of the fall */
const beforeMs = 30_000
/** once empty, the line at zero is not interesting for long */
const afterMs = 60_000
const points = 240
const mostLines = 3

/** One drain while it goes on: the falling line, who is left, what happened. */
export function useDrainLive(drain: () => DrainView) {
  const fleet = useFleetStore()
  const drains = useDrainsStore()
  const nameOf = (id: NodeId) => fleet.nodes.get(id)?.name ?? id
  const past = shallowRef<ReadonlyMap<ServerId, OutputOf<'fleet.serverSeries'>>>(new Map())
  let stopped = false
  onScopeDispose(() => (stopped = true))

  /** The readings of before this window was open; afterwards every reading arrives with the drain. */
  async function readPast(): Promise<void> {
    const { id, places, createdAt, endedAt } = drain()
    const servers = [...new Set(places.map(({ serverId }) => serverId))].slice(0, mostLines)
    const span = { from: createdAt - beforeMs, to: endedAt ?? Date.now(), points }
    const read = await Promise.all(
      // Without it the line begins later; the figures beside it are complete.
      servers.map((server) =>
        fleet.serverSeries(server, span).then(
          (series) => [server, series] as const,
          () => null,
        ),
      ),
    )
    if (!stopped && drain().id === id) past.value = new Map(read.filter((one) => one !== null))
  }
  watch(
    () => drain().id,
    () => void readPast(),
    { immediate: true },
  )

  const series = computed<ChartSeries[]>(() => {
    const { id, places, createdAt, emptyAt, endedAt } = drain()
    const trail = drains.trailOf(id)
    const byNode = new Map<NodeId, { at: number; value: number | null }[][]>()
    for (const place of places) {
      const live = trail.get(placeKey(place)) ?? []
      const own = past.value.get(place.serverId)?.[place.nodeId]
      const firstLive = live[0]?.at ?? Number.POSITIVE_INFINITY
      const values = own?.values['sessions'] ?? []
      const earlier = (own?.at ?? []).flatMap((at, index) =>
        at < firstLive && at >= createdAt - beforeMs ? [{ at, value: values[index] ?? null }] : [],
      )
      byNode.set(place.nodeId, [...(byNode.get(place.nodeId) ?? []), [...earlier, ...live]])
    }
    const until = Math.min(endedAt ?? Number.POSITIVE_INFINITY, (emptyAt ?? Number.POSITIVE_INFINITY) + afterMs)
    return [...byNode].slice(0, mostLines).map(([nodeId, lines], index) => ({
      label: nameOf(nodeId),
      colour: colours[index % colours.length] ?? 'c-1',
      points: addUp(lines).filter(({ at }) => at <= until),
    }))
  })

  const marks = computed<ChartMark[]>(() => {
    const { title, createdAt, timeline } = drain()
    const again = timeline.filter(({ kind }) => kind === 'violated')
    return [
      { at: createdAt, kind: 'drain', label: title },
      ...again.map(({ at, text }) => ({ at, kind: 'violation', label: text })),
    ]
  })

  return {
    fleet,
    nameOf,
    poolOf: (id: PoolId) => fleet.pools.get(id)?.name ?? id,
    series,
    marks,
    hasLine: computed(() => series.value.some((line) => line.points.length > 2)),
    sessions: computed(() =>
      sessionsOf(
        drain()
          .places.filter(({ phase }) => phase !== 'gone')
          .map(({ left }) => left),
      ),
    ),
    /** what it carried when it began: the highest the line has been */
    most: computed(() =>
      series.value.reduce((total, line) => total + line.points.reduce((top, { value }) => Math.max(top, value ?? 0), 0), 0),
    ),
    connected: computed(() => connectedOf(drain().places)),
    violations: computed(() => violationsOf(drain().timeline)),
    prediction: computed(() => predictionErrorOf(drain())),
  }
}

/** Several servers of one drain on a balancer are one line: at each reading, the newest figure of every one of them. */
export function addUp(
  lines: readonly (readonly { at: number; value: number | null }[])[],
): { at: number; value: number | null }[] {
  const [only] = lines
  if (only === undefined) return []
  if (lines.length === 1) return [...only]
  const all = lines.flatMap((line, index) => line.map((point) => ({ ...point, index }))).sort((a, b) => a.at - b.at)
  const newest = new Map<number, number | null>()
  const sums: { at: number; value: number | null }[] = []
  for (const { at, value, index } of all) {
    newest.set(index, value)
    // Not before every server has been read once, or the line would rise from nothing.
    if (newest.size < lines.length) continue
    const values = [...newest.values()]
    const known = values.filter((each) => each !== null)
    const sum = known.length < values.length ? null : known.reduce((total, each) => total + each, 0)
    if (sums.at(-1)?.at === at) sums.pop()
    sums.push({ at, value: sum })
  }
  return sums
}
