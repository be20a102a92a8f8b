import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { ServerId } from '#contract'

/** What is selected in the window: one set of servers, whichever page shows them. Order is the order of selection. */
export const useSelectionStore = defineStore('selection', () => {
  const servers = shallowRef<ReadonlySet<ServerId>>(new Set())
  const set = (ids: Iterable<ServerId>) => (servers.value = new Set(ids))

  function toggle(id: ServerId) {
    const next = new Set(servers.value)
    if (!next.delete(id)) next.add(id)
    servers.value = next
  }

  return { servers, set, toggle, clear: () => set([]) }
})
