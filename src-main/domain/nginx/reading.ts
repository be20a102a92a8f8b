import type { ServerState } from '#contract'
import type { BalancerReading, PoolReading, ServerReading } from '../fleet/reading.ts'
import type { Connection } from './parse-ss.ts'
import type { Upstream, UpstreamServer } from './upstreams.ts'
import type { WorkerProcess } from './worker-generations.ts'

export interface NginxFacts {
  version: string
  masterPid: number
  uptimeS: number | null
  workers: readonly WorkerProcess[]
  upstreams: readonly Upstream[]
  /** null: the connections could not be listed */
  connections: readonly Connection[] | null
  /** requests since the master started; null without a status page */
  requests: number | null
  /** members can be taken out by an edit of the configuration */
  canSetState: boolean
}

/**
 * Open-source nginx has no runtime state to ask: pools come from the configuration, sessions from the kernel.
 *
 * `sessions` of a server = established TCP connections from any worker, old generations included, to its address and port.
 * The kernel cannot say which upstream a connection belongs to. When several `server` lines name one address, zero is still
 * zero for each of them, but any other number belongs to nobody: their sessions are null.
 */
export function readingFromNginx(facts: NginxFacts): BalancerReading {
  const workerPids = new Set(facts.workers.map((worker) => worker.pid))
  const owned = facts.connections?.filter((connection) => connection.pids.some((pid) => workerPids.has(pid))) ?? null
  const sessions = owned === null ? null : sessionCounter(facts.upstreams, owned)
  const oldWorkers = facts.workers.some((worker) => worker.generation === 'old')
  return {
    kind: 'nginx',
    version: facts.version,
    pid: facts.masterPid,
    uptimeS: facts.uptimeS,
    workers: facts.workers.map((worker) => ({
      ...worker,
      sessions: owned?.filter((connection) => connection.pids.includes(worker.pid)).length ?? null,
    })),
    pools: facts.upstreams.map((upstream) => poolFrom(upstream, sessions ?? notCounted, oldWorkers)),
    requests: facts.requests,
    canSetState: facts.canSetState,
  }
}

interface Sessions {
  count: number | null
  /** connections exist and every `server` line with this address is marked down */
  leaving: boolean
}

const nothingKnown: Sessions = { count: null, leaving: false }
const notCounted = (): Sessions => nothingKnown

function sessionCounter(
  upstreams: readonly Upstream[],
  connections: readonly Connection[],
): (server: UpstreamServer) => Sessions {
  const byEndpoint = new Map<string, { total: number; lines: number; allDown: boolean }>()
  for (const { endpoint, down } of upstreams.flatMap((upstream) => upstream.servers)) {
    if (endpoint === null) continue
    const entry = byEndpoint.get(keyOf(endpoint)) ?? { total: 0, lines: 0, allDown: true }
    byEndpoint.set(keyOf(endpoint), { ...entry, lines: entry.lines + 1, allDown: entry.allDown && down })
  }
  for (const { peerAddress, peerPort } of connections) {
    const entry = byEndpoint.get(keyOf({ address: peerAddress, port: peerPort }))
    if (entry !== undefined) entry.total += 1
  }
  return ({ endpoint }) => {
    const entry = endpoint === null ? undefined : byEndpoint.get(keyOf(endpoint))
    if (entry === undefined) return nothingKnown
    return { count: entry.total > 0 && entry.lines > 1 ? null : entry.total, leaving: entry.total > 0 && entry.allDown }
  }
}

const keyOf = (endpoint: { address: string; port: number }): string => `${endpoint.address} ${endpoint.port}`

function poolFrom(upstream: Upstream, sessionsOf: (server: UpstreamServer) => Sessions, oldWorkers: boolean): PoolReading {
  const servers = upstream.servers.map((server): ServerReading => {
    const sessions = sessionsOf(server)
    return {
      name: server.address,
      address: server.address,
      state: stateOf(server, sessions, oldWorkers),
      word: server.down ? 'down' : server.backup ? 'backup' : 'server',
      weight: server.weight,
      backup: server.backup,
      sessions: sessions.count,
      sessionLimit: server.maxConns,
      queue: null,
      rate: null,
      totalSessions: null,
      errors: null,
      responseMs: null,
      adminState: null,
      agentCheck: false,
      check: null,
      sinceS: null,
    }
  })
  return {
    name: upstream.name,
    mode: upstream.context === 'http' ? 'http' : 'tcp',
    algorithm: upstream.algorithm,
    usable: null,
    requests: null,
    errors: null,
    sessions: servers.some((server) => server.sessions === null)
      ? null
      : servers.reduce((total, server) => total + (server.sessions ?? 0), 0),
    servers,
  }
}

/**
 * `down` takes a server out for new connections: it is draining while any worker still holds one, drained while older workers
 * are about that no longer hold any, and otherwise simply out of rotation. Everything else is unchecked: open-source nginx
 * learns of a dead server only by failing a client's request on it, and does not tell.
 */
function stateOf(server: UpstreamServer, sessions: Sessions, oldWorkers: boolean): ServerState {
  if (!server.down) return 'unchecked'
  if (sessions.leaving) return 'draining'
  return oldWorkers && sessions.count === 0 ? 'drained' : 'maintenance'
}
