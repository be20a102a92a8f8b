import * as v from 'valibot'
import { ErrorCode } from './errors.ts'
import { EpochMs, NodeId, PairId, PoolId, RouterId, ServerId, SiteId } from './ids.ts'
import { InventoryPair, InventorySite } from './inventory.ts'

/**
 * A server's state in the console's words (docs/words). The daemon's own word is always shown beside it.
 * Ordered from worst to best is a matter of `domain/fleet/state.ts`, not of this list.
 */
export const serverStates = [
  'up',
  'warming',
  'degraded',
  'down',
  'draining',
  'drained',
  'maintenance',
  'unchecked',
  'unknown',
] as const
export const ServerState = v.picklist(serverStates)
export type ServerState = v.InferOutput<typeof ServerState>

export const ServiceKind = v.picklist(['haproxy', 'nginx', 'keepalived'])
export type ServiceKind = v.InferOutput<typeof ServiceKind>

/** One worker process. Old workers keep serving their sessions after a reload until those end. */
export const Worker = v.strictObject({
  pid: v.number(),
  generation: v.picklist(['current', 'old']),
  /** open sessions or connections, null where the daemon does not say */
  sessions: v.nullable(v.number()),
  uptimeS: v.nullable(v.number()),
})
export type Worker = v.InferOutput<typeof Worker>

/** One daemon on one node. `readAt` is the age of every fact that came from it. */
export const ServiceView = v.strictObject({
  kind: ServiceKind,
  version: v.string(),
  /** time of the last successful read; null when there was none yet */
  readAt: v.nullable(EpochMs),
  /** why the last read failed; null when it succeeded */
  error: v.nullable(v.strictObject({ code: ErrorCode, message: v.string(), since: EpochMs })),
  uptimeS: v.nullable(v.number()),
  workers: v.array(Worker),
  /** what the last round cost: wall time and bytes over SSH */
  costMs: v.nullable(v.number()),
  costBytes: v.nullable(v.number()),
})
export type ServiceView = v.InferOutput<typeof ServiceView>

export const ConnectionState = v.picklist(['idle', 'connecting', 'connected', 'waiting', 'refused'])

/** How the node is reached now. `waiting` = will try again at `retryAt`; `refused` = will not try again without the operator. */
export const ConnectionView = v.strictObject({
  state: ConnectionState,
  since: EpochMs,
  error: v.nullable(v.strictObject({ code: ErrorCode, message: v.string(), details: v.record(v.string(), v.unknown()) })),
  attempts: v.number(),
  retryAt: v.nullable(EpochMs),
  roundTripMs: v.nullable(v.number()),
})
export type ConnectionView = v.InferOutput<typeof ConnectionView>

export const NodeView = v.strictObject({
  id: NodeId,
  name: v.string(),
  site: v.nullable(SiteId),
  pair: v.nullable(PairId),
  address: v.string(),
  production: v.boolean(),
  connection: ConnectionView,
  services: v.array(ServiceView),
})
export type NodeView = v.InferOutput<typeof NodeView>

/** What one balancer says of one server. The age is that of the service it came from. */
export const ServerOnBalancer = v.strictObject({
  nodeId: NodeId,
  state: ServerState,
  /** the daemon's own word, e.g. `UP 1/3`, `DRAIN (agent)`, `down`, `backup` */
  word: v.string(),
  weight: v.nullable(v.number()),
  backup: v.boolean(),
  sessions: v.nullable(v.number()),
  /** maxconn / max_conns; null = no limit */
  sessionLimit: v.nullable(v.number()),
  queue: v.nullable(v.number()),
  /** new sessions per second, as the daemon reports it or from two readings */
  rate: v.nullable(v.number()),
  /** connection and response errors per second, from two readings */
  errorRate: v.nullable(v.number()),
  /** sessions since the daemon started */
  totalSessions: v.nullable(v.number()),
  /** HAProxy's srv_admin_state, decimal bits; null elsewhere */
  adminState: v.nullable(v.number()),
  check: v.nullable(
    v.strictObject({ status: v.string(), code: v.nullable(v.number()), durationMs: v.nullable(v.number()), text: v.string() }),
  ),
  /** when the state last changed, by the daemon's own clock where it says, else as the console saw it */
  since: v.nullable(EpochMs),
})
export type ServerOnBalancer = v.InferOutput<typeof ServerOnBalancer>

