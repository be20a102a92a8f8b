/**
 * Starts the practice fleet in a thread of its own and speaks with it. The thread ends with the process in any case; when it ends by
 * itself, whoever waits for an answer and `ended` are told why.
 */
import { Worker } from 'node:worker_threads'
import type { Inventory, PracticeDeed, PracticeFacts, PracticeRepair, PracticeSize } from '#contract'
import type { FromWorker, ToWorker, WorkerStart } from './fleet/worker-messages.ts'

export interface HostedFleet {
  readonly inventory: Inventory
  status(): Promise<PracticeFacts>
  do(deed: PracticeDeed): Promise<PracticeFacts>
  revert(repair: PracticeRepair): Promise<PracticeFacts>
  close(): Promise<void>
}

export interface HostOptions {
  folder: string
  size: PracticeSize
  told: (facts: PracticeFacts) => void
  ended: (why: string) => void
}

/** Beside this file as long as it is a source; the build makes one file of it next to the shells. */
const workerFile = import.meta.url.endsWith('.ts')
  ? new URL('./fleet/worker.ts', import.meta.url)
  : new URL('../practice-worker.js', import.meta.url)

const closeTimeoutMs = 5000
/** how long a thread that was told to end may take */
const terminateMs = 2000

export async function hostFleet({ folder, size, told, ended }: HostOptions): Promise<HostedFleet> {
  const start: WorkerStart = { folder, size }
  const worker = new Worker(workerFile, { workerData: start, execArgv: [], env: {}, name: 'practice fleet' })
  const waiting = new Map<number, { resolve: (facts: PracticeFacts) => void; reject: (why: Error) => void }>()
  let lastId = 0
  let isOpen = false
  let closing = false
  const exited = new Promise<void>((resolve) => void worker.once('exit', () => resolve()))

  const opened = new Promise<Inventory>((resolve, reject) => {
    let why = 'The thread of the practice fleet ended.'
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'opened') {
        isOpen = true
        resolve(message.inventory)
      } else if (message.kind === 'failed') why = message.message
      else if (message.kind === 'told') told(message.facts)
      else {
        const asked = waiting.get(message.id)
        waiting.delete(message.id)
        if (message.kind === 'reply') asked?.resolve(message.facts)
        else asked?.reject(new Error(message.message))
      }
    })
    worker.on('error', (thrown) => {
      why = `The practice fleet stopped: ${thrown instanceof Error ? thrown.message : String(thrown)}`
    })
    worker.on('exit', () => {
      reject(new Error(why))
      for (const { reject: refuse } of waiting.values()) refuse(new Error(why))
      waiting.clear()
      if (isOpen && !closing) ended(why)
    })
  })

  function ask(call: { kind: 'status' } | { kind: 'do'; deed: PracticeDeed } | { kind: 'revert'; repair: PracticeRepair }) {
    const id = (lastId += 1)
    return new Promise<PracticeFacts>((resolve, reject) => {
      if (closing) return reject(new Error('The practice fleet is being closed.'))
      waiting.set(id, { resolve, reject })
      send({ ...call, id })
    })
  }
  const send = (call: ToWorker): void => worker.postMessage(call)

  return {
    inventory: await opened,
    status: () => ask({ kind: 'status' }),
    do: (deed) => ask({ kind: 'do', deed }),
    revert: (repair) => ask({ kind: 'revert', repair }),
    async close() {
      closing = true
      send({ kind: 'close', id: 0 })
      const late = setTimeout(() => endThread(worker, exited), closeTimeoutMs)
      await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, closeTimeoutMs + terminateMs).unref())])
      clearTimeout(late)
    },
  }
}

/**
 * Ends a thread that did not end by itself, which one whose fleet closed well does. Node 24.21 was seen to spin for ever in the teardown of a
 * thread, for a reason not found; the process could not end either, because it waits for its threads. When a process exits everything is
 * saved, so it is killed then, in this case alone.
 */
function endThread(worker: Worker, exited: Promise<void>): void {
  const killProcess = (): void => void process.kill(process.pid, 'SIGKILL')
  process.once('exit', killProcess)
  void exited.then(() => process.off('exit', killProcess))
  void worker.terminate()
}
