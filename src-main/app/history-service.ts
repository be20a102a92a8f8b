import type { HistoryEntry } from '#contract'
import type { Publish } from './handlers-type.ts'
import type { HistoryRepo } from './ports/store.ts'

export interface HistoryService {
  /** Write down and announce. Nothing is ever changed or taken back. */
  append(entries: readonly Omit<HistoryEntry, 'id'>[]): void
  list(query: Parameters<HistoryRepo['list']>[0]): HistoryEntry[]
}

export function createHistoryService(repo: HistoryRepo, publish: Publish): HistoryService {
  return {
    append(entries) {
      if (entries.length > 0) publish('history.appended', repo.append(entries))
    },
    list: (query) => repo.list(query),
  }
}
