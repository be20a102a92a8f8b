import type { DrainView, NodeId, NodeView, PoolView, ServerView } from '#contract'
import { compileFilter, type FilterFacts, type FilterQuery, type FilterTrait } from './filter-query.ts'
import { errorRateOf, isStale, queueOf, readAtOf, sessionsOf, weightOf, worstCheck } from './server-figures.ts'
import { calm, urgencyOf } from './state-order.ts'

/**
 * From the fleet to the rows of the Pools table: filter, group, sort, flatten. Pure, so that it can be tested and timed alone.
 *
 * Grouped by pool, the table has a section per set of balancers, since only pools of the same balancers share columns.
 * Grouped by address or site, one group may touch several sets of balancers: cells then carry the balancer's name themselves.
 */
export const groupings = ['pool', 'address', 'site'] as const
export type Grouping = (typeof groupings)[number]

export const sortKeys = ['worst', 'name', 'state', 'weight', 'sessions', 'queue', 'errors', 'check'] as const
export type SortKey = (typeof sortKeys)[number]
export interface Sort {
  readonly key: SortKey
  readonly descending: boolean
}
export const worstFirst: Sort = { key: 'worst', descending: false }

/** The part of the fleet that the table needs. */
export interface PoolFleet {
  readonly servers: readonly ServerView[]
  readonly pools: ReadonlyMap<string, PoolView>
  readonly nodes: ReadonlyMap<string, NodeView>
  readonly pairs: ReadonlyMap<string, { readonly name: string; readonly nodes: readonly NodeId[] }>
  readonly sites: ReadonlyMap<string, { readonly name: string }>
  /** drains in force, by the server they keep out */
  readonly drains: ReadonlyMap<string, Pick<DrainView, 'state' | 'owner' | 'reason'>>
  readonly pollMs: number
}

export interface SectionRow {
  readonly type: 'section'
  readonly key: string
  /** the pair's name, else the nodes' names */
  readonly title: string
  readonly site: string | null
  readonly nodes: readonly NodeId[]
  readonly pools: number
}

export interface GroupRow {
  readonly type: 'group'
  readonly key: string
  readonly title: string
  /** the pool itself when grouped by pool */
  readonly pool: PoolView | null
  readonly servers: readonly ServerView[]
  /** balancer columns; empty when cells carry their own names */
  readonly nodes: readonly NodeId[]
  readonly open: boolean
}

export interface ServerRow {
  readonly type: 'server'
  readonly key: string
  readonly server: ServerView
  readonly pool: PoolView
  readonly nodes: readonly NodeId[]
}

export type TableRow = SectionRow | GroupRow | ServerRow

export interface PoolTable {
  readonly rows: readonly TableRow[]
  readonly shownServers: readonly ServerView[]
  readonly shownPools: number
  /** widest set of balancers: the number of column groups */
  readonly columns: number
  readonly disagreeing: number
}

export interface TableView {
  readonly grouping: Grouping
  readonly sort: Sort
  readonly query: FilterQuery
  readonly collapsed: ReadonlySet<string>
  readonly now: number
}

const collator = new Intl.Collator('en', { numeric: true })

function factsOf(server: ServerView, pool: PoolView, fleet: PoolFleet, now: number): FilterFacts {
  const traits: FilterTrait[] = []
  if (server.disagrees) traits.push('disagrees')
  if (server.on.some((cell) => cell.backup)) traits.push('backup')
  const stale = (id: NodeId) => isStale(readAtOf(fleet.nodes.get(id), pool.kind), now, fleet.pollMs)
  if (server.on.some((cell) => stale(cell.nodeId))) traits.push('stale')
  const named = (id: string | null, name: string | undefined) => (id === null ? [] : name === undefined ? [id] : [id, name])
  return {
    name: server.name,
    address: server.address,
    state: server.state,
    pool: pool.name,
    pair: named(pool.pair, pool.pair === null ? undefined : fleet.pairs.get(pool.pair)?.name),
    site: named(pool.site, pool.site === null ? undefined : fleet.sites.get(pool.site)?.name),
    nodes: server.on.flatMap((cell) => named(cell.nodeId, fleet.nodes.get(cell.nodeId)?.name)),
    kind: pool.kind,
    drain: drainFacts(fleet.drains.get(server.id)),
    traits,
  }
}

/** `drain:open` for every one in force, its state, who keeps it out and why. */
function drainFacts(drain: Pick<DrainView, 'state' | 'owner' | 'reason'> | undefined): string[] {
  return drain === undefined ? [] : ['open', drain.state, drain.owner, drain.reason]
}

/** Unknown figures come last, whichever way the column is sorted. */
function compareFigures(a: number | null, b: number | null, descending: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return descending ? b - a : a - b
}

function figureOf(server: ServerView, key: SortKey): number | null {
  switch (key) {
    case 'weight': {
      const weight = weightOf(server)
      return weight === 'mixed' ? null : weight
    }
    case 'sessions':
      return sessionsOf(server)
    case 'queue':
      return queueOf(server)
    case 'errors':
      return errorRateOf(server)
    case 'check':
      return worstCheck(server)?.check?.durationMs ?? null
    case 'worst':
    case 'state':
      return urgencyOf(server)
    case 'name':
      return 0
  }
}

