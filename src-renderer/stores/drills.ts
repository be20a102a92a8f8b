import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { DrillId, DrillLever, DrillProgress, DrillRecord, DrillView } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { withChanges } from './fleet-index.ts'

const KNOWN_DRILLS = 100
export type ReportFormat = 'markdown' | 'html' | 'json'

/** Drills as main last told them, what a live one shows, and all that was gathered in the one that is looked at. */
export const useDrillsStore = defineStore('drills', () => {
  const client = useClient()
  const byId = shallowRef<ReadonlyMap<DrillId, DrillRecord>>(new Map())
  const progress = shallowRef<ReadonlyMap<DrillId, DrillProgress>>(new Map())
  const lever = shallowRef<DrillLever | null>(null)
  const view = shallowRef<DrillView | null>(null)
  const loaded = shallowRef(false)
  const loading = createCallState()
  const viewing = createCallState()
  const steering = createCallState()
  let viewed: DrillId | null = null
  let fresh: Map<DrillId, DrillRecord> | null = null

  const newestFirst = computed(() => [...byId.value.values()].sort((a, b) => b.createdAt - a.createdAt))
  const keep = (...drills: DrillRecord[]) => (byId.value = withChanges(byId.value, drills, []))

  /** What changes while the list is on its way is newer than the list. */
  async function load(): Promise<void> {
    const since = new Map<DrillId, DrillRecord>()
    fresh = since
    await loading.run(async () => {
      const [list, now] = await Promise.all([
        client.call('drills.list', { limit: KNOWN_DRILLS }),
        client.call('drills.lever', {}),
      ])
      keep(...list, ...since.values())
      lever.value = now
      loaded.value = true
    })
    if (fresh === since) fresh = null
  }

  /** All that was gathered in one drill; null looks at none. */
  async function look(drill: DrillId | null): Promise<void> {
    if (viewed !== drill) view.value = null
    viewed = drill
    if (drill === null) return
    await viewing.run(async () => {
      const answer = await client.call('drills.get', { drill })
      if (viewed === drill) view.value = answer
    })
  }

  function follow(): () => void {
    const offRecords = client.on('drill.changed', (drill) => {
      fresh?.set(drill.id, drill)
      keep(drill)
      if (drill.id === viewed) void look(drill.id)
    })
    const offProgress = client.on('drill.progressed', (now) => (progress.value = new Map(progress.value).set(now.id, now)))
    const offLink = client.onLink((state) => state === 'open' && void load())
    return () => {
      offRecords()
      offProgress()
      offLink()
    }
  }

  return {
    byId,
    progress,
    lever,
    view,
    newestFirst,
    open: computed(() => newestFirst.value.filter(({ endedAt }) => endedAt === null)),
    loaded,
    loadError: loading.error,
    viewError: viewing.error,
    load,
    look,
    keep,
    follow,
    stop: (drill: DrillId) => steering.run(async () => void keep(await client.call('drills.stop', { drill }))),
    stopAll: () => steering.run(async () => void keep(...(await client.call('drills.stopAll', {})))),
    setLever: (blocked: boolean, reason: string) =>
      steering.run(async () => void (lever.value = await client.call('drills.setLever', { blocked, reason }))),
    report: (drill: DrillId, format: ReportFormat) => client.call('drills.report', { drill, format }),
    reportPdf: (drill: DrillId) => client.call('drills.reportPdf', { drill }),
    steering: steering.busy,
    steerError: steering.error,
  }
})
