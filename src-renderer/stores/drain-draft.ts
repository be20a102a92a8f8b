import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { DrainId, DrainPlan, InputOf, ServerId } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { useDrainsStore } from './drains.ts'

type StartInput = InputOf<'drain.start'>
/** What the sheet asks for beside the servers and the reason; as the contract has it. */
export type DrainWishes = Omit<StartInput, 'targets' | 'reason' | 'nodes'>

/** The drain that is being thought about: its plan, read again whenever what was asked for changes, then the drain itself. */
export const useDrainDraftStore = defineStore('drainDraft', () => {
  const client = useClient()
  const drains = useDrainsStore()
  const servers = shallowRef<readonly ServerId[] | null>(null)
  const plan = shallowRef<DrainPlan | null>(null)
  const startedId = shallowRef<DrainId | null>(null)
  const planning = shallowRef(false)
  const planError = shallowRef<CallError | null>(null)
  const starting = createCallState()
  let abort: AbortController | null = null

  /** Opens the sheet for these servers; the sheet asks for the plan. */
  function open(ids: readonly ServerId[]): void {
    if (ids.length === 0) return
    servers.value = [...ids]
    plan.value = null
    startedId.value = null
    planError.value = null
    starting.error.value = null
  }

  /** Only the answer to the newest question counts. */
  async function replan(targets: readonly string[], wishes: Pick<DrainWishes, 'floor' | 'unreachable'>): Promise<void> {
    abort?.abort()
    const own = new AbortController()
    abort = own
    planError.value = null
    planning.value = true
    try {
      const answer = await client.call('drain.plan', { targets: [...targets], ...wishes }, { signal: own.signal })
      if (abort === own) plan.value = answer
    } catch (thrown) {
      if (abort !== own) return
      plan.value = null
      planError.value = callErrorFrom(thrown)
    } finally {
      if (abort === own) planning.value = false
    }
  }

  async function start(targets: readonly string[], reason: string, wishes: DrainWishes): Promise<void> {
    await starting.run(async () => {
      const drain = await client.call('drain.start', { targets: [...targets], reason, ...wishes })
      drains.keep(drain)
      startedId.value = drain.id
    })
  }

  function close(): void {
    abort?.abort()
    abort = null
    servers.value = null
    plan.value = null
    planning.value = false
  }

  return {
    servers,
    plan,
    started: computed(() => (startedId.value === null ? null : (drains.byId.get(startedId.value) ?? null))),
    planning,
    planError,
    starting: starting.busy,
    startError: starting.error,
    open,
    replan,
    start,
    close,
  }
})
