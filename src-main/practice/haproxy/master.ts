/*
 * The master of master-worker mode (2.6): it owns the listening sockets and the master socket, starts a worker for each good configuration,
 * and lets the workers before it finish their sessions.
 *
 * A reload closes the master socket and resets its connections; it is back when the reload is over. A configuration that is refused, or an
 * address in use, leaves the worker as it was: `[failed: N]` counts. An address in use costs two seconds in which nothing listens at all.
 * A worker that ends without being told takes the master with it.
 */
import { createListenerSet } from '../traffic/create-listener-set.ts'
import { PosixError, type Machine, type PracticeProcess, type SignalName } from '../machine/machine.ts'
import { openMasterSocket } from './cli/open-sockets.ts'
import type { MasterView } from './cli/master-commands.ts'
import { createReporter, type Reporter } from './config/reporter.ts'
import type { RunningConfig } from './config/settings.ts'
import type { Worker } from './worker/worker.ts'
import { bind, startWorker, type StartedWorker } from './start-worker.ts'

/** from the reload to the new worker: reading the files, on the machines where this was measured */
const loadingMs = 30
/** how long HAProxy tries to bind an address that is in use */
const bindRetryMs = 2000

interface MasterSpec {
  readonly machine: Machine
  readonly argv: readonly string[]
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  readonly socket: { path: string; mode: number; uid: number; gid: number } | null
  readonly load: (report: Reporter) => RunningConfig | null
}

/** Null: it could not start, which was reported. */
export function startMaster(spec: MasterSpec, config: RunningConfig, report: Reporter): PracticeProcess | null {
  const { machine, argv, cwd, environment } = spec
  const { clock, processes } = machine
  let current: StartedWorker | null = null
  let old: StartedWorker[] = []
  let socket: { close(): void } | null = null
  let reloads = 0
  let failed = 0
  let phase: 'running' | 'reloading' | 'ending' = 'running'
  let cancelReload = (): void => undefined
  const born = new WeakMap<Worker, number>()

  const process = processes.spawn({
    argv,
    exe: '/usr/sbin/haproxy',
    cwd,
    environment,
    onSignal,
    onExit() {
      phase = 'ending'
      cancelReload()
      socket?.close()
      listeners.close()
      for (const { worker } of everyWorker()) worker.process.exit(0)
    },
  })
  const listeners = createListenerSet(machine.network, process.pid)
  const log = (line: string): void => machine.syslog('haproxy', process.pid, line)
  const everyWorker = (): StartedWorker[] => (current === null ? old : [current, ...old])

  const view: MasterView = {
    pid: process.pid,
    get reloads() {
      return reloads
    },
    get failed() {
      return failed
    },
    uptimeMs: () => clock.monotonic() - process.startedAt,
    get current() {
      return current?.worker ?? null
    },
    get old() {
      return old.map(({ worker }) => worker)
    },
    reloadsOf: (worker) => reloads - (born.get(worker) ?? reloads),
    reload,
  }

  function onSignal(signal: SignalName): void {
    if (signal === 'USR2' || signal === 'HUP') reload()
    else if (signal === 'USR1') stopSoftly()
    else if (signal === 'TERM' || signal === 'INT') {
      log(`Exiting Master process...`)
      process.exit(signal === 'TERM' ? 143 : 130)
    }
  }

  function stopSoftly(): void {
    if (phase === 'ending') return
    phase = 'ending'
    listeners.close()
    const last = current
    if (last === null) return process.exit(0)
    retire(last)
    current = null
  }

  function workerArgv(): string[] {
    const before = everyWorker().map(({ worker }) => String(worker.process.pid))
    return before.length === 0 ? [...argv] : [argv[0] ?? 'haproxy', '-sf', ...before, '-x', 'sockpair@3', ...argv.slice(1)]
  }

  function spawnWorker(next: RunningConfig): StartedWorker {
    const started = startWorker(machine, next, () => listeners, {
      argv: workerArgv(),
      parentPid: process.pid,
      cwd,
      environment,
      onSignal(signal) {
        if (signal === 'USR1') retire(started)
        else if (signal === 'TERM' || signal === 'INT') started.worker.process.exit(signal === 'TERM' ? 143 : 130)
      },
      onExit: ({ code, signal }) => workerEnded(started, code, signal),
    })
    return started
  }

  function workerEnded(started: StartedWorker, code: number | null, signal: SignalName | null): void {
    const how = signal === null ? `code ${code ?? 0} (Exit)` : `code ${signal === 'KILL' ? 137 : 128} (Killed)`
    if (started === current) {
      current = null
      log(`Current worker (${started.worker.process.pid}) exited with ${how}`)
      log('exit-on-failure: killing every processes with SIGTERM')
      process.exit(signal === 'KILL' ? 137 : (code ?? 1))
      return
    }
    if (!old.includes(started)) return
    old = old.filter((each) => each !== started)
    log(`Former worker (${started.worker.process.pid}) exited with ${how}`)
    if (phase === 'ending' && everyWorker().length === 0) process.exit(0)
  }

  function retire(started: StartedWorker): void {
    started.closeSockets()
    if (started.worker.stopping) return
    if (!old.includes(started)) old = [started, ...old]
    void started.worker.retire().then(() => started.worker.process.exit(0))
  }

  function reload(): void {
    if (phase !== 'running') return
    phase = 'reloading'
    reloads += 1
    log('Reloading HAProxy')
    socket?.close()
    socket = null
    cancelReload = clock.after(loadingMs, () => {
      const reporter = createReporter(process.pid, (line) => log(line.trimEnd()))
      const next = spec.load(reporter)
      if (next === null) return settleReload(false)
      const started = spawnWorker(next)
      if (bind(started, null)) return takeOver(started)
      retryBinding(started, reporter)
    })
  }

  /** The old worker lets go of every address, and the new one tries for two seconds. */
  function retryBinding(started: StartedWorker, reporter: Reporter): void {
    const before = current?.worker
    for (const { proxy } of before?.frontends ?? []) before?.log(`Paused frontend ${proxy.name}.`)
    listeners.replace([])
    cancelReload = clock.after(bindRetryMs, () => {
      if (bind(started, reporter)) return takeOver(started)
      if (before !== undefined) {
        before.rebind()
        for (const { proxy } of before.frontends) before.log(`Resumed frontend ${proxy.name}.`)
      }
      started.worker.process.exit(1)
      settleReload(false)
    })
  }

  function takeOver(started: StartedWorker): void {
    const before = current
    current = started
    born.set(started.worker, reloads)
    if (before !== null) retire(before)
    try {
      started.openSockets()
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      log(`[ALERT] Starting frontend GLOBAL: cannot bind UNIX socket (${thrown.message})`)
    }
    log(`New worker (${started.worker.process.pid}) forked`)
    settleReload(true)
  }

  function settleReload(good: boolean): void {
    log(good ? 'Loading success.' : 'Loading failure!')
    failed = good ? 0 : failed + 1
    phase = 'running'
    openSocket()
  }

  function openSocket(): void {
    if (spec.socket === null) return
    try {
      socket = openMasterSocket(machine, process, spec.socket, view)
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      log(`[ALERT] Starting proxy MASTER: cannot bind UNIX socket (${thrown.message}) [${spec.socket.path}]`)
    }
  }

  const first = spawnWorker(config)
  if (!bind(first, report)) {
    report.alert('[/usr/sbin/haproxy.main()] Some protocols failed to start their listeners! Exiting.')
    first.worker.process.exit(1)
    process.exit(1)
    return null
  }
  takeOver(first)
  return process
}
