import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { DrillScheduleId, DrillScheduleRequest, DrillScheduleView } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

/** Drills that are carried out at set times, and what became of the last ones. */
export const useDrillSchedulesStore = defineStore('drillSchedules', () => {
  const client = useClient()
  const schedules = shallowRef<readonly DrillScheduleView[] | null>(null)
  const loading = createCallState()
  const changing = createCallState()

  const load = () => loading.run(async () => void (schedules.value = await client.call('drills.schedules', {})))

  /** False: it was refused, and `changeError` says why. */
  const add = (request: DrillScheduleRequest) =>
    changing.run(async () => {
      await client.call('drills.schedule', request)
      await load()
    })
  const remove = (schedule: DrillScheduleId) =>
    changing.run(async () => {
      await client.call('drills.unschedule', { schedule })
      await load()
    })

  return {
    schedules,
    load,
    loadError: loading.error,
    add,
    remove,
    changing: changing.busy,
    changeError: changing.error,
  }
})
