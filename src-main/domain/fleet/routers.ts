/**
 * Virtual routers, and who holds their addresses.
 *
 * The kernel is believed, not the daemon: a killed keepalived leaves its addresses behind, a stopped one still says MASTER.
 * Nodes are read at different moments, so two readings alone prove neither two holders nor none: an ordinary failover between
 * them looks the same. Each member therefore remembers since when its kernel has answered what it answers now; split brain and no
 * owner are said once these spans overlap, which takes one reading more. Until then the verdict is `unknown`. An address behind a dead
 * daemon stays where it is, so that it is a zombie at once, and also beside the member that has taken over.
 */
import type { NodeId, PairId, RouterId, RouterMember, RouterVerdict, RouterView, SiteId } from '#contract'
import type { InstanceReading, VrrpReading } from './reading.ts'
import { movesOf, outsidersOf, sightingsOf, type Segment } from './segment.ts'
import type { ServiceOnNode } from './service-facts.ts'

/** One node that should take part; `vrrp` is null where it is not known yet whether keepalived is there. */
export interface RouterSource {
  readonly nodeId: NodeId
  readonly vrrp: ServiceOnNode | null
}

/** What a member's kernel has been answering, over which readings. */
interface Span {
  readonly held: boolean
  readonly from: number
  readonly to: number
  /** since when the address is here although keepalived says that it is not MASTER */
  readonly oddSince: number | null
}

/** A router with the memory that its next verdict needs. */
export interface TrackedRouter {
  readonly view: RouterView
  readonly spans: ReadonlyMap<NodeId, Span>
  /** of the last verdict that was not `unknown`; null before the first */
  readonly holders: string | null
}

/** Whose routers they are. */
export interface RouterOwner {
  readonly id: string
  readonly pair: PairId | null
  readonly site: SiteId | null
}

interface Group {
  id: RouterId
  first: InstanceReading
  instances: Map<NodeId, InstanceReading>
}

/** The routers of one pair (or lone node). `previous` is the answer of the last call. */
export function routersOf(
  owner: RouterOwner,
  sources: readonly RouterSource[],
  segment: Segment,
  previous: readonly TrackedRouter[],
  now: number,
): TrackedRouter[] {
  const before = new Map(previous.map((router) => [router.view.id, router]))
  return groupsOf(owner.id, sources).map((group) =>
    trackedRouter(group, owner, sources, segment, before.get(group.id) ?? null, now),
  )
}

/**
 * Instances of one router carry the same VRID and name on every member. A name may differ where an administrator was careless;
 * then a shared address tells that they belong together.
 */
function groupsOf(owner: string, sources: readonly RouterSource[]): Group[] {
  const groups: Group[] = []
  for (const { nodeId, vrrp } of sources) {
    const reading = vrrp?.facts.reading
    if (reading?.kind !== 'keepalived') continue
    for (const instance of reading.instances) {
      const group = groups.find((each) => !each.instances.has(nodeId) && belongsTo(each.first, instance))
      if (group !== undefined) group.instances.set(nodeId, instance)
      else {
        const plain = `${owner}/${instance.name}`
        const id = groups.some((each) => each.id === plain) ? `${plain}#${instance.vrid}` : plain
        groups.push({ id: id as RouterId, first: instance, instances: new Map([[nodeId, instance]]) })
      }
    }
  }
  return groups
}

function belongsTo(one: InstanceReading, other: InstanceReading): boolean {
  if (one.vrid !== other.vrid) return false
  return one.name === other.name || one.addresses.some((address) => other.addresses.includes(address))
}

function trackedRouter(
  group: Group,
  { pair, site }: RouterOwner,
  sources: readonly RouterSource[],
  segment: Segment,
  previous: TrackedRouter | null,
  now: number,
): TrackedRouter {
  const members: RouterMember[] = []
  const spans = new Map<NodeId, Span>()
  let unread = false
  for (const { nodeId, vrrp } of sources) {
    const instance = group.instances.get(nodeId)
    const reading = vrrp?.facts.reading
    if (vrrp === null || !vrrp.readable || vrrp.facts.readAt === null || reading?.kind !== 'keepalived') {
      unread = true
      members.push(unreadMember(nodeId, instance))
    } else if (instance !== undefined) {
      members.push(readMember(nodeId, instance, reading, vrrp.facts.readAt))
      spans.set(nodeId, nextSpan(previous?.spans.get(nodeId), instance, vrrp.facts.readAt))
    }
  }
  const { addresses, vrid } = group.first
  const dead = deadHoldersOf(members, spans)
  const holders = holdersOf(spans, dead)
  const allKnown = sources.every(({ vrrp }) => vrrp !== null && vrrp.facts.reading !== null)
  const outsiders = outsidersOf(segment, { addresses, vrid, members: [...group.instances.keys()], site, allKnown })
  const verdict = verdictOf({ spans, holders, dead, unread, isDuplicate: outsiders.length > 0 })
  const known = verdict === 'unknown' ? (previous?.holders ?? null) : holders.join(' ')
  const moved = previous !== null && previous.holders !== null && previous.holders !== known
  const view: RouterView = {
    id: group.id,
    name: group.first.name,
    vrid,
    pair,
    addresses,
    holders,
    verdict,
    verdictSince: previous?.view.verdict === verdict ? previous.view.verdictSince : now,
    members,
    sightings: sightingsOf(segment, addresses),
    outsiders,
    moves: movesOf(previous?.view.moves ?? [], moved, now),
  }
  return { view, spans, holders: known }
}

