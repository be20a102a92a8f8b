import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import type { DrainId, DrainPlace, DrainView, ServerId } from '#contract'
import { useClient } from '../bridge/client.ts'
import { createCallState } from './call-state.ts'
import { withChanges } from './fleet-index.ts'

const KNOWN_DRAINS = 200
/** readings of a place that are kept for its falling line */
const TRAIL_POINTS = 900

export interface TrailPoint {
  readonly at: number
  /** on the present worker and on old ones; null = not all of them could be counted */
  readonly value: number | null
}
export type Steering = 'hold' | 'resume' | 'finishNow' | 'putBack' | 'goOn' | 'stopHere'

export const placeKey = ({ nodeId, serverId }: Pick<DrainPlace, 'nodeId' | 'serverId'>): string => `${nodeId} ${serverId}`

/** Drains as main last told them: those in force, and the newest that are over. */
export const useDrainsStore = defineStore('drains', () => {
  const client = useClient()
  const byId = shallowRef<ReadonlyMap<DrainId, DrainView>>(new Map())
  const loaded = shallowRef(false)
  const loading = createCallState()
  const steering = createCallState()
  /** whose buttons are at work, and whose call failed */
  const steered = shallowRef<DrainId | null>(null)
  /** Not reactive: a trail grows only with its drain, which is. */
  const trails = new Map<DrainId, Map<string, TrailPoint[]>>()

  let fresh: Map<DrainId, DrainView> | null = null

  const newestFirst = computed(() => [...byId.value.values()].sort((a, b) => b.createdAt - a.createdAt))
  const open = computed(() => newestFirst.value.filter(({ endedAt }) => endedAt === null))
  const openByServer = computed<ReadonlyMap<ServerId, DrainView>>(
    () =>
      new Map(
        open.value.flatMap((drain) =>
          drain.places
            .filter(({ phase }) => phase !== 'gone' && phase !== 'restored')
            .map(({ serverId }) => [serverId, drain] as const),
        ),
      ),
  )

  function note({ id, places }: DrainView) {
    const trail = trails.get(id) ?? new Map<string, TrailPoint[]>()
    trails.set(id, trail)
    for (const place of places) {
      if (place.left === null) continue
      const points = trail.get(placeKey(place)) ?? []
      const { at, sessions, oldSessions } = place.left
      if ((points.at(-1)?.at ?? 0) >= at) continue
      points.push({ at, value: oldSessions === null ? null : sessions + oldSessions })
      trail.set(placeKey(place), points.slice(-TRAIL_POINTS))
    }
  }

  function keep(...drains: DrainView[]) {
    drains.forEach(note)
    byId.value = withChanges(byId.value, drains, [])
  }

  /** What changes while the list is on its way is newer than the list. */
  async function load(): Promise<void> {
    const since = new Map<DrainId, DrainView>()
    fresh = since
    await loading.run(async () => {
      keep(...(await client.call('drain.list', { open: false, limit: KNOWN_DRAINS })), ...since.values())
      loaded.value = true
    })
    if (fresh === since) fresh = null
  }

  function follow(): () => void {
    const offEvents = client.on('drain.changed', (drain) => {
      fresh?.set(drain.id, drain)
      keep(drain)
    })
    const offLink = client.onLink((state) => state === 'open' && void load())
    return () => {
      offEvents()
      offLink()
    }
  }

  async function steer(how: Steering, drain: DrainId): Promise<boolean> {
    steered.value = drain
    return steering.run(async () => keep(await client.call(`drain.${how}`, { drain })))
  }

  return {
    byId,
    newestFirst,
    open,
    openByServer,
    loaded,
    loadError: loading.error,
    follow,
    load,
    keep,
    steer,
    steering: steering.busy,
    steerError: steering.error,
    steered,
    /** Read after the drain itself, so that a reader follows it. */
    trailOf: (drain: DrainId): ReadonlyMap<string, readonly TrailPoint[]> => trails.get(drain) ?? new Map(),
  }
})
