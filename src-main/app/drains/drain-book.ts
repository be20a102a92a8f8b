import type { DrainEvent, DrainId, DrainRecord, DrainView, HistoryEntry, NodeId } from '#contract'
import { AppError } from '../app-error.ts'
import type { Publish } from '../handlers-type.ts'
import type { HistoryService } from '../history-service.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrainRepo } from '../ports/store.ts'

/** More drains than this at once are not expected; the rest would be taken up when some have ended. */
const mostOpen = 500

const historyKinds: Partial<Record<DrainEvent['kind'], HistoryEntry['kind']>> = {
  started: 'drain.started',
  violated: 'drain.violated',
  reasserted: 'drain.repaired',
  empty: 'drain.empty',
  ended: 'drain.ended',
  failed: 'drain.ended',
}

export type DrainBook = ReturnType<typeof createDrainBook>

/**
 * The drains that have not ended, in memory as they are on disk. Whoever drives the data folder changes these records and then calls
 * `save`; everybody else reads what is stored.
 */
export function createDrainBook({
  repo,
  history,
  clock,
  publish,
  isDriver,
}: {
  repo: DrainRepo
  history: HistoryService
  clock: Clock
  publish: Publish
  isDriver: () => boolean
}) {
  const open = new Map<DrainId, DrainRecord>()
  const saved = new WeakMap<DrainRecord, string>()

  const viewOf = (drain: DrainRecord): DrainView => ({ ...structuredClone(drain), timeline: repo.timeline(drain.id) })

  function find(id: DrainId): DrainRecord {
    const drain = open.get(id) ?? repo.get(id)
    if (drain === null) throw new AppError('drain.not-found', `There is no drain ${id}.`, { details: { drain: id } })
    return drain
  }

  function save(drain: DrainRecord): void {
    if (!isDriver()) throw new AppError('host.viewer', 'Another process drives this data folder now.')
    const text = JSON.stringify(drain)
    if (saved.get(drain) === text) return
    repo.save(drain)
    saved.set(drain, text)
    if (drain.endedAt !== null) open.delete(drain.id)
    publish('drain.changed', viewOf(drain))
  }

  return {
    /** the records themselves */
    open: (): readonly DrainRecord[] => [...open.values()],
    /** Takes up what is stored, at the start and when this process becomes the driver. */
    takeUp() {
      open.clear()
      for (const drain of repo.list({ open: true, limit: mostOpen })) open.set(drain.id, drain)
    },
    /** another process drives now */
    letGo: () => open.clear(),
    add(drain: DrainRecord) {
      repo.create(drain)
      open.set(drain.id, drain)
    },
    find,
    save,
    /** Adds to the timeline, and to the history what the history is for. Told with the next `save`. */
    note(drain: DrainRecord, kind: DrainEvent['kind'], text: string, nodeId: NodeId | null = null) {
      const at = clock.now()
      repo.append(drain.id, { at, kind, nodeId, text })
      const inHistory = historyKinds[kind]
      if (inHistory === undefined) return
      const { title, owner, reason } = drain
      const servers = [...new Set(drain.places.map(({ serverId }) => serverId))]
      history.append([{ at, kind: inHistory, nodeId, subject: drain.id, data: { title, owner, reason, servers, text } }])
    },
    viewOf,
    list: (query: { open: boolean; limit: number }): DrainView[] => repo.list(query).map(viewOf),
  }
}
