import { rmSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { AppError } from '../app/app-error.ts'
import type { Log } from '../app/ports/log.ts'
import { metricsMigrations } from './metrics-migrations.ts'
import { migrate } from './migrate.ts'
import { openDatabase } from './open-database.ts'
import { storeErrorFrom } from './store-error.ts'

/** Opens the samples. They are measurements that will be made again, so a damaged file is replaced by an empty one. */
export function openMetrics(file: string, log: Log): Database.Database {
  try {
    return openMigrated(file)
  } catch (thrown) {
    const error = storeErrorFrom(thrown, file)
    if (!(error instanceof AppError && error.code === 'store.corrupt')) throw error
    log.error('the samples file was damaged and is started afresh; past charts are lost', { file, why: error.message })
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
    return openMigrated(file)
  }
}

function openMigrated(file: string): Database.Database {
  const db = openDatabase(file, 'NORMAL')
  try {
    migrate(db, metricsMigrations, { backup: false })
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}
