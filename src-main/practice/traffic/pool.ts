import { createPicker } from '../../domain/balance/create-picker.ts'
import type { ServerLoad } from '../../domain/balance/picker.ts'
import { Counters } from './figures.ts'
import { Failure } from './failure.ts'
import type { Probe } from './health/active-check.ts'
import { LiveServer } from './server.ts'
import { createStickTable } from './stick-table.ts'
import type { ForwardRules, Pool, PoolSpec, ServerEvent, ServerSpec } from './traffic.ts'
import { createWaitingLine } from './waiting-line.ts'
import type { Wheel } from './wheel.ts'

/** Somebody who needs a server. */
export interface Claim {
  /** what the algorithm hashes */
  readonly key: string
  readonly source: string
  /** value of the persistence cookie, the part that names a server */
  readonly cookie: string | null
  /** aborted when the client leaves */
  readonly signal: AbortSignal
}

/** A later attempt: at the same server, or rather not at these. */
export interface Attempt {
  readonly only: string | null
  readonly avoid: ReadonlySet<string>
}

/** A place at a server; to be released exactly once. */
export interface Lease {
  readonly server: LiveServer
  /** the client's cookie already names this server */
  readonly known: boolean
  readonly queueMs: number
  release(): void
}

export interface LivePool extends Pool {
  readonly figures: Counters
  /** Waits in line when every server is full. Rejects with Failure `no-server`, `queue-timeout`, `client`. */
  claim(claim: Claim, attempt: Attempt): Promise<Lease>
  /** HAProxy waits a second (at most its connect timeout) before it tries the same server again. Rejects with Failure `client`. */
  turnAround(signal: AbortSignal): Promise<void>
  /** checks end; sessions live on */
  retire(): void
}

export interface PoolContext {
  readonly wheel: Wheel
  readonly now: () => number
  readonly probe: Probe
  readonly random: () => number
}

const longestTurnAroundMs = 1000

