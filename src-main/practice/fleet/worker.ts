/** The thread that the practice fleet lives in, so that its bytes never hold up the console's own event loop. See worker-host.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../machine/system-clock.ts'
import { openFleet } from './practice-fleet.ts'
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts'

const tellEveryMs = 2000
const { folder, size } = workerData as WorkerStart
const post = (message: FromWorker): void => parentPort?.postMessage(message)
const sentence = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

try {
  const fleet = await openFleet({ folder, size, told: (facts) => post({ kind: 'told', facts }) })
  let cancelTick = (): void => undefined
  const tick = (): void => {
    cancelTick = systemClock.after(tellEveryMs, () => {
      post({ kind: 'told', facts: fleet.facts() })
      tick()
    })
  }
  const answer = async (call: ToWorker): Promise<void> => {
    try {
      if (call.kind === 'close') {
        cancelTick()
        await fleet.close()
        // without a listener on its port the thread ends
        return void parentPort?.close()
      }
      const facts =
        call.kind === 'do'
          ? await fleet.do(call.deed)
          : call.kind === 'revert'
            ? await fleet.revert(call.repair)
            : fleet.facts()
      post({ kind: 'reply', id: call.id, facts })
    } catch (thrown) {
      post({ kind: 'refusal', id: call.id, message: sentence(thrown) })
    }
  }
  parentPort?.on('message', (call: ToWorker) => void answer(call))
  tick()
  post({ kind: 'opened', inventory: fleet.inventory })
} catch (thrown) {
  post({ kind: 'failed', message: sentence(thrown) })
}
