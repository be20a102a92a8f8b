import type { HistoryService } from './history-service.ts'
import type { Publish } from './handlers-type.ts'
import type { InventoryService } from './inventory-service.ts'
import type { JobRunner } from './jobs/job-runner.ts'
import type { SettingsService } from './settings-service.ts'

/** More jobs than this do not change between two looks. */
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
  publish: Publish
}): () => void {
  const { inventory, settings, history, jobs, publish } = parts
  let lastEntry: number | null = null
  let lastJobs: Map<string, string> | null = null

  return () => {
    inventory.reload()
    settings.reload()
    const entries = history.list({ limit: followedEntries })
    const known = lastEntry
    const fresh = known === null ? [] : entries.filter((entry) => entry.id > known)
    lastEntry = Math.max(known ?? 0, ...entries.map((entry) => entry.id))
    if (fresh.length > 0) publish('history.appended', fresh)
    const views = jobs().list({ limit: followedJobs })
    const before = lastJobs
    lastJobs = new Map(views.map((job) => [job.id, JSON.stringify(job)]))
    for (const job of views) if (before !== null && before.get(job.id) !== lastJobs.get(job.id)) publish('job.changed', job)
  }
}
