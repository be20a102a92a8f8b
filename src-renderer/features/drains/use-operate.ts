import { useRouter } from 'vue-router'
import type { AdminState, ServerId } from '#contract'
import { useDrainDraftStore } from '../../stores/drain-draft.ts'
import { useDrainsStore } from '../../stores/drains.ts'
import { useHostStore } from '../../stores/host.ts'
import { useOperationsStore } from '../../stores/operations.ts'

/**
 * What an operator's wish about servers opens: a drain has a sheet of its own, and what is kept out by a drain goes back with that
 * drain. Everything else is one operation.
 */
export function useOperate(): (servers: readonly ServerId[], state: AdminState) => void {
  const router = useRouter()
  const host = useHostStore()
  const operations = useOperationsStore()
  const drains = useDrainsStore()
  const draft = useDrainDraftStore()

  return (servers, state) => {
    if (host.isViewer) return
    if (state === 'drain') return draft.open(servers)
    const keeping = new Set(servers.flatMap((id) => drains.openByServer.get(id) ?? []))
    if (state !== 'ready' || keeping.size === 0) return void operations.openPlan(servers, state)
    // Nothing comes back that was not named: the drain itself shows what else it keeps out.
    const wider = [...keeping].find(({ places }) => places.some(({ serverId }) => !servers.includes(serverId)))
    if (wider !== undefined) return void router.push({ path: '/drains', query: { drain: wider.id } })
    void (async () => {
      // One after the other: each asks the same balancers.
      for (const { id } of keeping) if (!(await drains.steer('putBack', id))) return
    })()
  }
}
