import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { HostDescription, Lease } from '#contract'
import { callErrorFrom, type CallError } from '../bridge/call-error.ts'
import { useClient } from '../bridge/client.ts'
import type { LinkState } from '../bridge/transport.ts'

/** Who we talk to: the link, what this host can do, and whether we drive or only watch. */
export const useHostStore = defineStore('host', () => {
  const client = useClient()
  const link = shallowRef<LinkState>('connecting')
  const description = shallowRef<HostDescription | null>(null)
  const lease = shallowRef<Lease | null>(null)
  const error = shallowRef<CallError | null>(null)

  async function describe() {
    try {
      description.value = await client.call('host.describe', {})
      lease.value = description.value.lease
      error.value = null
    } catch (thrown) {
      error.value = callErrorFrom(thrown)
    }
  }

  /** Reading pauses when nobody looks: main is told whenever the window is shown or hidden. */
  function tellVisibility() {
    client.call('host.watch', { visible: document.visibilityState === 'visible' }).catch((thrown: unknown) => {
      error.value = callErrorFrom(thrown)
    })
  }

  function follow(): () => void {
    const offLease = client.on('lease.changed', (next) => (lease.value = next))
    const offLink = client.onLink((state) => {
      link.value = state
      if (state !== 'open') return
      void describe()
      tellVisibility()
    })
    document.addEventListener('visibilitychange', tellVisibility)
    return () => {
      offLease()
      offLink()
      document.removeEventListener('visibilitychange', tellVisibility)
    }
  }

  return { link, description, lease, error, isViewer: computed(() => lease.value?.role === 'viewer'), follow }
})
