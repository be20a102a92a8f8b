import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { AdminState, JobId, NodeId, OperationPlan, ServerId } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { useFleetStore } from './fleet.ts'
import { useJobsStore } from './jobs.ts'

interface Draft {
  servers: readonly ServerId[]
  state: AdminState
}

/** The one operation sheet of the window: a plan to look at, then the job that carries it out. */
export const useOperationsStore = defineStore('operations', () => {
  const client = useClient()
  const fleet = useFleetStore()
  const jobs = useJobsStore()
  const draft = shallowRef<Draft | null>(null)
  const plan = shallowRef<OperationPlan | null>(null)
  const reason = shallowRef('')
  /** the operator chose to leave out the balancers that cannot be read */
  const withoutUnreachable = shallowRef(false)
  const jobId = shallowRef<JobId | null>(null)
  const planning = createCallState()
  const starting = createCallState()
  let planAbort: AbortController | null = null

  const job = computed(() => (jobId.value === null ? null : (jobs.byId.get(jobId.value) ?? null)))
  const reachableNodes = computed<NodeId[]>(() => [...new Set(plan.value?.steps.map((step) => step.nodeId) ?? [])])
  const canStart = computed(
    () =>
      plan.value !== null &&
      plan.value.steps.length > 0 &&
      !planning.busy.value &&
      (plan.value.unreachable.length === 0 || withoutUnreachable.value),
  )

  /** Opens the sheet and asks main what putting these servers into `state` would do now. */
  async function openPlan(servers: readonly ServerId[], state: AdminState): Promise<void> {
    if (servers.length === 0) return
    draft.value = { servers: [...servers], state }
    plan.value = null
    reason.value = ''
    withoutUnreachable.value = false
    jobId.value = null
    starting.error.value = null
    await replan()
  }

  /** Asks again, for a plan that was left lying while the fleet moved on. */
  async function replan(): Promise<void> {
    const wanted = draft.value
    if (!wanted) return
    planAbort?.abort()
    const abort = new AbortController()
    planAbort = abort
    await planning.run(async () => {
      const answer = await client.call(
        'server.planState',
        { servers: [...wanted.servers], state: wanted.state },
        { signal: abort.signal },
      )
      if (draft.value === wanted) plan.value = answer
    })
  }

  async function start(): Promise<void> {
    const wanted = draft.value
    if (!wanted || !canStart.value) return
    await starting.run(async () => {
      const text = reason.value.trim()
      const answer = await client.call('server.setState', {
        servers: [...wanted.servers],
        state: wanted.state,
        ...(withoutUnreachable.value ? { nodes: reachableNodes.value } : {}),
        ...(text === '' ? {} : { reason: text }),
      })
      if (draft.value === wanted) jobId.value = answer.jobId
      await jobs.fetch(answer.jobId)
    })
  }

  function close(): void {
    planAbort?.abort()
    draft.value = null
    plan.value = null
    jobId.value = null
  }

  return {
    draft,
    plan,
    reason,
    withoutUnreachable,
    job,
    jobId,
    canStart,
    planning: planning.busy,
    planError: planning.error,
    starting: starting.busy,
    startError: starting.error,
    names: computed(() => (draft.value?.servers ?? []).map((id) => fleet.servers.get(id)?.name ?? id)),
    openPlan,
    replan,
    start,
    close,
  }
})
