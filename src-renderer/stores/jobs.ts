import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { JobId, JobView } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { withChanges } from './fleet-index.ts'

const FIRST_JOBS = 50

/** Operations: those under way and the newest that ended. */
export const useJobsStore = defineStore('jobs', () => {
  const client = useClient()
  const byId = shallowRef<ReadonlyMap<JobId, JobView>>(new Map())
  const undoing = createCallState()

  const newestFirst = computed(() => [...byId.value.values()].sort((a, b) => b.createdAt - a.createdAt))
  const running = computed(() => newestFirst.value.filter((job) => job.state !== 'ended'))

  const keep = (...jobs: JobView[]) => (byId.value = withChanges(byId.value, jobs, []))

  async function fetch(job: JobId): Promise<JobView> {
    const answer = await client.call('job.get', { job })
    // An event that overtook this answer is newer than it.
    const known = byId.value.get(job)
    if (known?.state === 'ended' && answer.state !== 'ended') return known
    keep(answer)
    return answer
  }

  function follow(): () => void {
    let fresh: Map<JobId, JobView> | null = null
    const offEvents = client.on('job.changed', (job) => {
      fresh?.set(job.id, job)
      keep(job)
    })
    const offLink = client.onLink((state) => {
      if (state !== 'open') return
      const since = new Map<JobId, JobView>()
      fresh = since
      client.call('job.list', { limit: FIRST_JOBS }).then(
        (list) => {
          keep(...list, ...since.values())
          fresh = null
        },
        () => (fresh = null), // the link broke again; the next one asks again
      )
    })
    return () => {
      offEvents()
      offLink()
    }
  }

  return {
    byId,
    newestFirst,
    running,
    undoing: undoing.busy,
    undoError: undoing.error,
    follow,
    fetch,
    /** Puts back the recorded state; the new job appears by itself. */
    undo: (job: JobId) => undoing.run(async () => void (await fetch((await client.call('job.undo', { job })).jobId))),
    cancel: (job: JobId) => undoing.run(async () => void (await client.call('job.cancel', { job }))),
  }
})
