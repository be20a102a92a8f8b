import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'

/** How long a statement waits for another process's write before it fails with `store.busy`. Blocks the calling thread. */
const BUSY_TIMEOUT_MS = 2000

/**
 * Opens or creates one SQLite file, readable and writable by its owner only (SQLite gives its -wal and -shm files the same mode).
 * A folder that has to be created is 0700; an existing folder's mode is its owner's choice and is left alone.
 * `synchronous` is set on every open: SQLite does not keep it in the file, and a re-opened WAL database runs with NORMAL.
 */
export function openDatabase(file: string, synchronous: 'FULL' | 'NORMAL'): Database.Database {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const db = new Database(file, { timeout: BUSY_TIMEOUT_MS })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma(`synchronous = ${synchronous}`)
    db.pragma('foreign_keys = ON')
  } catch (thrown) {
    db.close()
    throw thrown
  }
  return db
}
