import { computed, onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import type { NodeId, OutputOf, ServerId, ServerView, StateSpan } from '#contract'
import type { ChartMark } from '../../charts/chart-overlay.ts'
import type { ChartSeries } from '../../charts/chart-summary.ts'
import { createCallState } from '../../stores/call-state.ts'
import { useDrainsStore } from '../../stores/drains.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { useJobsStore } from '../../stores/jobs.ts'
import { readAtOf } from './server-figures.ts'

const spanMs = 60 * 60_000
const points = 180
const refreshMs = 10_000
const colours = ['c-1', 'c-2', 'c-3'] as const

interface Past {
  readonly server: ServerId
  readonly from: number
  readonly to: number
  readonly states: readonly StateSpan[]
  readonly series: OutputOf<'fleet.serverSeries'>
}

/** A server and its last hour, read again every ten seconds while the drawer is open. */
export function useServerDrawer(id: Ref<string>) {
  const fleet = useFleetStore()
  const jobs = useJobsStore()
  const drains = useDrainsStore()
  const server = computed<ServerView | undefined>(() => fleet.servers.get(id.value as ServerId))
  const pool = computed(() => (server.value ? fleet.pools.get(server.value.poolId) : undefined))
  const past = shallowRef<Past | null>(null)
  const reading = createCallState()
  let stopped = false

  async function read(): Promise<void> {
    const wanted = server.value?.id
    if (wanted === undefined || reading.busy.value) return
    const to = Date.now()
    const from = to - spanMs
    await reading.run(async () => {
      const [states, series] = await Promise.all([
        fleet.serverStates(wanted, { from, to }),
        fleet.serverSeries(wanted, { from, to, points }),
      ])
      if (id.value === wanted) past.value = { server: wanted, from, to, states, series }
    })
    // another server was opened meanwhile
    if (!stopped && id.value !== wanted) await read()
  }

  watch(id, () => {
    past.value = null
    void read()
  })
  watch(
    () => fleet.at,
    (at) => {
      if (past.value === null || at - past.value.to >= refreshMs) void read()
    },
  )
  void read()
  onScopeDispose(() => (stopped = true))

  const balancers = computed(() =>
    (server.value?.on ?? []).map((cell) => {
      const node = fleet.nodes.get(cell.nodeId)
      const readAt = pool.value ? readAtOf(node, pool.value.kind) : null
      return { cell, node, name: node?.name ?? cell.nodeId, readAt, stale: fleet.isStale(readAt) }
    }),
  )
  const nameOf = (nodeId: string) => fleet.nodes.get(nodeId as NodeId)?.name ?? nodeId

  /** One line per balancer of one figure, in the balancers' order, from the first reading on: a young console has no hour to show. */
  function chart(figure: string): ChartSeries[] {
    const series = past.value?.series ?? {}
    return (pool.value?.nodes ?? []).flatMap((nodeId, index) => {
      const own = series[nodeId]
      const values = own?.values[figure]
      const colour = colours[index % colours.length]
      if (!own || !values || !colour) return []
      const points = own.at.map((at, each) => ({ at, value: values[each] ?? null }))
      const first = points.findIndex(({ value }) => value !== null)
      return [{ label: nameOf(nodeId), colour, points: first < 0 ? [] : points.slice(first) }]
    })
  }

  const marks = computed<ChartMark[]>(() => {
    const shown = past.value
    const wanted = server.value?.id
    if (!shown || wanted === undefined) return []
    return jobs.newestFirst
      .filter((job) => job.servers.includes(wanted) && job.createdAt >= shown.from && job.createdAt <= shown.to)
      .map((job) => ({ at: job.createdAt, kind: 'drain', label: job.title }))
  })

  return {
    fleet,
    server,
    pool,
    drain: computed(() => (server.value ? drains.openByServer.get(server.value.id) : undefined)),
    past,
    error: reading.error,
    balancers,
    nameOf,
    marks,
    charts: computed(() => {
      const all = [
        { key: 'sessions', unit: '', stepped: true, series: chart('sessions') },
        { key: 'rate', unit: '/s', stepped: false, series: chart('rate') },
        { key: 'errors', unit: '/s', stepped: false, series: chart('errorRate') },
      ] as const
      return all.filter(({ series }) => series.some((line) => line.points.length > 1))
    }),
    /** the smallest limit that any balancer enforces */
    limit: computed(() => {
      const limits = (server.value?.on ?? []).flatMap((cell) => cell.sessionLimit ?? [])
      return limits.length === 0 ? undefined : Math.min(...limits)
    }),
    states: computed(() =>
      balancers.value.map(({ cell, name }) => ({
        nodeId: cell.nodeId,
        name,
        spans: past.value?.states.filter((span) => span.nodeId === cell.nodeId) ?? [],
      })),
    ),
    others: computed(() =>
      [...fleet.servers.values()]
        .filter((each) => each.id !== id.value && each.address === server.value?.address)
        .map((each) => ({ server: each, pool: fleet.pools.get(each.poolId) })),
    ),
    retry: read,
  }
}
