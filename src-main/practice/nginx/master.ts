/*
 * The master: it owns the listening sockets, the pid file and the status page's figures, starts a generation of workers for each good
 * configuration, and ends the one before as soon as the new one works. A configuration that is refused, or an address in use, leaves
 * everything as it was; nginx tells only its log. A worker that ends by itself is started again.
 */
import { PosixError, type Connection, type Machine, type PracticeProcess, type SignalName } from '../machine/machine.ts'
import { createEngine } from '../traffic/create-engine.ts'
import { createListenerSet } from '../traffic/create-listener-set.ts'
import type { Engine, ListenerSet } from '../traffic/traffic.ts'
import { bindComplaint, findObstacles, wantedSockets } from './bindings.ts'
import type { LogLevel } from './config/check-main.ts'
import type { LimitZone } from './config/http-settings.ts'
import type { Settings } from './config/settings.ts'
import { ConfigError } from './config/statement.ts'
import { writeErrorLog } from './error-log.ts'
import { errnoText } from './errno.ts'
import type { Limit } from './http/answer-request.ts'
import { createLimitCounts } from './http/limit-req.ts'
import { openLogs } from './open-files.ts'
import { signalNumber } from '../shell/signals.ts'
import { poolSpecs, startWorker, type Worker } from './worker.ts'

/** nginx tries this often to get an address that is in use, with this in between */
const bindTries = 5
const bindPauseMs = 500
/** from the start of the new workers to the end of the old ones */
const retireAfterMs = 100

export interface MasterSpec {
  readonly machine: Machine
  readonly argv: readonly string[]
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  /** throws ConfigError */
  readonly load: (warn: (message: string) => void) => Settings
}

interface Generation {
  readonly settings: Settings
  /** holds what its workers share */
  readonly shared: Engine
  readonly workers: Set<Worker>
  /** its workers are not replaced any more */
  isOver: boolean
}

/**
 * Waits for the addresses as long as nginx does. Resolves with false when they cannot be had, which was told.
 * @param held those that the running nginx has
 */
export async function awaitSockets(
  machine: Machine,
  settings: Settings,
  held: readonly { address: string; port: number }[],
  pid: number,
  tell: (level: LogLevel, text: string) => void,
): Promise<boolean> {
  for (let tried = 1; tried <= bindTries; tried += 1) {
    const obstacles = findObstacles(machine, wantedSockets(settings), held, pid)
    if (obstacles.length === 0) return true
    for (const obstacle of obstacles) {
      tell('emerg', bindComplaint(obstacle))
      if (obstacle.error.code !== 'EADDRINUSE') return false
    }
    tell('notice', `try again to bind() after ${bindPauseMs}ms`)
    await new Promise<void>((resolve) => machine.clock.after(bindPauseMs, resolve))
  }
  tell('emerg', 'still could not bind()')
  return false
}

