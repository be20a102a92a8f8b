import type { Inventory, InventoryNode, NodeId } from '#contract'

/** Something in an inventory that its schema cannot see. `path` leads to the value, as in `['pairs', 0, 'nodes', 1]`. */
export interface InventoryFault {
  path: readonly (string | number)[]
  message: string
}

/** Which nodes an import would touch. */
export interface InventoryDiff {
  added: NodeId[]
  updated: NodeId[]
  removed: NodeId[]
  unchanged: NodeId[]
}

/** Checks what refers to what: ids are unique, sites and nodes exist, and a node is in one pair at most. */
export function faultsOf(inventory: Inventory): InventoryFault[] {
  const siteIds = new Set<string>(inventory.sites.map((site) => site.id))
  const nodeIds = new Set<string>(inventory.nodes.map((node) => node.id))
  return [
    ...duplicates(inventory.sites, 'sites', 'site'),
    ...duplicates(inventory.nodes, 'nodes', 'node'),
    ...duplicates(inventory.pairs, 'pairs', 'pair'),
    ...inventory.nodes.flatMap((node, index) =>
      node.site === undefined || siteIds.has(node.site)
        ? []
        : [{ path: ['nodes', index, 'site'], message: `there is no site "${node.site}" in sites` }],
    ),
    ...pairFaults(inventory, nodeIds),
  ]
}

function duplicates(entries: readonly { id: string }[], list: string, noun: string): InventoryFault[] {
  const first = new Map<string, number>()
  return entries.flatMap(({ id }, index) => {
    const earlier = first.get(id)
    if (earlier === undefined) {
      first.set(id, index)
      return []
    }
    return [{ path: [list, index, 'id'], message: `${noun} "${id}" is already defined at ${list}[${earlier}]` }]
  })
}

/** Pools and routers are named after their pair or, outside a pair, their node; so no pair may be called like a node. */
function pairFaults(inventory: Inventory, nodeIds: ReadonlySet<string>): InventoryFault[] {
  const faults: InventoryFault[] = []
  const pairOf = new Map<string, string>()
  inventory.pairs.forEach((pair, pairIndex) => {
    if (nodeIds.has(pair.id)) {
      faults.push({ path: ['pairs', pairIndex, 'id'], message: `"${pair.id}" is already the id of a node; choose another one` })
    }
    pair.nodes.forEach((nodeId, index) => {
      const path = ['pairs', pairIndex, 'nodes', index]
      const earlier = pairOf.get(nodeId)
      if (!nodeIds.has(nodeId)) faults.push({ path, message: `there is no node "${nodeId}" in nodes` })
      else if (earlier === pair.id) faults.push({ path, message: `node "${nodeId}" is listed twice in pair "${pair.id}"` })
      else if (earlier !== undefined) faults.push({ path, message: `node "${nodeId}" is already in pair "${earlier}"` })
      else pairOf.set(nodeId, pair.id)
    })
  })
  return faults
}

/** `before` with everything of `addition` put in, replacing what has the same id; the fleet's name is that of `addition`. */
export function merged(before: Inventory, addition: Inventory): Inventory {
  return {
    version: 1,
    fleet: addition.fleet,
    sites: mergedById(before.sites, addition.sites),
    nodes: mergedById(before.nodes, addition.nodes),
    pairs: mergedById(before.pairs, addition.pairs),
  }
}

function mergedById<T extends { id: string }>(before: readonly T[], addition: readonly T[]): T[] {
  const byId = new Map(before.map((entry) => [entry.id, entry]))
  for (const entry of addition) byId.set(entry.id, entry)
  return [...byId.values()]
}

export function diffOf(before: Inventory, after: Inventory): InventoryDiff {
  const old = new Map(before.nodes.map((node) => [node.id, node]))
  const kept = new Set(after.nodes.map((node) => node.id))
  const diff: InventoryDiff = { added: [], updated: [], removed: [], unchanged: [] }
  for (const node of after.nodes) {
    const was = old.get(node.id)
    if (was === undefined) diff.added.push(node.id)
    else if (sameNode(was, node)) diff.unchanged.push(node.id)
    else diff.updated.push(node.id)
  }
  diff.removed = before.nodes.filter((node) => !kept.has(node.id)).map((node) => node.id)
  return diff
}

/** Must the node be dialled and probed anew after this change? Its name and its site do not matter for that. */
export function reachedDifferently(before: InventoryNode, after: InventoryNode): boolean {
  return canonical([before.ssh, before.services ?? {}]) !== canonical([after.ssh, after.services ?? {}])
}

function sameNode(a: InventoryNode, b: InventoryNode): boolean {
  return canonical(a) === canonical(b)
}

/** JSON with sorted keys, so that the order in the file is no difference. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
