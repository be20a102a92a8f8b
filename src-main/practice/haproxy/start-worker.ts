import type { ListenerSet } from '../traffic/traffic.ts'
import { PosixError, type Machine, type ProcessSpec } from '../machine/machine.ts'
import { openWorkerSockets } from './cli/open-sockets.ts'
import type { Reporter } from './config/reporter.ts'
import type { RunningConfig } from './config/settings.ts'
import { createWorker, type Worker } from './worker/worker.ts'

export interface StartedWorker {
  readonly worker: Worker
  readonly listeners: ListenerSet
  /** opened once the worker before it has closed its own */
  openSockets(): void
  closeSockets(): void
}

/**
 * Makes the process and its proxies; nothing listens yet.
 * @param listenersOf the sockets of its master, or those of the process itself
 */
export function startWorker(
  machine: Machine,
  config: RunningConfig,
  listenersOf: (pid: number) => ListenerSet,
  spec: Pick<ProcessSpec, 'argv' | 'parentPid' | 'environment' | 'cwd' | 'onSignal' | 'onExit'>,
): StartedWorker {
  const process = machine.processes.spawn({
    ...spec,
    exe: '/usr/sbin/haproxy',
    uid: config.global.uid,
    onExit(end) {
      started.closeSockets()
      worker.engine.finishNow()
      void worker.engine.finish()
      spec.onExit?.(end)
    },
  })
  const listeners = listenersOf(process.pid)
  const worker = createWorker({ machine, config, listeners, process })
  let sockets: { close(): void } | null = null
  const started: StartedWorker = {
    worker,
    listeners,
    openSockets() {
      sockets = openWorkerSockets(worker)
    },
    closeSockets() {
      sockets?.close()
      sockets = null
    },
  }
  return started
}

/** Binds what the worker wants. What is in use is told in the daemon's words; then everything listens as before. */
export function bind({ worker, listeners }: StartedWorker, report: Reporter | null): boolean {
  try {
    listeners.replace(worker.bindings(), worker.process.pid)
    return true
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
    const { frontends } = worker
    for (const { proxy } of frontends) {
      const taken = proxy.binds.find(
        ({ address, port }) => !listeners.bindings().some((one) => one.address === address && one.port === port),
      )
      if (taken === undefined) continue
      const address = taken.address === '*' ? '0.0.0.0' : taken.address
      report?.alert(`Starting frontend ${proxy.name}: cannot bind socket (${thrown.message}) [${address}:${taken.port}]`)
    }
    return false
  }
}
