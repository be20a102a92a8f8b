import type { ProxySettings, ServerSettings } from '../config/settings.ts'
import type { ActiveCheck, AdminState, Engine, Pool, PoolSpec, Server, ServerEvent, ServerSpec } from '../../traffic/traffic.ts'

/** `srv_admin_state`, as far as commands and the configuration set it */
export const adminBits = { forcedMaint: 0x01, configMaint: 0x04, forcedDrain: 0x08 } as const

/** A server as the runtime API sees it, on top of the engine's. */
export interface LiveServer {
  /** `sid` */
  readonly id: number
  readonly settings: ServerSettings
  readonly server: Server
  /** bits of `srv_admin_state` */
  admin: number
  /** added at run time */
  readonly dynamic: boolean
  /** added, and no state was ever set: its weight is not in force yet */
  fresh: boolean
  /** its agent is asked, has said something, and said that it is down */
  agentEnabled: boolean
  agentAnswered: boolean
  agentDown: boolean
}

export interface Backend {
  readonly proxy: ProxySettings
  readonly pool: Pool
  readonly servers: LiveServer[]
  /** when it last had no usable server, or had one again; monotonic */
  lastChangeAt: number
  downSince: number | null
  downtimeMs: number
  find(name: string): LiveServer | null
  add(settings: ServerSettings, checkSwitchedOff: boolean): LiveServer
  remove(server: LiveServer): void
  setState(server: LiveServer, state: AdminState): void
  /** what its bits and its agent come to */
  applyState(server: LiveServer): void
}

/** usable and not a backup; usable backups */
export function usableOf({ servers }: Backend): { active: number; backup: number; weight: number } {
  const usable = servers.filter(
    ({ server }) => server.up && server.admin === 'ready' && server.weight > 0 && server.ejectedUntil === null,
  )
  const active = usable.filter(({ settings }) => !settings.backup)
  const weight = (active.length > 0 ? active : usable.slice(0, 1)).reduce(
    (sum, { server }) => sum + Math.ceil(server.effectiveWeight),
    0,
  )
  return { active: active.length, backup: usable.length - active.length, weight }
}

/** Without servers it is up, too: a frontend's page may be all there is. */
export const isUsable = (backend: Backend): boolean => {
  const { active, backup } = usableOf(backend)
  return backend.servers.length === 0 || active + backup > 0
}

interface BackendContext {
  readonly engine: Engine
  readonly now: () => number
  onEvent(backend: Backend, server: LiveServer, event: ServerEvent): void
}

export function createBackend(proxy: ProxySettings, { engine, now, onEvent }: BackendContext): Backend {
  const pool = engine.addPool(poolSpec(proxy))
  let lastId = 0
  const live = (settings: ServerSettings, server: Server, dynamic: boolean): LiveServer => ({
    id: ++lastId,
    settings,
    server,
    admin: (settings.disabled ? adminBits.configMaint | adminBits.forcedMaint : 0) | (dynamic ? adminBits.forcedMaint : 0),
    dynamic,
    fresh: dynamic,
    agentEnabled: settings.agent !== null,
    agentAnswered: false,
    agentDown: false,
  })
  const backend: Backend = {
    proxy,
    pool,
    servers: [],
    lastChangeAt: now(),
    downSince: null,
    downtimeMs: 0,
    find: (name) => backend.servers.find(({ settings }) => settings.name === name) ?? null,
    add(settings, checkSwitchedOff) {
      const server = live(settings, pool.add({ ...serverSpec(settings, proxy), admin: 'maint' }), true)
      if (checkSwitchedOff) server.server.setChecked(false)
      backend.servers.push(server)
      return server
    },
    remove(server) {
      pool.remove(server.settings.name)
      backend.servers.splice(backend.servers.indexOf(server), 1)
    },
    setState(server, state) {
      server.admin &= ~(adminBits.forcedMaint | adminBits.forcedDrain)
      if (state !== 'ready') server.admin |= state === 'maint' ? adminBits.forcedMaint : adminBits.forcedDrain
      server.fresh = false
      backend.applyState(server)
    },
    applyState({ server, admin, agentDown }) {
      const out = agentDown || (admin & adminBits.forcedMaint) !== 0
      server.setAdmin(out ? 'maint' : (admin & adminBits.forcedDrain) !== 0 ? 'drain' : 'ready')
      settle()
    },
  }
  /** The backend itself went down or came back. */
  function settle(): void {
    const usable = isUsable(backend)
    if (usable === (backend.downSince === null)) return
    if (backend.downSince !== null) backend.downtimeMs += now() - backend.downSince
    backend.downSince = usable ? null : now()
    backend.lastChangeAt = now()
  }
  for (const settings of proxy.servers) {
    const server = pool.server(settings.name)
    if (server !== null) backend.servers.push(live(settings, server, false))
  }
  pool.onEvent((event) => {
    settle()
    const server = backend.find(event.server.spec.id)
    if (server !== null) onEvent(backend, server, event)
  })
  settle()
  return backend
}

function poolSpec(proxy: ProxySettings): PoolSpec {
  const { timeouts, cookie, table } = proxy
  const connectTimeoutMs = timeouts.connect ?? 5000
  return {
    name: proxy.name,
    servers: proxy.servers.map((settings) => serverSpec(settings, proxy)),
    algorithm: proxy.algorithm,
    persistence:
      cookie !== null
        ? { kind: 'cookie', ...cookie }
        : proxy.sticksOnSource && table !== null
          ? { kind: 'source', expireMs: table.expireMs, size: table.size }
          : null,
    connectTimeoutMs,
    queueTimeoutMs: timeouts.queue ?? connectTimeoutMs,
    maxSessions: null,
    backups: proxy.allBackups ? 'all' : 'first',
    retries: proxy.retries,
    redispatch: proxy.redispatch ? 'last' : 'never',
    retryOn: ['connect', 'connect-timeout'],
    keptConnections: 256,
  }
}

function serverSpec(settings: ServerSettings, proxy: ProxySettings): ServerSpec {
  return {
    id: settings.name,
    address: settings.address === 'localhost' ? '127.0.0.1' : settings.address,
    port: settings.port,
    weight: settings.weight,
    admin: settings.disabled ? 'maint' : 'ready',
    backup: settings.backup,
    maxSessions: settings.maxconn,
    check: checkOf(settings, proxy),
    passive:
      settings.observe === null
        ? null
        : {
            windowMs: 10_000,
            coolDownMs: (settings.check?.intervalMs ?? 2000) * settings.rise,
            ejects: (failed) => failed >= (settings.observe?.errorLimit ?? Infinity),
            failedStatus: (status) => settings.observe?.layer === 'layer7' && status >= 500,
          },
    warmUpPasses: 0,
    slowStartMs: settings.slowStartMs,
    cookie: settings.cookie,
    hashedBy: null,
  }
}

function checkOf({ check, rise, fall }: ServerSettings, { health, timeouts }: ProxySettings): ActiveCheck | null {
  if (check === null) return null
  return {
    kind: health.kind,
    ...check,
    timeoutMs: timeouts.check ?? Math.min(check.intervalMs, timeouts.connect ?? check.intervalMs),
    rise,
    fall,
    request: health.kind === 'http' ? health.request : null,
    passes: health.passes,
    saidBy: health.saidBy,
  }
}