/** One member of a pool, on every balancer that has it. */
export const ServerView = v.strictObject({
  id: ServerId,
  poolId: PoolId,
  name: v.string(),
  /** `address:port`, `unix:/path`, or the host name as configured when unresolved */
  address: v.string(),
  /** the worst state that is true on any balancer; `unknown` only when none can be read */
  state: ServerState,
  /** balancers that can be read do not agree */
  disagrees: v.boolean(),
  on: v.array(ServerOnBalancer),
})
export type ServerView = v.InferOutput<typeof ServerView>

export const PoolView = v.strictObject({
  id: PoolId,
  name: v.string(),
  kind: v.picklist(['haproxy', 'nginx']),
  mode: v.picklist(['http', 'tcp']),
  /** the daemon's word: `roundrobin`, `leastconn`, `ip_hash`, … */
  algorithm: v.string(),
  site: v.nullable(SiteId),
  pair: v.nullable(PairId),
  nodes: v.array(NodeId),
  /** what the console can do to a server here; the window offers only this */
  can: v.strictObject({ setState: v.boolean() }),
})
export type PoolView = v.InferOutput<typeof PoolView>

/** keepalived is asked when something says that its word may have changed, and otherwise this often: each time it writes to the node's log. */
export const DAEMON_WORD_MAX_AGE_MS = 30_000

/** What one member says of a virtual router, by each source. */
export const RouterMember = v.strictObject({
  nodeId: NodeId,
  /** keepalived's word: INIT, BACKUP, MASTER, FAULT; null when it cannot be read */
  state: v.nullable(v.picklist(['INIT', 'BACKUP', 'MASTER', 'FAULT'])),
  wantState: v.nullable(v.string()),
  configuredPriority: v.nullable(v.number()),
  effectivePriority: v.nullable(v.number()),
  /** virtual addresses the kernel really has on this node, read with `ip -j addr` */
  kernelAddresses: v.array(v.string()),
  /** null: the kernel could not be asked */
  kernelReadAt: v.nullable(EpochMs),
  /** older than the kernel's by up to `DAEMON_WORD_MAX_AGE_MS` */
  daemonReadAt: v.nullable(EpochMs),
  daemonRunning: v.nullable(v.boolean()),
  interface: v.string(),
  advertIntMs: v.nullable(v.number()),
  nopreempt: v.nullable(v.boolean()),
  lastTransition: v.nullable(EpochMs),
  tracked: v.array(
    v.strictObject({
      kind: v.picklist(['script', 'file', 'interface', 'process']),
      name: v.string(),
      weight: v.nullable(v.number()),
      status: v.string(),
    }),
  ),
  counters: v.record(v.string(), v.number()),
})
export type RouterMember = v.InferOutput<typeof RouterMember>

/** `duplicate`: somebody who is no member has the address; `zombie`: a member keeps it whose keepalived is dead or not MASTER. */
export const RouterVerdict = v.picklist(['held', 'split-brain', 'no-owner', 'duplicate', 'zombie', 'unknown'])
export type RouterVerdict = v.InferOutput<typeof RouterVerdict>

/** Who answers for a virtual address on the segment, as another node sees it. */
export const AddressSighting = v.strictObject({
  address: v.string(),
  /** link-layer address, lower case */
  mac: v.string(),
  /** whose interface that is; null: no node's that was read */
  nodeId: v.nullable(NodeId),
  seenFrom: NodeId,
  /** `arp`: asked by broadcast, every answer counts; `neighbour`: what that node's kernel uses and has confirmed lately */
  how: v.picklist(['arp', 'neighbour']),
  at: EpochMs,
})
export type AddressSighting = v.InferOutput<typeof AddressSighting>

/** Somebody outside a virtual router who has one of its addresses. At least one of node and link-layer address is known. */
export const AddressOutsider = v.strictObject({
  address: v.string(),
  nodeId: v.nullable(NodeId),
  mac: v.nullable(v.string()),
})
export type AddressOutsider = v.InferOutput<typeof AddressOutsider>

/** So many changes of the holder within this time are flapping: more than a failover and its way back, done twice. */
export const FLAPPING = { moves: 5, withinMs: 5 * 60_000 } as const

