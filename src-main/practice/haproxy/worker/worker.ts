/*
 * One worker process: its engine, its proxies and its runtime sockets. The listening sockets belong to whoever started it (a master keeps
 * them over reloads), so a worker only says what it wants to be bound. A stopped process (SIGSTOP) accepts nothing and answers nothing.
 */
import { createEngine } from '../../traffic/create-engine.ts'
import type { Binding, Engine, ListenerSet, ServerEvent } from '../../traffic/traffic.ts'
import { PosixError, type Machine, type PracticeProcess } from '../../machine/machine.ts'
import type { RunningConfig } from '../config/settings.ts'
import { runAgent } from './agent.ts'
import { createBackend, type Backend, type LiveServer } from './backend.ts'
import { createFrontend, type Frontend } from './frontend.ts'
import { accessLine } from './log-lines.ts'
import { createRateTable, type RateTable } from './rate-table.ts'
import { checkText, statusWord } from './server-words.ts'
import { applyStateFile } from './state-file.ts'

export interface Worker {
  readonly machine: Machine
  readonly process: PracticeProcess
  readonly config: RunningConfig
  readonly engine: Engine
  readonly frontends: readonly Frontend[]
  readonly backends: ReadonlyMap<string, Backend>
  /** counting tables by the proxy that declares them */
  readonly tables: ReadonlyMap<string, RateTable>
  /** milliseconds since the epoch */
  readonly startedAt: number
  /** true once a reload or a soft stop retired it */
  stopping: boolean
  /** `set maxconn global` */
  maxconn: number
  uptimeMs(): number
  bindings(): Binding[]
  /** binds anew after a frontend was disabled or enabled */
  rebind(): void
  log(line: string): void
  /** No new work; resolves when the last session is gone, or `hard-stop-after` has passed. */
  retire(): Promise<void>
}

interface WorkerParts {
  readonly machine: Machine
  readonly config: RunningConfig
  readonly listeners: ListenerSet
  readonly process: PracticeProcess
}

export function createWorker({ machine, config, listeners, process }: WorkerParts): Worker {
  const { clock } = machine
  const now = (): number => clock.monotonic()
  const log = (line: string): void => machine.syslog('haproxy', process.pid, line)
  const engine = createEngine({
    network: machine.network,
    clock,
    pid: process.pid,
    random: Math.random,
    report: (thrown) => log(`practice engine: ${thrown instanceof Error ? thrown.message : String(thrown)}`),
  })
  const onEvent = (backend: Backend, live: LiveServer, event: ServerEvent): void => {
    const line = eventLine(backend, live, event)
    if (line !== null) log(line)
    if (event.is === 'down' && live.settings.cutWhenDown) cutSessionsOf(worker, backend, live)
  }
  const active = config.proxies.filter(({ disabled }) => !disabled)
  const backends = new Map(
    active
      .filter(({ kind }) => kind !== 'frontend')
      .map((proxy) => [proxy.name, createBackend(proxy, { engine, now, onEvent })] as const),
  )
  const tables = new Map(
    active.flatMap(({ name, table }) =>
      table === null || table.ratePeriodMs === null ? [] : [[name, createRateTable(table, now)] as const],
    ),
  )
  const frontends = active.flatMap((proxy) => {
    if (proxy.kind === 'backend') return []
    const frontend = createFrontend(proxy, {
      engine,
      backends,
      tables,
      log: (of, entry) => log(accessLine(of, entry, clock.now(), engine.sessions().length)),
    })
    return frontend === null ? [] : [frontend]
  })

  const worker: Worker = {
    machine,
    process,
    config,
    engine,
    frontends,
    backends,
    tables,
    startedAt: clock.now(),
    stopping: false,
    maxconn: config.global.maxconn,
    uptimeMs: () => now() - process.startedAt,
    bindings: () => bindingsOf(worker),
    rebind: () => listeners.replace(worker.bindings(), process.pid),
    log,
    async retire() {
      worker.stopping = true
      for (const { proxy, service } of frontends)
        log(`Proxy ${proxy.name} stopped (cumulated conns: FE: ${service.figures.totalSessions}, BE: 0).`)
      const limit = config.global.hardStopAfterMs
      const cancel = limit === null ? () => undefined : clock.after(limit, () => engine.finishNow())
      await engine.finish()
      cancel()
    },
  }
  for (const backend of backends.values()) for (const live of backend.servers) runAgent(machine, process.pid, backend, live)
  loadState(worker)
  return worker
}

