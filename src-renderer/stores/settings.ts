import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { Settings } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

/** Settings of the data folder. Appearance is the window's own, see appearance.ts. */
export const useSettingsStore = defineStore('settings', () => {
  const client = useClient()
  const settings = shallowRef<Settings | null>(null)
  const call = createCallState()

  function follow(): () => void {
    const offEvents = client.on('settings.changed', (next) => (settings.value = next))
    const offLink = client.onLink((state) => {
      if (state === 'open') void call.run(async () => void (settings.value = await client.call('settings.get', {})))
    })
    return () => {
      offEvents()
      offLink()
    }
  }

  return {
    settings,
    busy: call.busy,
    error: call.error,
    follow,
    /** Brings a git repository up to date, and names it as the one that is kept so; empty: none is. Gives how many commits it took. */
    async mirror(folder: string): Promise<number | null> {
      let commits: number | null = null
      await call.run(async () => {
        if (folder !== '') commits = (await client.call('config.mirror', { folder })).commits
        const kept = settings.value ?? (await client.call('settings.get', {}))
        settings.value = await client.call('settings.put', { ...kept, mirrorFolder: folder })
      })
      return commits
    },
    put: (next: Settings) => call.run(async () => void (settings.value = await client.call('settings.put', next))),
  }
})