export function createPool(spec: PoolSpec, context: PoolContext): LivePool {
  const { now, wheel } = context
  const figures = new Counters(now)
  const servers = new Map<string, LiveServer>()
  const listeners = new Set<(event: ServerEvent) => void>()
  const picker = createPicker(spec.algorithm, context.random)
  const line = createWaitingLine<Lease>(wheel, spec.queueTimeoutMs)
  const { persistence } = spec
  const stick = persistence?.kind === 'source' ? createStickTable(persistence, now) : null
  const load: ServerLoad = {
    active: (id) => servers.get(id)?.figures.sessions ?? 0,
    responseMs: (id) => servers.get(id)?.figures.times.responseMs ?? null,
  }
  /** null: the servers changed since */
  let usable: LiveServer[] | null = null

  function changed(): void {
    usable = null
    line.move()
  }

  const serverContext = {
    ...context,
    changed,
    emit: (event: ServerEvent): void => listeners.forEach((listener) => listener(event)),
  }

  function add(server: ServerSpec, firstCheckMs: number): LiveServer {
    if (servers.has(server.id)) throw new RangeError(`The pool ${spec.name} has a server ${server.id} already.`)
    const live = new LiveServer(server, serverContext, firstCheckMs)
    servers.set(server.id, live)
    usable = null
    return live
  }

  const takesNew = (server: LiveServer): boolean => server.mayServe(false) && server.effectiveWeight > 0
  const spares = (): LiveServer[] => [...servers.values()].filter((server) => server.spec.backup && takesNew(server))

  /** Those that take new clients now; the picker learns of them. */
  function refresh(): LiveServer[] {
    const main = [...servers.values()].filter((server) => !server.spec.backup)
    const backups = spares()
    const group = main.some(takesNew) ? main : spec.backups === 'all' ? backups : backups.slice(0, 1)
    picker.setServers(
      group.map((server) => ({
        id: server.spec.id,
        weight: takesNew(server) ? server.effectiveWeight : 0,
        keptWeight: server.spec.weight,
        ...(server.spec.hashedBy === null ? {} : { hashedBy: server.spec.hashedBy }),
      })),
    )
    return group.filter(takesNew)
  }

  function knownServer({ cookie, source }: Claim): LiveServer | null {
    if (stick !== null) return servers.get(stick.get(source) ?? '') ?? null
    if (cookie === null || persistence?.kind !== 'cookie') return null
    for (const server of servers.values()) if (server.spec.cookie === cookie) return server
    return null
  }

  /** The algorithm's choice; when that one is full or to be avoided, the next it names, at last the least loaded, and nginx's spares. */
  function pick(candidates: readonly LiveServer[], key: string, avoid: ReadonlySet<string>): LiveServer | null {
    const suits = (server: LiveServer): boolean => !server.isFull && !avoid.has(server.spec.id)
    let last: string | null = null
    for (let turn = 0; turn < candidates.length; turn += 1) {
      const id = picker.pick({ key }, load)
      const server = id === null ? undefined : servers.get(id)
      if (server !== undefined && suits(server)) return server
      if (id === last) break
      last = id
    }
    const free = candidates.filter((server) => !server.isFull)
    const others = free.filter(suits)
    const loadOf = (server: LiveServer): number => server.figures.sessions / server.effectiveWeight
    const left = others.length > 0 ? others : spec.redispatch === 'always' ? spares().filter(suits) : free
    return left.toSorted((one, other) => loadOf(one) - loadOf(other))[0] ?? null
  }

  /** null: wait. `server` is the only one worth waiting for. */
  function choose(
    claim: Claim,
    { only, avoid }: Attempt,
  ): { server: LiveServer | null; known: boolean; only: LiveServer | null } {
    const mine = only === null ? knownServer(claim) : (servers.get(only) ?? null)
    const belongs = mine !== null && mine.mayServe(true) && !avoid.has(mine.spec.id)
    usable ??= refresh()
    if (!belongs && usable.length === 0) throw new Failure('no-server')
    const isFull = spec.maxSessions !== null && figures.sessions >= spec.maxSessions
    if (belongs) return { server: mine.isFull || isFull ? null : mine, known: only === null, only: mine }
    const server = isFull ? null : pick(usable, claim.key, avoid)
    if (server === null && spec.queueTimeoutMs === 0) throw new Failure('no-server')
    return { server, known: false, only: null }
  }

  function lease(server: LiveServer, known: boolean, claim: Claim, since: number): Lease {
    if (stick !== null) stick.set(claim.source, server.spec.id)
    if (!known) for (const counters of [figures, server.figures]) counters.chosen += 1
    const queueMs = now() - since
    for (const counters of [figures, server.figures]) {
      counters.open()
      counters.time('queueMs', queueMs)
    }
    return {
      server,
      known,
      queueMs,
      release() {
        figures.close()
        server.figures.close()
        line.move()
      },
    }
  }

  const pool: LivePool = {
    spec,
    figures,
    get servers() {
      return [...servers.values()]
    },
    server: (id) => servers.get(id) ?? null,
    add: (server) => add(server, 0),
    remove(id) {
      servers.get(id)?.stop()
      servers.delete(id)
      changed()
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stickEntries: () => stick?.entries() ?? [],
    clearStick: (key) => stick?.clear(key),

    async claim(claim, attempt) {
      const since = now()
      const first = choose(claim, attempt)
      if (first.server !== null) return lease(first.server, first.known, claim, since)
      const again = (): Lease | null => {
        const { server, known } = choose(claim, attempt)
        return server === null ? null : lease(server, known, claim, since)
      }
      return line.wait(again, first.only?.figures ?? figures, claim.signal)
    },

    turnAround: (signal) =>
      new Promise((resolve, reject) => {
        const left = (): void => {
          cancel()
          reject(new Failure('client'))
        }
        const cancel = wheel.after(Math.min(longestTurnAroundMs, spec.connectTimeoutMs), () => {
          signal.removeEventListener('abort', left)
          resolve()
        })
        signal.addEventListener('abort', left, { once: true })
      }),

    retire() {
      for (const server of servers.values()) server.stop()
    },
  }

  spec.servers.forEach((server, at) => {
    // Evenly over the interval, and the pools of an engine not in step with each other.
    add(server, ((server.check?.intervalMs ?? 0) * (at + context.random())) / spec.servers.length)
  })
  return pool
}

/** See Engine.sharePool. The pool's methods know their own state, so that only the rules differ. */
export function shareOf(pool: LivePool, rules: ForwardRules): LivePool {
  return {
    ...pool,
    spec: { ...pool.spec, ...rules },
    get servers() {
      return pool.servers
    },
  }
}
