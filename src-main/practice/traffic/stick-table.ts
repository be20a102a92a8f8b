import type { StickEntry } from './traffic.ts'

/** Which server a key belongs to, for a while; every use renews it. When full, the one unused for longest goes. */
export interface StickTable {
  get(key: string): string | null
  set(key: string, server: string): void
  entries(): StickEntry[]
  /** one key, or all */
  clear(key?: string): void
}

/** @param now the monotonic clock, milliseconds */
export function createStickTable({ expireMs, size }: { expireMs: number; size: number }, now: () => number): StickTable {
  // A Map keeps the order of insertion, and a renewed entry is inserted again: the first is always the oldest.
  const table = new Map<string, { server: string; expiresAt: number }>()
  const dropExpired = (): void => {
    for (const [key, { expiresAt }] of table) {
      if (expiresAt > now()) return
      table.delete(key)
    }
  }
  return {
    get(key) {
      dropExpired()
      return table.get(key)?.server ?? null
    },
    set(key, server) {
      dropExpired()
      table.delete(key)
      table.set(key, { server, expiresAt: now() + expireMs })
      const oldest = table.size > size ? table.keys().next().value : undefined
      if (oldest !== undefined) table.delete(oldest)
    },
    entries() {
      dropExpired()
      return [...table].map(([key, entry]) => ({ key, ...entry }))
    },
    clear(key) {
      if (key === undefined) table.clear()
      else table.delete(key)
    },
  }
}
