import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { CatalogueEntry, DrillCheck, DrillId, FaultKind, RouterId } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { useDrillsStore } from './drills.ts'

/** The drill that is being thought about: what could be rehearsed, the plan as a document, its dry run. */
export const useDrillDraftStore = defineStore('drillDraft', () => {
  const client = useClient()
  const drills = useDrillsStore()
  const isOpen = shallowRef(false)
  const catalogue = shallowRef<readonly CatalogueEntry[] | null>(null)
  const text = shallowRef('')
  const check = shallowRef<DrillCheck | null>(null)
  const checking = shallowRef(false)
  const checkError = shallowRef<CallError | null>(null)
  const reading = createCallState()
  const starting = createCallState()
  let asked = ''
  let abort: AbortController | null = null

  function open(): void {
    isOpen.value = true
    reading.error.value = starting.error.value = checkError.value = null
    catalogue.value = check.value = null
    text.value = asked = ''
  }

  /** What each fault would do to this virtual router. */
  async function choose(router: RouterId): Promise<void> {
    asked = router
    catalogue.value = null
    await reading.run(async () => {
      const answer = await client.call('drills.catalogue', { router })
      if (asked === router) catalogue.value = answer
    })
  }

  /** A plan to begin with, in which the arithmetic is what is expected. */
  async function template(router: RouterId, fault: FaultKind, port: number): Promise<void> {
    await reading.run(async () => {
      text.value = (await client.call('drills.template', { router, fault, port })).text
    })
  }

  /** The dry run; only the answer to the newest document counts. */
  async function dryRun(): Promise<void> {
    abort?.abort()
    const own = new AbortController()
    abort = own
    checking.value = true
    checkError.value = null
    try {
      const answer = await client.call('drills.check', { text: text.value }, { signal: own.signal })
      if (abort === own) check.value = answer
    } catch (thrown) {
      if (abort !== own) return
      check.value = null
      checkError.value = callErrorFrom(thrown)
    } finally {
      if (abort === own) checking.value = false
    }
  }

  /** Answers the drill that has begun; null when it was refused, and `startError` says why. */
  async function start(reason: string): Promise<DrillId | null> {
    let begun: DrillId | null = null
    await starting.run(async () => {
      const drill = await client.call('drills.start', { text: text.value, reason })
      drills.keep(drill)
      begun = drill.id
    })
    if (begun !== null) close()
    return begun
  }

  function close(): void {
    abort?.abort()
    abort = null
    isOpen.value = checking.value = false
  }

  return {
    isOpen,
    catalogue,
    text,
    check,
    checking,
    checkError,
    reading: reading.busy,
    readError: reading.error,
    starting: starting.busy,
    startError: starting.error,
    open,
    choose,
    template,
    dryRun,
    start,
    close,
  }
})
