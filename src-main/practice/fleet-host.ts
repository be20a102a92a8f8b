/**
 * Starts the practice fleet in a process of its own and speaks with it. When that ends by itself, whoever waits for an answer and `ended`
 * are told why.
 */
import { fileURLToPath } from 'node:url'
import type { Inventory, PracticeDeed, PracticeFacts, PracticeRepair, PracticeSize } from '#contract'
import type { FromFleet, ToFleet } from './fleet/fleet-messages.ts'
import type { StartProcess } from './own-process.ts'

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
const programFile = import.meta.url.endsWith('.ts')
  ? new URL('./fleet/fleet-process.ts', import.meta.url)
  : new URL('../practice-fleet.js', import.meta.url)

/** how long a fleet that was told to close may take before its process is killed all the same */
const closeTimeoutMs = 5000

export async function hostFleet({ folder, size, told, ended }: HostOptions, start: StartProcess): Promise<HostedFleet> {
  const fleet = start(fileURLToPath(programFile))
  const waiting = new Map<number, { resolve: (facts: PracticeFacts) => void; reject: (why: Error) => void }>()
  const send = (call: ToFleet): void => fleet.send(call)
  let lastId = 0
  let why: string | null = null
  let isGone = false
  let isOpen = false
  let isClosing = false
  let letGo = (): void => undefined
  const gone = new Promise<void>((resolve) => (letGo = resolve))

  const opened = new Promise<Inventory>((resolve, reject) => {
    fleet.onMessage((message) => {
      const said = message as FromFleet
      if (said.kind === 'opened') {
        isOpen = true
        resolve(said.inventory)
      } else if (said.kind === 'told') told(said.facts)
      else if (said.kind === 'closed') fleet.kill()
      else if (said.kind === 'failed') {
        why ??= said.message
        fleet.kill()
      } else {
        const asked = waiting.get(said.id)
        waiting.delete(said.id)
        if (said.kind === 'reply') asked?.resolve(said.facts)
        else asked?.reject(new Error(said.message))
      }
    })
    fleet.onGone((how) => {
      isGone = true
      const error = new Error(`The practice fleet stopped: ${why ?? how}`)
      reject(error)
      for (const asked of waiting.values()) asked.reject(error)
      waiting.clear()
      letGo()
      if (isOpen && !isClosing) ended(error.message)
    })
  })

  function ask(call: { kind: 'status' } | { kind: 'do'; deed: PracticeDeed } | { kind: 'revert'; repair: PracticeRepair }) {
    const id = (lastId += 1)
    return new Promise<PracticeFacts>((resolve, reject) => {
      if (isClosing || isGone) return reject(new Error('The practice fleet is closed.'))
      waiting.set(id, { resolve, reject })
      send({ ...call, id })
    })
  }

  send({ kind: 'open', id: 0, folder, size })
  return {
    inventory: await opened,
    status: () => ask({ kind: 'status' }),
    do: (deed) => ask({ kind: 'do', deed }),
    revert: (repair) => ask({ kind: 'revert', repair }),
    async close() {
      isClosing = true
      send({ kind: 'close', id: 0 })
      const late = setTimeout(() => fleet.kill(), closeTimeoutMs)
      await gone
      clearTimeout(late)
    },
  }
}
