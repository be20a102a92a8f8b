import { computed, ref, shallowRef } from 'vue'
import type { AdminState, ServerId, ServerView } from '#contract'
import { useDrainsStore } from '../../stores/drains.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { useHostStore } from '../../stores/host.ts'
import { useSelectionStore } from '../../stores/selection.ts'
import { useOperate } from '../drains/use-operate.ts'
import { buildPoolTable, worstFirst, type Grouping, type PoolFleet, type Sort, type SortKey } from './pool-rows.ts'
import { keepExisting, type RowSelection } from './row-selection.ts'
import { obstacleTo } from './server-actions.ts'
import type { Filter } from './use-filter.ts'

/** State of the Pools page: what is shown, what is selected, what can be done. Drawing is left to the components. */
export function usePoolsPage(filter: Filter) {
  const fleet = useFleetStore()
  const drains = useDrainsStore()
  const act = useOperate()
  const selectionStore = useSelectionStore()
  const host = useHostStore()
  const grouping = ref<Grouping>('pool')
  const sort = shallowRef<Sort>(worstFirst)
  const collapsed = shallowRef<ReadonlySet<string>>(new Set())

  const poolFleet = computed<PoolFleet>(() => ({
    servers: [...fleet.servers.values()],
    pools: fleet.pools,
    nodes: fleet.nodes,
    pairs: new Map(fleet.pairs.map((pair) => [pair.id, pair])),
    sites: new Map(fleet.sites.map((site) => [site.id, site])),
    drains: drains.openByServer,
    pollMs: fleet.pollMs,
  }))
  // The clock ticks every second; only `is:stale` depends on it, so only that query makes the rows follow it.
  const asksAge = computed(() => filter.query.value.terms.some((term) => term.key === 'is'))
  const table = computed(() =>
    buildPoolTable(poolFleet.value, {
      grouping: grouping.value,
      sort: sort.value,
      query: filter.query.value,
      collapsed: collapsed.value,
      now: asksAge.value ? fleet.now : fleet.at,
    }),
  )

  const cursor = ref<string | null>(null)
  const anchor = ref<string | null>(null)
  const shownIds = computed(() => new Set<string>(table.value.shownServers.map((server) => server.id)))
  const rowKeys = computed(() => table.value.rows.map((row) => row.key))
  const serverKeys = computed(() => table.value.rows.flatMap((row) => (row.type === 'server' ? [row.key] : [])))
  const allKeys = computed(() => new Set(rowKeys.value))

  /** What is filtered out or gone is not acted on: nothing is changed that cannot be seen. */
  const selection = computed<RowSelection>(() =>
    keepExisting(
      { selected: selectionStore.servers, cursor: cursor.value, anchor: anchor.value },
      (key) => shownIds.value.has(key) || allKeys.value.has(key),
    ),
  )
  const selectedServers = computed<ServerView[]>(() =>
    table.value.shownServers.filter((server) => selection.value.selected.has(server.id)),
  )

  function select(next: RowSelection): void {
    const ids = [...next.selected].filter((key): key is ServerId => shownIds.value.has(key))
    selectionStore.set(ids)
    cursor.value = next.cursor
    anchor.value = next.anchor
  }

  const poolOf = (server: ServerView) => fleet.pools.get(server.poolId)
  const drainOf = (server: ServerView) => drains.openByServer.get(server.id)
  const obstacle = (state: AdminState, servers: readonly ServerView[] = selectedServers.value) =>
    obstacleTo(state, servers, poolOf, host.isViewer, drainOf)

  return {
    fleet,
    grouping,
    sort,
    table,
    selection,
    selectedServers,
    rowKeys,
    serverKeys,
    select,
    obstacle,
    poolOf,
    /** Opens the sheet with the plan; nothing happens when an obstacle stands in the way. */
    operate(state: AdminState, servers: readonly ServerView[] = selectedServers.value) {
      if (obstacle(state, servers) !== null) return
      act(
        servers.map((server) => server.id),
        state,
      )
    },
    sortBy(key: SortKey) {
      const numeric = key !== 'name' && key !== 'state'
      sort.value = sort.value.key === key ? { key, descending: !sort.value.descending } : { key, descending: numeric }
    },
    resetSort() {
      sort.value = worstFirst
    },
    setOpen(key: string, open: boolean) {
      const next = new Set(collapsed.value)
      if (open) next.delete(key)
      else next.add(key)
      collapsed.value = next
    },
  }
}

export type PoolsPage = ReturnType<typeof usePoolsPage>
