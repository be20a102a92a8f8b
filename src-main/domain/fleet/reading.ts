import type { RouterMember, ServerState, Worker } from '#contract'

/**
 * What one round of reading brought from one daemon, in the console's own terms but before anything is joined across nodes.
 * Pure data; the age is added by whoever did the reading.
 */
export interface ServerReading {
  name: string
  address: string
  state: ServerState
  word: string
  weight: number | null
  backup: boolean
  sessions: number | null
  sessionLimit: number | null
  queue: number | null
  rate: number | null
  /** counters since the daemon started; rates come from two readings */
  totalSessions: number | null
  errors: number | null
  /** average response time over the daemon's own window, milliseconds */
  responseMs: number | null
  adminState: number | null
  /** an agent-check may undo what the console does */
  agentCheck: boolean
  check: { status: string; code: number | null; durationMs: number | null; text: string } | null
  /** seconds since the last state change by the daemon's clock */
  sinceS: number | null
}

export interface PoolReading {
  name: string
  mode: 'http' | 'tcp'
  algorithm: string
  /** usable servers by the daemon's own count; null where it does not say */
  usable: number | null
  /** requests (http) or sessions (tcp) since start */
  requests: number | null
  errors: number | null
  sessions: number | null
  servers: ServerReading[]
}

export interface BalancerReading {
  kind: 'haproxy' | 'nginx'
  version: string
  pid: number | null
  uptimeS: number | null
  workers: Worker[]
  pools: PoolReading[]
  /** requests since start of the daemon as a whole, where its pools do not say (nginx's status page); absent or null = not read */
  requests?: number | null
  /** the account may change server states (HAProxy: admin level) */
  canSetState: boolean
}

/** keepalived's word about one vrrp_instance on one node, with the kernel's word about its addresses. */
export type InstanceReading = Omit<RouterMember, 'nodeId' | 'kernelReadAt' | 'daemonReadAt' | 'daemonRunning'> & {
  name: string
  vrid: number
  addresses: string[]
}

/** What a node's kernel says of its network, whatever keepalived thinks. */
export interface SegmentReading {
  /** link-layer addresses of its interfaces, lower case */
  macs: string[]
  /** its own addresses but those of the loopback interface; canonical */
  addresses: string[]
  /** who answers for which address (canonical) of the segment, and how long ago */
  sightings: { address: string; mac: string; how: 'arp' | 'neighbour'; ageMs: number }[]
}

export interface VrrpReading {
  kind: 'keepalived'
  version: string
  pid: number | null
  uptimeS: number | null
  running: boolean
  /** false: the daemon did not answer but the kernel did; instances then come from the configuration file */
  daemonAnswered: boolean
  /** how old the daemon's word is; 0 when it was asked for this reading, or did not answer */
  daemonAgeMs: number
  instances: InstanceReading[]
  segment: SegmentReading
}

export type ServiceReading = BalancerReading | VrrpReading
