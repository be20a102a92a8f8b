import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { DrillReadiness, DrillTrend, RouterId } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'

interface Judged {
  busy: boolean
  readiness: DrillReadiness | null
  trend: DrillTrend[]
  error: CallError | null
}

/** Whether the standby of a virtual router could take over, as far as somebody has asked, and when that was last proven. */
export const useReadinessStore = defineStore('readiness', () => {
  const client = useClient()
  const byRouter = shallowRef<ReadonlyMap<RouterId, Judged>>(new Map())
  const put = (router: RouterId, judged: Judged) => (byRouter.value = new Map(byRouter.value).set(router, judged))

  /** Asks every member, which takes some seconds. */
  async function judge(router: RouterId): Promise<void> {
    const before = byRouter.value.get(router) ?? { readiness: null, trend: [] }
    if ('busy' in before && before.busy) return
    put(router, { ...before, busy: true, error: null })
    try {
      const [readiness, trend] = await Promise.all([
        client.call('drills.readiness', { router }),
        client.call('drills.trend', { router }),
      ])
      put(router, { busy: false, readiness, trend, error: null })
    } catch (thrown) {
      put(router, { ...before, busy: false, error: callErrorFrom(thrown) })
    }
  }

  return { byRouter, judge }
})