function sortServers(servers: readonly ServerView[], sort: Sort): ServerView[] {
  const keyed = servers.map((server) => ({ server, figure: figureOf(server, sort.key) }))
  const names = sort.key === 'name' && sort.descending ? -1 : 1
  keyed.sort(
    (a, b) => compareFigures(a.figure, b.figure, sort.descending) || names * collator.compare(a.server.name, b.server.name),
  )
  return keyed.map(({ server }) => server)
}

interface Group {
  readonly key: string
  readonly title: string
  readonly pool: PoolView | null
  readonly servers: ServerView[]
}

/** A group is as urgent as its worst server; between equals, the one with more of them comes first. */
function compareGroups(sort: Sort): (a: Group, b: Group) => number {
  const weighed = new Map<Group, { worst: number; count: number }>()
  const weigh = (group: Group) => {
    const known = weighed.get(group)
    if (known) return known
    const urgencies = group.servers.map(urgencyOf)
    const worst = urgencies.reduce((low, value) => Math.min(low, value), calm)
    const weight = { worst, count: urgencies.filter((value) => value === worst).length }
    weighed.set(group, weight)
    return weight
  }
  return (a, b) => {
    if (sort.key === 'worst') {
      const [left, right] = [weigh(a), weigh(b)]
      // many good servers are no reason to come first
      const byUrgency = left.worst - right.worst || (left.worst < calm ? right.count - left.count : 0)
      if (byUrgency !== 0) return byUrgency
    }
    return collator.compare(a.title, b.title)
  }
}

function groupKeyOf(server: ServerView, pool: PoolView, grouping: Grouping): string {
  if (grouping === 'pool') return pool.id
  if (grouping === 'address') return server.address
  return pool.site ?? ''
}

function balancersOf(pool: PoolView, fleet: PoolFleet): readonly NodeId[] {
  return (pool.pair === null ? undefined : fleet.pairs.get(pool.pair)?.nodes) ?? pool.nodes
}

interface Section {
  readonly key: string
  readonly title: string
  readonly site: string | null
  readonly nodes: readonly NodeId[]
  readonly groups: Group[]
}

function sectionsOf(groups: readonly Group[], fleet: PoolFleet): Section[] {
  const sections = new Map<string, Section>()
  for (const group of groups) {
    if (group.pool === null) continue
    const nodes = balancersOf(group.pool, fleet)
    const key = nodes.join('+')
    const section = sections.get(key)
    if (section) section.groups.push(group)
    else {
      const pair = group.pool.pair === null ? undefined : fleet.pairs.get(group.pool.pair)
      const title = pair?.name ?? nodes.map((id) => fleet.nodes.get(id)?.name ?? id).join(', ')
      const site = group.pool.site === null ? null : (fleet.sites.get(group.pool.site)?.name ?? group.pool.site)
      sections.set(key, { key, title, site, nodes, groups: [group] })
    }
  }
  // groups are already in order, so the section of the worst pool comes first
  return [...sections.values()]
}

/** Keys of headings hold a blank before any slash, which no server id does; a server row's key is the server's id. */
export const sectionKey = (key: string): string => `section ${key}`
export const groupKey = (key: string): string => `group ${key}`

export function buildPoolTable(fleet: PoolFleet, view: TableView): PoolTable {
  const matches = view.query.terms.length === 0 ? null : compileFilter(view.query)
  const groups = new Map<string, Group>()
  const shown: { server: ServerView; pool: PoolView }[] = []
  for (const server of fleet.servers) {
    const pool = fleet.pools.get(server.poolId)
    if (!pool || (matches && !matches(factsOf(server, pool, fleet, view.now)))) continue
    shown.push({ server, pool })
    const key = groupKeyOf(server, pool, view.grouping)
    const group = groups.get(key)
    if (group) group.servers.push(server)
    else {
      const title = view.grouping === 'pool' ? pool.name : view.grouping === 'site' ? (fleet.sites.get(key)?.name ?? key) : key
      groups.set(key, { key, title, pool: view.grouping === 'pool' ? pool : null, servers: [server] })
    }
  }
  const ordered = [...groups.values()].sort(compareGroups(view.sort))
  const rows: TableRow[] = []
  const addGroup = (group: Group, nodes: readonly NodeId[]) => {
    const key = groupKey(group.key)
    const open = !view.collapsed.has(key)
    const servers = sortServers(group.servers, view.sort)
    rows.push({ type: 'group', key, title: group.title, pool: group.pool, servers, nodes, open })
    if (!open) return
    for (const server of servers) {
      const pool = fleet.pools.get(server.poolId)
      if (pool) rows.push({ type: 'server', key: server.id, server, pool, nodes: nodes.length > 0 ? nodes : pool.nodes })
    }
  }
  if (view.grouping === 'pool') {
    for (const { groups: members, ...section } of sectionsOf(ordered, fleet)) {
      rows.push({ type: 'section', ...section, key: sectionKey(section.key), pools: members.length })
      for (const group of members) addGroup(group, section.nodes)
    }
  } else for (const group of ordered) addGroup(group, [])
  return {
    rows,
    shownServers: shown.map(({ server }) => server),
    shownPools: new Set(shown.map(({ pool }) => pool.id)).size,
    columns: rows.reduce((widest, row) => Math.max(widest, row.nodes.length), 1),
    disagreeing: shown.filter(({ server }) => server.disagrees).length,
  }
}
