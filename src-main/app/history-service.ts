import type { Publish } from './handlers-type.ts'
import type { HistoryRepo } from './ports/store.ts'

/** The history, where every append is also told to the shells. Nothing is ever changed or taken back. */
export type HistoryService = HistoryRepo

export function createHistoryService(repo: HistoryRepo, publish: Publish): HistoryService {
  return {
    append(entries) {
      if (entries.length === 0) return []
      const appended = repo.append(entries)
      publish('history.appended', appended)
      return appended
    },
    list: (query) => repo.list(query),
  }
}
