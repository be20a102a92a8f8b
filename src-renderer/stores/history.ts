import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { HistoryEntry } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'

const PAGE = 200

/** What happened, newest first: what was loaded, with what is appended while the window is open. */
export const useHistoryStore = defineStore('history', () => {
  const client = useClient()
  const byId = shallowRef<ReadonlyMap<number, HistoryEntry>>(new Map())
  const exhausted = shallowRef(false)
  const loaded = shallowRef(false)
  const loading = createCallState()

  const newestFirst = computed(() => [...byId.value.values()].sort((a, b) => b.id - a.id))

  function keep(entries: readonly HistoryEntry[]) {
    if (entries.length === 0) return
    byId.value = new Map([...byId.value, ...entries.map((entry) => [entry.id, entry] as const)])
  }

  const loadNewest = () =>
    loading.run(async () => {
      const page = await client.call('history.list', { limit: PAGE })
      keep(page)
      exhausted.value = page.length < PAGE
      loaded.value = true
    })

  /** The page before the oldest entry known; `before` is an entry id. */
  const loadOlder = () =>
    loading.run(async () => {
      const oldest = newestFirst.value.at(-1)
      if (!oldest) return
      const page = await client.call('history.list', { limit: PAGE, before: oldest.id })
      keep(page)
      exhausted.value = page.length < PAGE
    })

  function follow(): () => void {
    const offEvents = client.on('history.appended', keep)
    const offLink = client.onLink((state) => state === 'open' && void loadNewest())
    return () => {
      offEvents()
      offLink()
    }
  }

  return {
    newestFirst,
    exhausted,
    loaded,
    loading: loading.busy,
    error: loading.error,
    follow,
    loadNewest,
    loadOlder,
    /** The newest entries about one subject, or of some kinds, for a drawer; not kept. */
    about: (subject: string, limit = 50): Promise<HistoryEntry[]> => client.call('history.list', { subject, limit }),
  }
})
