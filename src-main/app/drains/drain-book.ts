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
 * `save`, which writes a record together with what was noted about it, or neither: a process that is killed leaves no drain whose timeline
 * or history says something else. Everybody else reads what is stored.
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
  /** noted since the last `save` */
  const pending = new WeakMap<DrainRecord, DrainEvent[]>()
  const notedOf = (drain: DrainRecord): DrainEvent[] => pending.get(drain) ?? []

  const viewOf = (drain: DrainRecord): DrainView => ({
    ...structuredClone(drain),
    timeline: [...repo.timeline(drain.id), ...notedOf(drain)],
  })

  function find(id: DrainId): DrainRecord {
    const drain = open.get(id) ?? repo.get(id)
    if (drain === null) throw new AppError('drain.not-found', `There is no drain ${id}.`, { details: { drain: id } })
    return drain
  }

  function save(drain: DrainRecord): void {
    if (!isDriver()) throw new AppError('host.viewer', 'Another process drives this data folder now.')
    const text = JSON.stringify(drain)
    const events = notedOf(drain)
    if (saved.get(drain) === text && events.length === 0) return
    repo.atOnce(() => {
      if (saved.has(drain) || repo.get(drain.id) !== null) repo.save(drain)
      else repo.create(drain)
      for (const event of events) repo.append(drain.id, event)
      history.append(events.flatMap((event) => historyOf(drain, event)))
    })
    saved.set(drain, text)
    pending.delete(drain)
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
    /** On disk with the next `save`. */
    add: (drain: DrainRecord) => void open.set(drain.id, drain),
    find,
    save,
    /** Adds to the timeline, and to the history what the history is for, with the next `save`. */
    note(drain: DrainRecord, kind: DrainEvent['kind'], text: string, nodeId: NodeId | null = null) {
      pending.set(drain, [...notedOf(drain), { at: clock.now(), kind, nodeId, text }])
    },
    viewOf,
    list: (query: { open: boolean; limit: number }): DrainView[] => repo.list(query).map(viewOf),
  }
}

function historyOf({ id, title, owner, reason, places }: DrainRecord, { at, kind, nodeId, text }: DrainEvent) {
  const inHistory = historyKinds[kind]
  if (inHistory === undefined) return []
  const servers = [...new Set(places.map(({ serverId }) => serverId))]
  return [{ at, kind: inHistory, nodeId, subject: id, data: { title, owner, reason, servers, text } }]
}
