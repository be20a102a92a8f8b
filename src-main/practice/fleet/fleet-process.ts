/**
 * The process that the practice fleet lives in, so that its bytes never hold up the console's event loop and its end never takes the
 * console with it. It does as it is told until it is killed. See ../fleet-host.ts.
 */
import type { PracticeSize } from '#contract'
import { systemClock } from '../machine/system-clock.ts'
import { consoleChannel } from './console-channel.ts'
import type { ToFleet } from './fleet-messages.ts'
import { openFleet, type OpenFleet } from './practice-fleet.ts'

const tellEveryMs = 2000
const { post, onCall } = consoleChannel()
let fleet: OpenFleet | null = null

const sentence = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
const fail = (thrown: unknown): void => post({ kind: 'failed', message: sentence(thrown) })

function tick(): void {
  systemClock.after(tellEveryMs, () => {
    if (fleet === null) return
    post({ kind: 'told', facts: fleet.facts() })
    tick()
  })
}

async function open(folder: string, size: PracticeSize): Promise<void> {
  fleet = await openFleet({ folder, size, told: (facts) => post({ kind: 'told', facts }) })
  tick()
  post({ kind: 'opened', inventory: fleet.inventory })
}

async function answer(call: ToFleet): Promise<void> {
  if (call.kind === 'open') return open(call.folder, call.size)
  if (fleet === null) return
  if (call.kind === 'close') {
    const closing = fleet
    fleet = null
    await closing.close()
    return post({ kind: 'closed' })
  }
  try {
    const facts =
      call.kind === 'do' ? await fleet.do(call.deed) : call.kind === 'revert' ? await fleet.revert(call.repair) : fleet.facts()
    post({ kind: 'reply', id: call.id, facts })
  } catch (thrown) {
    post({ kind: 'refusal', id: call.id, message: sentence(thrown) })
  }
}

onCall((call) => void answer(call).catch(fail))
process.on('uncaughtException', fail)
// Ctrl-C in a terminal goes to both processes, and the console, which needs its nodes to end well, kills this one when it is done.
process.on('SIGINT', () => undefined)
process.on('SIGHUP', () => undefined)
