import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { DrainId, DrainPlan, InputOf } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { useDrainsStore } from './drains.ts'

type StartInput = InputOf<'drain.start'>
/** What the sheet asks for beside the servers and the reason; as the contract has it. */
export type DrainWishes = Omit<StartInput, 'targets' | 'reason' | 'nodes'>
type PlanWishes = Pick<DrainWishes, 'floor' | 'unchangeable' | 'waves'>

/** The drain that is being thought about: its plan, read again whenever what was asked for changes, then the drain itself. */
export const useDrainDraftStore = defineStore('drainDraft', () => {
  const client = useClient()
  const drains = useDrainsStore()
  /** server ids, or addresses; null = the sheet is closed */
  const targets = shallowRef<readonly string[] | null>(null)
  const plan = shallowRef<DrainPlan | null>(null)
  const startedId = shallowRef<DrainId | null>(null)
  const planning = shallowRef(false)
  const planError = shallowRef<CallError | null>(null)
  const starting = createCallState()
  let abort: AbortController | null = null

  /** Opens the sheet for these servers or addresses; the sheet asks for the plan. */
  function open(asked: readonly string[]): void {
    if (asked.length === 0) return
    targets.value = [...asked]
    plan.value = null
    startedId.value = null
    planError.value = null
    starting.error.value = null
  }

  /** Only the answer to the newest question counts. */
  async function replan(asked: readonly string[], wishes: PlanWishes): Promise<void> {
    abort?.abort()
    const own = new AbortController()
    abort = own
    planError.value = null
    planning.value = true
    try {
      const answer = await client.call('drain.plan', { targets: [...asked], ...wishes }, { signal: own.signal })
      if (abort === own) plan.value = answer
    } catch (thrown) {
      if (abort !== own) return
      plan.value = null
      planError.value = callErrorFrom(thrown)
    } finally {
      if (abort === own) planning.value = false
    }
  }

  async function start(asked: readonly string[], reason: string, wishes: DrainWishes): Promise<void> {
    await starting.run(async () => {
      const drain = await client.call('drain.start', { targets: [...asked], reason, ...wishes })
      drains.keep(drain)
      startedId.value = drain.id
    })
  }

  function close(): void {
    abort?.abort()
    abort = null
    targets.value = null
    plan.value = null
    planning.value = false
  }

  return {
    targets,
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
