/*
 * What the nodes of the whole fleet say of addresses, so that a virtual router hears of those who have one of its own without being a
 * member. A link-layer address seen on the segment proves that; a kernel that has the address proves it where the node is at the same
 * site, since networks of different sites may use the same addresses.
 */
import { FLAPPING, type AddressOutsider, type AddressSighting, type InventoryNode, type NodeId, type SiteId } from '#contract'
import { canonicalAddress } from '../net/ip-address.ts'
import { isReadable, type NodeFacts } from './service-facts.ts'

export interface Segment {
  readonly nodesOf: ReadonlyMap<string, readonly NodeId[]>
  /** by canonical address: nodes whose kernel has it while no vrrp_instance of theirs does */
  readonly holders: ReadonlyMap<string, readonly { nodeId: NodeId; site: SiteId | null }[]>
  readonly sightings: ReadonlyMap<string, readonly Omit<AddressSighting, 'address' | 'nodeId'>[]>
}

export function segmentFrom(nodes: readonly InventoryNode[], factsOf: (nodeId: NodeId) => NodeFacts): Segment {
  const nodesOf = new Map<string, NodeId[]>()
  const holders = new Map<string, { nodeId: NodeId; site: SiteId | null }[]>()
  const sightings = new Map<string, Omit<AddressSighting, 'address' | 'nodeId'>[]>()
  for (const { id: nodeId, site = null } of nodes) {
    const { connection, services } = factsOf(nodeId)
    const service = services.find(({ kind }) => kind === 'keepalived')
    if (service?.reading?.kind !== 'keepalived' || service.readAt === null) continue
    const { segment, instances } = service.reading
    for (const mac of segment.macs) put(nodesOf, mac, nodeId)
    if (!isReadable(service, connection)) continue
    const own = new Set(instances.flatMap(({ addresses }) => addresses.map(canonicalAddress)))
    for (const address of segment.addresses) if (!own.has(address)) put(holders, address, { nodeId, site })
    for (const { address, mac, how, ageMs } of segment.sightings) {
      put(sightings, address, { mac, how, seenFrom: nodeId, at: service.readAt - ageMs })
    }
  }
  return { nodesOf, holders, sightings }
}

function put<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** Everything that a router with these addresses is to hear; text, so that it can be compared. */
export const newsAbout = ({ holders, sightings }: Segment, addresses: readonly string[]): string =>
  JSON.stringify(addresses.map(canonicalAddress).map((each) => each && [holders.get(each), sightings.get(each)]))

export function sightingsOf({ sightings, nodesOf }: Segment, addresses: readonly string[]): AddressSighting[] {
  return addresses.flatMap((address) =>
    (sightings.get(canonicalAddress(address) ?? '') ?? []).map((seen) => ({
      address,
      nodeId: nodesOf.get(seen.mac)?.[0] ?? null,
      ...seen,
    })),
  )
}

export interface RouterOnSegment {
  addresses: readonly string[]
  vrid: number
  members: readonly NodeId[]
  site: SiteId | null
  /** a member whose interfaces are not known may be anybody on the segment */
  allKnown: boolean
}

export function outsidersOf(segment: Segment, router: RouterOnSegment): AddressOutsider[] {
  const { addresses, members, site, allKnown } = router
  const found = new Map<string, AddressOutsider>()
  for (const address of addresses) {
    const canonical = canonicalAddress(address) ?? ''
    for (const { nodeId, site: its } of segment.holders.get(canonical) ?? []) {
      if (its === site && !members.includes(nodeId)) found.set(`${address} ${nodeId}`, { address, nodeId, mac: null })
    }
    for (const { mac } of allKnown ? (segment.sightings.get(canonical) ?? []) : []) {
      const nodes = segment.nodesOf.get(mac) ?? []
      if (isVirtualMac(mac, router.vrid) || nodes.some((nodeId) => members.includes(nodeId))) continue
      const nodeId = nodes[0] ?? null
      found.set(`${address} ${nodeId ?? mac}`, { address, nodeId, mac })
    }
  }
  return [...found.values()]
}

/** RFC 5798, 7.3: the link-layer address of the virtual router itself (keepalived's `use_vmac`). */
const isVirtualMac = (mac: string, vrid: number): boolean =>
  /^00:00:5e:00:0[12]:/.test(mac) && Number.parseInt(mac.slice(-2), 16) === vrid

/** Changes of the holder that still count, with one more when it is another than before. */
export function movesOf(before: readonly number[], moved: boolean, now: number): number[] {
  const recent = before.filter((at) => at > now - FLAPPING.withinMs)
  return moved ? [...recent, now] : recent
}
