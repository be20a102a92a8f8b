import type { InventorySite, NodeView, PairId, PoolView, RouterView, SiteId } from '#contract'

/** One card of the map: a pair with its nodes, or one node that belongs to none. */
export interface MapCard {
  id: string
  name: string
  nodes: NodeView[]
  pools: PoolView[]
  routers: RouterView[]
  isPair: boolean
}

export interface MapSite {
  id: SiteId | null
  name: string
  nodes: NodeView[]
  cards: MapCard[]
}

export interface MapParts {
  sites: readonly InventorySite[]
  pairs: readonly { id: PairId; name: string; nodes: readonly string[] }[]
  nodes: Iterable<NodeView>
  pools: Iterable<PoolView>
  routers: Iterable<RouterView>
}

/** Sites as columns in the inventory's order; nodes without a site come last. A pair stands in the site of its first node. */
export function mapFrom({ sites, pairs, nodes, pools, routers }: MapParts): MapSite[] {
  const byNode = new Map([...nodes].map((node) => [node.id as string, node]))
  const allPools = [...pools]
  const allRouters = [...routers]
  const inPair = new Set<string>()
  const columns = new Map<SiteId | null, MapSite>()
  for (const site of sites) columns.set(site.id, { id: site.id, name: site.name, nodes: [], cards: [] })

  const columnOf = (node: NodeView): MapSite => {
    const known = columns.get(node.site)
    if (known) return known
    const made: MapSite = { id: node.site, name: node.site ?? '', nodes: [], cards: [] }
    columns.set(node.site, made)
    return made
  }
  for (const node of byNode.values()) columnOf(node).nodes.push(node)

  for (const pair of pairs) {
    const members = pair.nodes.flatMap((id) => byNode.get(id) ?? [])
    const [first] = members
    if (!first) continue
    for (const member of members) inPair.add(member.id)
    columnOf(first).cards.push({
      id: `pair:${pair.id}`,
      name: pair.name,
      nodes: members,
      pools: allPools.filter((pool) => pool.pair === pair.id),
      routers: allRouters.filter((router) => router.pair === pair.id),
      isPair: true,
    })
  }
  for (const node of byNode.values()) {
    if (inPair.has(node.id)) continue
    columnOf(node).cards.push({
      id: `node:${node.id}`,
      name: node.name,
      nodes: [node],
      pools: allPools.filter((pool) => pool.pair === null && pool.nodes.includes(node.id)),
      routers: allRouters.filter(
        (router) => router.pair === null && router.members.some((member) => member.nodeId === node.id),
      ),
      isPair: false,
    })
  }
  return [...columns.values()].filter((site) => site.nodes.length > 0)
}
