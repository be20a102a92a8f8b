import type { AdminState, NodeView, PoolView, ServerView } from '#contract'

export type PaletteKind = 'page' | 'node' | 'pool' | 'server' | 'command'

export interface PaletteEntry {
  key: string
  kind: PaletteKind
  label: string
  detail: string
  run: () => void
}

export interface Match {
  entries: PaletteEntry[]
  /** how many matched beyond those */
  more: number
}

export interface FleetParts {
  nodes: Iterable<NodeView>
  pools: ReadonlyMap<string, PoolView>
  servers: Iterable<ServerView>
}

export interface FleetActions {
  go: (path: string, query: Record<string, string>) => void
  plan: (server: ServerView, state: AdminState) => void
  /** words the operation, e.g. `Drain web07` */
  operation: (server: ServerView, state: AdminState) => string
}

const adminStates: readonly AdminState[] = ['drain', 'maint', 'ready']

/** Every node, pool and server, and every operation that the pool allows. Generated lazily: a fleet may have 10 000 servers. */
export function* fleetEntries({ nodes, pools, servers }: FleetParts, actions: FleetActions): Generator<PaletteEntry> {
  for (const node of nodes) {
    yield entry('node', node.id, node.name, node.address, () => actions.go('/nodes', { node: node.id }))
  }
  for (const pool of pools.values()) {
    yield entry('pool', pool.id, pool.name, pool.pair ?? pool.nodes.join(', '), () => actions.go('/pools', { pool: pool.id }))
  }
  for (const server of servers) {
    const pool = pools.get(server.poolId)
    const detail = `${server.address}  ${pool?.name ?? ''}  ${pool?.pair ?? pool?.nodes.join(', ') ?? ''}`
    yield entry('server', server.id, server.name, detail, () => actions.go('/pools', { server: server.id }))
    if (!pool?.can.setState) continue
    for (const state of adminStates) {
      const label = actions.operation(server, state)
      yield entry('command', `${state}:${server.id}`, label, detail, () => actions.plan(server, state))
    }
  }
}

const entry = (kind: PaletteKind, id: string, label: string, detail: string, run: () => void): PaletteEntry => ({
  key: `${kind}:${id}`,
  kind,
  label,
  detail,
  run,
})

/** Every word of the query must occur; a label that begins with the query comes first, then a label that contains it. */
export function matchEntries(entries: Iterable<PaletteEntry>, query: string, limit: number): Match {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const ranked: { entry: PaletteEntry; rank: number }[] = []
  for (const one of entries) {
    const label = one.label.toLowerCase()
    const whole = `${label} ${one.detail.toLowerCase()}`
    if (!words.every((word) => whole.includes(word))) continue
    const first = words[0] ?? ''
    ranked.push({
      entry: one,
      rank: label === words.join(' ') ? 0 : label.startsWith(first) ? 1 : label.includes(first) ? 2 : 3,
    })
  }
  ranked.sort((a, b) => a.rank - b.rank)
  return { entries: ranked.slice(0, limit).map(({ entry }) => entry), more: Math.max(0, ranked.length - limit) }
}
