import type { DrainService } from './drains/drain-service.ts'
import type { HistoryService } from './history-service.ts'
import type { Publish } from './handlers-type.ts'
import type { InventoryService } from './inventory-service.ts'
import type { JobRunner } from './jobs/job-runner.ts'
import type { SettingsService } from './settings-service.ts'

/** More jobs, or drains, than this do not change between two looks. */
const followedJobs = 20
const followedEntries = 200

/**
 * What a viewer does to see what the driver of its data folder did: looks at what is stored, and tells what is new. The first look
 * tells nothing: a shell that has just started asks for the whole anyway.
 */
export function createFollower(parts: {
  inventory: InventoryService
  settings: SettingsService
  history: HistoryService
  jobs: () => JobRunner
  drains: Pick<DrainService, 'list'>
  publish: Publish
}): () => void {
  const { inventory, settings, history, jobs, drains, publish } = parts
  let lastEntry: number | null = null
  const lastJobs = new Map<string, string>()
  const lastDrains = new Map<string, string>()

  return () => {
    inventory.reload()
    settings.reload()
    const entries = history.list({ limit: followedEntries })
    const known = lastEntry
    const fresh = known === null ? [] : entries.filter((entry) => entry.id > known)
    lastEntry = Math.max(known ?? 0, ...entries.map((entry) => entry.id))
    if (fresh.length > 0) publish('history.appended', fresh)
    for (const job of changed(lastJobs, jobs().list({ limit: followedJobs }), known === null)) publish('job.changed', job)
    const recent = drains.list({ open: false, limit: followedJobs })
    for (const drain of changed(lastDrains, recent, known === null)) publish('drain.changed', drain)
  }
}

/** Those that are not as they were at the last look, which is brought up to date. The first look finds nothing changed. */
function changed<T extends { id: string }>(last: Map<string, string>, views: readonly T[], isFirst: boolean): T[] {
  const before = new Map(last)
  last.clear()
  for (const view of views) last.set(view.id, JSON.stringify(view))
  return isFirst ? [] : views.filter(({ id }) => before.get(id) !== last.get(id))
}
