import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { NodeId, PushId, PushRecord, StandingPush } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { withChanges } from './fleet-index.ts'

const KNOWN_PUSHES = 50

/** Pushes of this console as main last told them, and what pushes have left standing on the nodes, whoever's they are. */
export const usePushesStore = defineStore('pushes', () => {
  const client = useClient()
  const byId = shallowRef<ReadonlyMap<PushId, PushRecord>>(new Map())
  const standing = shallowRef<readonly StandingPush[]>([])
  const steering = createCallState()
  const settling = createCallState()
  /** the guard whose buttons are at work, or whose call failed */
  const settled = shallowRef<string | null>(null)
  let fresh: Map<PushId, PushRecord> | null = null

  const newestFirst = computed(() => [...byId.value.values()].sort((a, b) => b.createdAt - a.createdAt))
  const keep = (...pushes: PushRecord[]) => (byId.value = withChanges(byId.value, pushes, []))

  /** What changes while the list is on its way is newer than the list. */
  async function load(): Promise<void> {
    const since = new Map<PushId, PushRecord>()
    fresh = since
    await steering.run(async () => {
      keep(...(await client.call('push.list', { limit: KNOWN_PUSHES })), ...since.values())
    })
    if (fresh === since) fresh = null
  }

  function follow(): () => void {
    const offEvents = client.on('push.changed', (push) => {
      fresh?.set(push.id, push)
      keep(push)
    })
    const offLink = client.onLink((state) => state === 'open' && void load())
    return () => {
      offEvents()
      offLink()
    }
  }

  /** One that is older than the list. */
  const fetch = (push: PushId) => steering.run(async () => void keep(await client.call('push.get', { push })))

  /** Node by node: one that cannot be reached hides nothing of the others, and is told elsewhere. */
  async function look(nodes: readonly NodeId[]): Promise<void> {
    const found = await Promise.all(
      nodes.map((node) =>
        client.call('push.standing', { nodes: [node] }).catch(() => standing.value.filter(({ nodeId }) => nodeId === node)),
      ),
    )
    const asked = new Set(nodes)
    standing.value = [...standing.value.filter(({ nodeId }) => !asked.has(nodeId)), ...found.flat()]
  }

  async function settle({ nodeId, kind, id }: StandingPush, how: 'keep' | 'restore'): Promise<void> {
    settled.value = id
    await settling.run(async () => void (await client.call('push.settle', { node: nodeId, kind, id, how })))
    await look([nodeId])
  }

  return {
    byId,
    newestFirst,
    open: computed(() => newestFirst.value.filter(({ endedAt }) => endedAt === null)),
    /** left by somebody else, or by a console that has ended; those of pushes under way here end by themselves */
    left: computed(() => standing.value.filter(({ push }) => push === null)),
    follow,
    fetch,
    keep,
    look,
    settle,
    settled,
    settling: settling.busy,
    settleError: settling.error,
    stop: (push: PushId) => steering.run(async () => void keep(await client.call('push.stop', { push }))),
    steering: steering.busy,
    steerError: steering.error,
  }
})