function loadState({ config, machine, backends, log }: Worker): void {
  const path = config.global.stateFile
  if (path === null || !config.proxies.some(({ loadsState }) => loadsState)) return
  try {
    applyStateFile(machine.files.read(path).toString('utf8'), backends.values())
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    log(`config : Can't open global server state file '${path}': ${thrown.message}`)
  }
}

/**
 * Where several frontends bind one address, HAProxy's sockets share the port and the kernel deals the connections out; here they take turns.
 */
function bindingsOf(worker: Worker): Binding[] {
  const { engine, process } = worker
  const frontends = worker.frontends.filter(({ paused }) => !paused)
  const takers = new Map<string, Frontend[]>()
  const bindings = frontends.flatMap((frontend) =>
    frontend.proxy.binds.map(({ address, port, transparent }) => {
      const key = `${address}:${port}`
      takers.set(key, [...(takers.get(key) ?? []), frontend])
      return { key, address, port, nonlocal: transparent }
    }),
  )
  return [...new Map(bindings.map((binding) => [binding.key, binding])).values()].map(({ key, ...binding }) => {
    let turn = 0
    const accept: Binding['accept'] = (connection) => {
      const sharing = takers.get(key) ?? []
      const frontend = sharing[turn++ % sharing.length]
      const isFull = engine.sessions().length >= worker.maxconn
      if (frontend === undefined || isFull || frontend.service.figures.sessions >= frontend.maxconn)
        return void connection.socket.destroy()
      // A stopped process leaves them in the kernel's queue.
      process.running().then(
        () => frontend.service.accept(connection),
        () => connection.socket.destroy(),
      )
    }
    return { ...binding, accept }
  })
}

/** How many sessions were cut. */
export function cutSessionsOf({ engine }: Worker, { proxy }: Backend, { settings }: LiveServer): number {
  const sessions = engine.sessions().filter(({ pool, server }) => pool === proxy.name && server === settings.name)
  for (const session of sessions) session.cut()
  return sessions.length
}

/** What HAProxy logs when a server comes or goes. */
function eventLine(backend: Backend, live: LiveServer, { is, was, cause }: ServerEvent): string | null {
  const name = `Server ${backend.proxy.name}/${live.settings.name}`
  const usable = backend.servers.filter(({ server }) => server.condition === 'up' || server.condition === 'degraded')
  const backups = usable.filter(({ settings }) => settings.backup).length
  const left = `${usable.length - backups} active and ${backups} backup servers`
  const check = live.server.lastCheck
  const reason = `reason: ${checkText(live)}, info: "${check?.text ?? ''}", check duration: ${Math.round(check?.durationMs ?? 0)}ms`
  const byHand = cause === 'operator' ? '' : `, ${reason}`
  if (is === 'down')
    return `${name} is DOWN${byHand}. ${left} left. ${live.server.figures.sessions} sessions active, 0 requeued, 0 remaining in queue.`
  if (was === 'down' && statusWord(live).startsWith('UP'))
    return `${name} is UP${byHand}. ${left} online. 0 sessions requeued, 0 total in queue.`
  if (is === 'maintenance')
    return `${name} is going DOWN for maintenance. ${left} left. ${live.server.figures.sessions} sessions active, 0 requeued, 0 remaining in queue.`
  if (is === 'draining') return `${name} enters drain state. ${left} online. 0 sessions requeued, 0 total in queue.`
  return null
}