/** Nothing else may want its addresses at that moment: see awaitSockets. */
export function startMaster({ machine, argv, cwd, environment, load }: MasterSpec, first: Settings): PracticeProcess {
  const { clock, processes, files } = machine
  const counts = { accepted: 0, requests: 0 }
  let settings = first
  let generations: Generation[] = []
  let phase: 'running' | 'reloading' | 'ending' = 'running'
  let reloadAgain = false
  let limits = new Map<string, Limit & Pick<LimitZone, 'writtenKey' | 'perSecond'>>()

  const master = processes.spawn({
    argv: [`nginx: master process ${argv.join(' ')}`],
    exe: '/usr/sbin/nginx',
    cwd,
    environment,
    onSignal,
    onExit({ signal }) {
      phase = 'ending'
      listeners.close()
      if (signal === 'KILL') adopt()
      else if (signal === null) for (const worker of everyWorker()) worker.process.exit(0)
    },
  })
  let listeners: ListenerSet = createListenerSet(machine.network, master.pid)
  const log = (level: LogLevel, text: string): void => writeErrorLog(machine, settings.errorLogs, level, master.pid, text)
  const everyWorker = (): Worker[] => generations.flatMap(({ workers }) => [...workers])

  function onSignal(signal: SignalName): void {
    const action = actions[signal]
    if (action === undefined) return
    log('notice', `signal ${signalNumber(signal)} (SIG${signal}) received, ${action.text}`)
    action.run()
  }
  const actions: Partial<Record<SignalName, { text: string; run: () => void }>> = {
    HUP: { text: 'reconfiguring', run: reload },
    TERM: { text: 'exiting', run: () => end((worker) => worker.exit()) },
    INT: { text: 'exiting', run: () => end((worker) => worker.exit()) },
    QUIT: { text: 'shutting down', run: () => end((worker) => worker.retire()) },
    USR1: { text: 'reopening logs', run: reopen },
    USR2: { text: 'changing binary', run: () => log('alert', 'a practice nginx cannot change its binary') },
    WINCH: { text: 'stop accepting connections', run: stopAccepting },
  }

  function statusPage(): string {
    const sessions = everyWorker().flatMap((worker) => worker.sessions())
    const waiting = sessions.filter(({ request, requests }) => request === null && requests > 0).length
    const { accepted, requests } = counts
    return `Active connections: ${sessions.length} \nserver accepts handled requests\n ${accepted} ${accepted} ${requests} \nReading: 0 Writing: ${sessions.length - waiting} Waiting: ${waiting} \n`
  }

  /** Zones live over reloads while their key stays the same. */
  function keepLimits({ http }: Settings): void {
    const before = limits
    limits = new Map(
      [...(http?.zones ?? [])].map(([name, { key, writtenKey, perSecond }]) => {
        const known = before.get(name)
        const kept = known?.writtenKey === writtenKey && known.perSecond === perSecond ? known.counts : null
        return [name, { key, writtenKey, perSecond, counts: kept ?? createLimitCounts({ perSecond }, clock) }]
      }),
    )
  }

  function begin(next: Settings): Generation {
    keepLimits(next)
    const shared = createEngine({
      ...{ network: machine.network, clock, pid: master.pid, random: Math.random },
      report: (thrown) => log('alert', `practice engine: ${String(thrown)}`),
    })
    const generation: Generation = { settings: next, shared, workers: new Set(), isOver: false }
    generations.push(generation)
    log('notice', 'start worker processes')
    const zones = new Map(
      poolSpecs(next).flatMap((upstream) => (upstream.isShared ? [[upstream, shared.addPool(upstream.pool)] as const] : [])),
    )
    const start = (): void => {
      const worker = startWorker({
        ...{ machine, settings: next, masterPid: master.pid, zones, limits, statusPage },
        requestCame: () => (counts.requests += 1),
        ended: (which, how) => workerEnded(generation, which, how, start),
      })
      generation.workers.add(worker)
      log('notice', `start worker process ${worker.process.pid}`)
    }
    for (let each = 0; each < next.workers; each += 1) start()
    return generation
  }

  function workerEnded(
    generation: Generation,
    worker: Worker,
    { code, signal }: { code: number | null; signal: SignalName | null },
    startAnother: () => void,
  ): void {
    generation.workers.delete(worker)
    if (master.state === 'ended') return
    const { pid } = worker.process
    log('notice', `signal 17 (SIGCHLD) received from ${pid}`)
    if (signal === null) log('notice', `worker process ${pid} exited with code ${code ?? 0}`)
    else log('alert', `worker process ${pid} exited on signal ${signalNumber(signal)}`)
    if (!generation.isOver) return startAnother()
    if (generation.workers.size > 0) return
    generations = generations.filter((each) => each !== generation)
    void generation.shared.finish()
    leaveWhenEmpty()
  }

  function finish(generation: Generation, how: (worker: Worker) => void): void {
    generation.isOver = true
    for (const worker of generation.workers) how(worker)
  }

  /** One worker after the other; a stopped one does not take part. */
  let turn = 0
  function accept(connection: Connection): void {
    counts.accepted += 1
    const workers = [...(generations.at(-1)?.workers ?? [])]
    const running = workers.filter(({ process }) => process.state === 'running')
    const worker = running[turn++ % running.length] ?? workers[0]
    if (worker === undefined) return void connection.socket.destroy()
    worker.process.running().then(
      () => worker.accept(connection),
      () => connection.socket.destroy(),
    )
  }

  const listen = (next: Settings): void =>
    listeners.replace(wantedSockets(next).map((at) => ({ ...at, nonlocal: false, accept })))

  function reload(): void {
    if (phase === 'ending') return
    if (phase === 'reloading') {
      reloadAgain = true
      return
    }
    phase = 'reloading'
    log('notice', 'reconfiguring')
    void tryNext().then(() => {
      if (phase === 'reloading') phase = 'running'
      if (reloadAgain) {
        reloadAgain = false
        reload()
      }
    })
  }

  async function tryNext(): Promise<void> {
    let next: Settings
    try {
      next = load((message) => log('warn', message))
    } catch (thrown) {
      if (!(thrown instanceof ConfigError)) throw thrown
      return log('emerg', thrown.message)
    }
    if (!(await awaitSockets(machine, next, listeners.bindings(), master.pid, log)) || isEnding()) return
    listen(next)
    if (next.pidFile !== settings.pidFile) movePidFile(settings.pidFile, next.pidFile)
    settings = next
    log('notice', 'using the "epoll" event method')
    const before = [...generations]
    begin(next)
    clock.after(retireAfterMs, () => {
      for (const generation of before) finish(generation, (worker) => worker.retire())
    })
  }

  const isEnding = (): boolean => phase === 'ending'

  function stopAccepting(): void {
    listeners.replace([])
    for (const generation of [...generations]) finish(generation, (worker) => worker.retire())
  }

  function end(how: (worker: Worker) => void): void {
    phase = 'ending'
    listeners.replace([])
    for (const generation of [...generations]) finish(generation, how)
    leaveWhenEmpty()
  }

  function leaveWhenEmpty(): void {
    if (phase !== 'ending' || generations.length > 0 || master.state === 'ended') return
    log('notice', 'exit')
    removePidFile(settings.pidFile)
    master.exit(0)
  }

  /** What is said of it still goes into the old ones. */
  function reopen(): void {
    for (const { pid } of [master, ...everyWorker().map(({ process }) => process)])
      writeErrorLog(machine, settings.errorLogs, 'notice', pid, 'reopening logs')
    openLogs(machine, settings, 0)
    for (const path of settings.logFiles) if (files.exists(path)) files.setOwner(path, settings.workerUid, files.stat(path).gid)
  }

  /** Workers of a master that was killed serve on: the sockets are theirs as well. */
  function adopt(): void {
    const [heir] = generations.at(-1)?.workers ?? []
    if (heir === undefined) return
    listeners = createListenerSet(machine.network, heir.process.pid)
    listen(settings)
  }

  function movePidFile(from: string, to: string): void {
    files.write(to, `${master.pid}\n`)
    removePidFile(from)
  }

  function removePidFile(path: string): void {
    try {
      files.remove(path)
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      log('alert', `unlink() "${path}" failed (${errnoText(thrown)})`)
    }
  }

  listen(first)
  files.write(first.pidFile, `${master.pid}\n`)
  begin(first)
  return master
}
