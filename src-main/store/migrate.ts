import { chmodSync, renameSync, rmSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { AppError } from '../app/app-error.ts'

/** One step of a database's schema. `up` runs inside a transaction of its own; a step that was released is never edited. */
export interface Migration {
  readonly version: number
  readonly up: (db: Database.Database) => void
}

/**
 * Brings a database to the newest of `migrations`. Several processes may start at once: each step re-reads the version under
 * the write lock. A database with data is copied beside itself first (`backup: true`). A failing step is rolled back and stops
 * everything; the database then stays at the step before. A database from a newer release is refused untouched.
 */
export function migrate(db: Database.Database, migrations: readonly Migration[], options: { backup: boolean }): void {
  checkOrder(migrations)
  const newest = migrations.at(-1)?.version ?? 0
  const found = versionOf(db)
  if (found > newest) {
    throw new AppError(
      'store.from-future',
      `The database ${db.name} was written by a newer release (schema ${found}, this one knows ${newest}). Start that release, or use another data folder.`,
      { details: { file: db.name, found, newest } },
    )
  }
  if (found === newest) return
  if (found > 0 && options.backup) backUp(db, found)
  for (const { version, up } of migrations) {
    const step = db.transaction(() => {
      if (versionOf(db) >= version) return
      up(db)
      db.pragma(`user_version = ${version}`)
    })
    step.immediate()
  }
}

export function versionOf(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

/** `<file>.schema-<version>.backup`, complete or absent: written under another name first. */
function backUp(db: Database.Database, version: number): void {
  const target = `${db.name}.schema-${version}.backup`
  const unfinished = `${target}.part`
  rmSync(unfinished, { force: true })
  db.prepare('vacuum into ?').run(unfinished)
  chmodSync(unfinished, 0o600)
  renameSync(unfinished, target)
}

function checkOrder(migrations: readonly Migration[]): void {
  let previous = 0
  for (const { version } of migrations) {
    if (!Number.isInteger(version) || version <= previous) {
      throw new Error(`Migration ${version} follows ${previous}: versions must be whole numbers and strictly increase.`)
    }
    previous = version
  }
}
