import type { Duplex } from 'node:stream'
import type { Machine, PracticeProcess } from '../../machine/machine.ts'
import type { Worker } from '../worker/worker.ts'
import { executeOnMaster, type MasterView } from './master-commands.ts'
import { createSlots, serveCli, type CliSession } from './session.ts'
import { executeOnWorker } from './worker-commands.ts'

/** The runtime sockets of a worker's configuration. Throws PosixError when one cannot be made; then none is. */
export function openWorkerSockets(worker: Worker): { close(): void } {
  const { machine, config, process } = worker
  const slots = createSlots(config.global.statsMaxconn)
  const open: { close(): void }[] = []
  const closeAll = (): void => {
    for (const socket of open) socket.close()
  }
  try {
    for (const { path, level, mode, uid, gid } of config.global.sockets) {
      const accept = (stream: Duplex): void =>
        slots.take((release) => {
          const session: CliSession = {
            level,
            interactive: false,
            timeoutMs: config.global.statsTimeoutMs,
            prompt: '> ',
            stays: false,
            execute: (words, own) => executeOnWorker(worker, words, own),
          }
          serveCli(stream, { clock: machine.clock, process, session, closed: release })
        })
      open.push(machine.sockets.listen(path, { mode, uid, gid }, accept))
    }
  } catch (thrown) {
    closeAll()
    throw thrown
  }
  return { close: closeAll }
}

/** time limits of the master's socket are its own; a minute's silence closes it */
const masterTimeoutMs = 60_000

/** The master's socket: `close` also resets its connections, as a reload does. */
export function openMasterSocket(
  machine: Machine,
  process: PracticeProcess,
  bind: { path: string; mode: number; uid: number; gid: number },
  master: MasterView,
): { close(): void } {
  const streams = new Set<Duplex>()
  const listener = machine.sockets.listen(bind.path, bind, (stream) => {
    streams.add(stream)
    const session: CliSession = {
      level: 'admin',
      interactive: false,
      timeoutMs: masterTimeoutMs,
      prompt: 'master> ',
      stays: true,
      execute: (words, own) => executeOnMaster(master, words, own),
    }
    serveCli(stream, { clock: machine.clock, process, session, closed: () => void streams.delete(stream) })
  })
  return {
    close() {
      listener.close()
      for (const stream of streams) stream.destroy()
    },
  }
}