function nextSpan(previous: Span | undefined, instance: InstanceReading, at: number): Span {
  const held = instance.kernelAddresses.length > 0
  const odd = held && instance.state !== null && instance.state !== 'MASTER'
  return {
    held,
    from: previous?.held === held ? previous.from : at,
    to: at,
    oddSince: odd ? (previous?.oddSince ?? at) : null,
  }
}

/** Members that have the address and will not give it up: their daemon does not run, or says that it is not MASTER. */
function deadHoldersOf(members: readonly RouterMember[], spans: ReadonlyMap<NodeId, Span>): NodeId[] {
  return [...spans].flatMap(([nodeId, span]) => {
    const stopped = members.some((member) => member.nodeId === nodeId && member.daemonRunning === false)
    // Within one reading the daemon's word and the kernel's are some milliseconds apart: only a second one proves it.
    const contradicts = span.oddSince !== null && span.oddSince < span.to
    return span.held && (stopped || contradicts) ? [nodeId] : []
  })
}

/** Members that have the address, without those of the living whose claim is older than another one's taking over. */
function holdersOf(spans: ReadonlyMap<NodeId, Span>, dead: readonly NodeId[]): NodeId[] {
  const held = [...spans].filter(([, span]) => span.held)
  const newest = Math.max(...held.map(([, span]) => span.from))
  return held.filter(([nodeId, span]) => span.to >= newest || dead.includes(nodeId)).map(([nodeId]) => nodeId)
}

interface Findings {
  spans: ReadonlyMap<NodeId, Span>
  holders: readonly NodeId[]
  dead: readonly NodeId[]
  unread: boolean
  isDuplicate: boolean
}

function verdictOf({ spans, holders, dead, unread, isDuplicate }: Findings): RouterVerdict {
  if (holders.filter((nodeId) => !dead.includes(nodeId)).length > 1) return 'split-brain'
  if (isDuplicate) return 'duplicate'
  if (dead.length > 0) return 'zombie'
  // An older claim of another member may be a failover seen from two moments, or the second holder: its next reading tells.
  if (holders.length > 0) return [...spans.values()].filter((span) => span.held).length > 1 ? 'unknown' : 'held'
  if (unread || spans.size === 0) return 'unknown'
  const lastLost = Math.max(...[...spans.values()].map((span) => span.from))
  return [...spans.values()].every((span) => span.to >= lastLost) ? 'no-owner' : 'unknown'
}

function readMember(nodeId: NodeId, instance: InstanceReading, reading: VrrpReading, readAt: number): RouterMember {
  return {
    nodeId,
    state: instance.state,
    wantState: instance.wantState,
    configuredPriority: instance.configuredPriority,
    effectivePriority: instance.effectivePriority,
    kernelAddresses: instance.kernelAddresses,
    kernelReadAt: readAt,
    daemonReadAt: reading.daemonAnswered ? readAt - reading.daemonAgeMs : null,
    daemonRunning: reading.running,
    interface: instance.interface,
    advertIntMs: instance.advertIntMs,
    nopreempt: instance.nopreempt,
    lastTransition: instance.lastTransition,
    tracked: instance.tracked,
    counters: instance.counters,
  }
}

/** Configuration that was read once is still shown; what can change by itself is not. */
function unreadMember(nodeId: NodeId, last: InstanceReading | undefined): RouterMember {
  return {
    nodeId,
    state: null,
    wantState: last?.wantState ?? null,
    configuredPriority: last?.configuredPriority ?? null,
    effectivePriority: null,
    kernelAddresses: [],
    kernelReadAt: null,
    daemonReadAt: null,
    daemonRunning: null,
    interface: last?.interface ?? '',
    advertIntMs: last?.advertIntMs ?? null,
    nopreempt: last?.nopreempt ?? null,
    lastTransition: last?.lastTransition ?? null,
    tracked: [],
    counters: {},
  }
}