export const RouterView = v.strictObject({
  id: RouterId,
  name: v.string(),
  vrid: v.number(),
  pair: v.nullable(PairId),
  addresses: v.array(v.string()),
  /** nodes whose kernel has at least one of the addresses: the truth about who holds them */
  holders: v.array(NodeId),
  verdict: RouterVerdict,
  verdictSince: EpochMs,
  members: v.array(RouterMember),
  /** what other nodes of the segment say, newest reading of each */
  sightings: v.array(AddressSighting),
  outsiders: v.array(AddressOutsider),
  /** when the holder changed within the time of FLAPPING, oldest first */
  moves: v.array(EpochMs),
})
export type RouterView = v.InferOutput<typeof RouterView>

/** One line of "what is wrong", worst first. `text` is assembled in the window from `kind` and `data` (two languages). */
export const Problem = v.strictObject({
  id: v.string(),
  severity: v.picklist(['critical', 'warning', 'info']),
  kind: v.picklist([
    'split-brain',
    'no-owner',
    'duplicate-address',
    'zombie-vip',
    'vip-flapping',
    'pool-empty',
    'servers-down',
    'server-degraded',
    'balancers-disagree',
    'node-unreachable',
    'host-key',
    'service-unreadable',
  ]),
  data: v.record(v.string(), v.union([v.string(), v.number(), v.array(v.string())])),
  nodes: v.array(NodeId),
  pool: v.nullable(PoolId),
  router: v.nullable(RouterId),
  since: EpochMs,
  /** the newest operation that ended within 15 min before `since`, as one line; null = nothing by Evenkeel */
  changedBefore: v.nullable(v.strictObject({ jobId: v.string(), title: v.string(), at: EpochMs })),
})
export type Problem = v.InferOutput<typeof Problem>

/** Totals of the newest round, per site; the Overview's charts extend with them. */
export const Totals = v.strictObject({
  at: EpochMs,
  sites: v.array(
    v.strictObject({
      site: v.nullable(SiteId),
      requestsPerS: v.nullable(v.number()),
      errorsPerS: v.nullable(v.number()),
      sessions: v.nullable(v.number()),
      responseMs: v.nullable(v.number()),
    }),
  ),
})
export type Totals = v.InferOutput<typeof Totals>

export const FleetSnapshot = v.strictObject({
  /** number of the last delta contained in this snapshot */
  seq: v.number(),
  at: EpochMs,
  fleet: v.string(),
  /** how often every node is read; figures older than three of these are stale */
  pollMs: v.number(),
  paused: v.boolean(),
  sites: v.array(InventorySite),
  pairs: v.array(InventoryPair),
  nodes: v.array(NodeView),
  pools: v.array(PoolView),
  servers: v.array(ServerView),
  routers: v.array(RouterView),
  problems: v.array(Problem),
  totals: Totals,
})
export type FleetSnapshot = v.InferOutput<typeof FleetSnapshot>

/** What changed since delta `seq - 1`. Whole entities replace those of the same id; `removed` lists ids that are gone. */
export const FleetDelta = v.strictObject({
  seq: v.number(),
  at: EpochMs,
  pollMs: v.number(),
  paused: v.boolean(),
  fleet: v.optional(v.string()),
  sites: v.optional(v.array(InventorySite)),
  pairs: v.optional(v.array(InventoryPair)),
  nodes: v.array(NodeView),
  pools: v.array(PoolView),
  servers: v.array(ServerView),
  routers: v.array(RouterView),
  /** always complete: the list is short and its order is its meaning */
  problems: v.array(Problem),
  totals: v.nullable(Totals),
  removed: v.strictObject({
    nodes: v.array(NodeId),
    pools: v.array(PoolId),
    servers: v.array(ServerId),
    routers: v.array(RouterId),
  }),
})
export type FleetDelta = v.InferOutput<typeof FleetDelta>

/** Charted figures, in columns: `at[i]` belongs to every `values[name][i]`. Null = not read. */
export const Series = v.strictObject({
  resolutionMs: v.number(),
  at: v.array(EpochMs),
  values: v.record(v.string(), v.array(v.nullable(v.number()))),
})
export type Series = v.InferOutput<typeof Series>

/** A server was in `state` on `nodeId` from `from` to `to` (null = still). */
export const StateSpan = v.strictObject({
  nodeId: NodeId,
  state: ServerState,
  word: v.string(),
  from: EpochMs,
  to: v.nullable(EpochMs),
})
export type StateSpan = v.InferOutput<typeof StateSpan>
