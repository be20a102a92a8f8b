/**
 * The fleet as the window sees it, from what was read on every node.
 *
 * Work follows change: pools and routers are kept per owner (a pair, or a node outside any pair), and an owner whose services were
 * not read again is taken over as it is. Within an owner, what did not change stays the same object, so a delta is found by
 * identity. The caller keeps `ServiceFacts` identical while they are unchanged.
 */
import type {
  ConnectionView,
  Inventory,
  InventoryNode,
  InventoryPair,
  InventorySite,
  NodeId,
  NodeView,
  PairId,
  Problem,
  SiteId,
  Totals,
} from '#contract'
import { nodeFindings, poolFindings, problemsFrom, routerFindings, type EndedOperation, type Finding } from './problems.ts'
import { poolsOf, type PoolsView } from './pools.ts'
import { routersOf, type RouterOwner, type RouterSource, type TrackedRouter } from './routers.ts'
import { newsAbout, segmentFrom, type Segment } from './segment.ts'
import { isReadable, type NodeFacts, type ServiceFacts, type ServiceOnNode } from './service-facts.ts'
import { totalsOf } from './totals.ts'

export interface Fleet {
  readonly name: string
  readonly pollMs: number
  readonly paused: boolean
  readonly sites: readonly InventorySite[]
  readonly pairs: readonly InventoryPair[]
  readonly nodes: readonly NodeView[]
  readonly owners: ReadonlyMap<string, OwnerView>
  readonly problems: readonly Problem[]
  readonly totals: Totals
}

/** Everything that is named after one pair or lone node. */
export interface OwnerView extends PoolsView {
  readonly routers: readonly TrackedRouter[]
  readonly findings: readonly Finding[]
  /** what this was made from; the same inputs give the same view */
  readonly inputs: readonly unknown[]
}

export interface FleetContext {
  now: number
  pollMs: number
  paused: boolean
  /** operations that ended lately, in any order */
  operations: readonly EndedOperation[]
}

const neverConnected: ConnectionView = { state: 'idle', since: 0, error: null, attempts: 0, retryAt: null, roundTripMs: null }
const nothingKnown: NodeFacts = { connection: neverConnected, probed: false, services: [] }

export function fleetFrom(
  inventory: Inventory,
  facts: ReadonlyMap<NodeId, NodeFacts>,
  previous: Fleet | null,
  context: FleetContext,
): Fleet {
  const factsOf = (nodeId: NodeId): NodeFacts => facts.get(nodeId) ?? nothingKnown
  const pairOf = new Map(inventory.pairs.flatMap((pair) => pair.nodes.map((nodeId) => [nodeId, pair.id] as const)))
  const oldNodes = new Map(previous?.nodes.map((node) => [node.id, node]))
  const nodes = inventory.nodes.map((node) =>
    nodeView(node, pairOf.get(node.id) ?? null, factsOf(node.id), oldNodes.get(node.id)),
  )
  const segment = segmentFrom(inventory.nodes, factsOf)
  const owners = new Map<string, OwnerView>()
  for (const [ownerId, members] of membersByOwner(inventory.nodes, pairOf)) {
    const pair = pairOf.get(members[0]?.id ?? ('' as NodeId)) ?? null
    const owner = { id: ownerId, pair, site: commonSite(members) }
    owners.set(ownerId, ownerView(owner, members, factsOf, segment, previous?.owners.get(ownerId) ?? null, context.now))
  }
  const findings = [...nodes.flatMap(nodeFindings), ...[...owners.values()].flatMap((owner) => owner.findings)]
  return {
    name: inventory.fleet,
    pollMs: context.pollMs,
    paused: context.paused,
    sites: inventory.sites,
    pairs: inventory.pairs,
    nodes,
    owners,
    problems: problemsFrom(findings, previous?.problems ?? [], context.operations, context.now),
    totals: totalsOf(inventory, factsOf, context.now, previous?.totals ?? null),
  }
}

/** Nodes by the pair they are in, or alone. In the order of the inventory. */
function membersByOwner(nodes: readonly InventoryNode[], pairOf: ReadonlyMap<NodeId, PairId>): Map<string, InventoryNode[]> {
  const members = new Map<string, InventoryNode[]>()
  for (const node of nodes) {
    const owner = pairOf.get(node.id) ?? node.id
    const known = members.get(owner)
    if (known === undefined) members.set(owner, [node])
    else known.push(node)
  }
  return members
}

function nodeView(node: InventoryNode, pair: PairId | null, facts: NodeFacts, previous: NodeView | undefined): NodeView {
  const view: NodeView = {
    id: node.id,
    name: node.name,
    site: node.site ?? null,
    pair,
    address: node.ssh.host,
    production: node.production ?? false,
    connection: facts.connection,
    services: facts.services.map((service) => ({
      kind: service.kind,
      version: service.version,
      readAt: service.readAt,
      error: service.error,
      uptimeS: service.reading?.uptimeS ?? null,
      workers: service.reading === null || service.reading.kind === 'keepalived' ? [] : service.reading.workers,
      costMs: service.costMs,
      costBytes: service.costBytes,
    })),
  }
  return previous !== undefined && JSON.stringify(previous) === JSON.stringify(view) ? previous : view
}

function ownerView(
  owner: RouterOwner,
  members: readonly InventoryNode[],
  factsOf: (nodeId: NodeId) => NodeFacts,
  segment: Segment,
  previous: OwnerView | null,
  now: number,
): OwnerView {
  const services: ServiceOnNode[] = []
  const sources: RouterSource[] = []
  const addresses = previous?.routers.flatMap((router) => router.view.addresses) ?? []
  const inputs: unknown[] = [owner.pair, owner.site, newsAbout(segment, addresses)]
  for (const { id: nodeId } of members) {
    const { connection, probed, services: found } = factsOf(nodeId)
    const onNode = found.map((facts) => ({ nodeId, facts, readable: isReadable(facts, connection) }))
    services.push(...onNode)
    const vrrp = onNode.find((service) => service.facts.kind === 'keepalived') ?? null
    if (vrrp !== null || !probed) sources.push({ nodeId, vrrp })
    inputs.push(nodeId, probed, ...onNode.flatMap((service): [ServiceFacts, boolean] => [service.facts, service.readable]))
  }
  if (previous !== null && sameInputs(previous.inputs, inputs)) return previous
  const pools = poolsOf(owner, services, previous)
  const routers = routersOf(owner, sources, segment, previous?.routers ?? [], now)
  const findings = [...routers.flatMap((router) => routerFindings(router.view)), ...poolFindings(pools)]
  return { ...pools, routers, findings, inputs }
}

function commonSite(members: readonly InventoryNode[]): SiteId | null {
  const sites = new Set(members.map((member) => member.site ?? null))
  const [site] = sites
  return sites.size === 1 && site !== undefined ? site : null
}

function sameInputs(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
