import { rmSync } from 'node:fs'
import type Database from 'better-sqlite3'
import type { Settings } from '#contract'
import { AppError } from '../app/app-error.ts'
import type { Clock } from '../app/ports/clock.ts'
import type { Log } from '../app/ports/log.ts'
import type { SampleRepo } from '../app/ports/store.ts'
import { metricsMigrations } from './metrics-migrations.ts'
import { migrate } from './migrate.ts'
import { openDatabase } from './open-database.ts'
import { createSampleRepo } from './sample-repo.ts'
import { storeErrorFrom } from './store-error.ts'

/**
 * The samples file behind its port. Samples are measurements that will be made again: a damaged file is replaced by an empty one,
 * at start or in the middle of work, and a round that cannot be written is logged and lost; live figures do not depend on it.
 */
export function openSamples({
  file,
  clock,
  log,
  settings,
}: {
  file: string
  clock: Clock
  log: Log
  settings: () => Settings
}): SampleRepo & { close(): void } {
  let lastFailure: string | null = null
  let db = openOrReplace()
  let repo = createSampleRepo(db, { clock, log, settings, onError })

  function openOrReplace(): Database.Database {
    try {
      return openMigrated(file)
    } catch (thrown) {
      const error = storeErrorFrom(thrown, file)
      if (!isDamage(error)) throw error
      remove(error)
      return openMigrated(file)
    }
  }

  function remove(error: AppError): void {
    log.error('the samples file was damaged and is started afresh; past charts are lost', { file, why: error.message })
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
  }

  function startAfresh(error: AppError): void {
    repo.abandon()
    db.close()
    remove(error)
    db = openMigrated(file)
    repo = createSampleRepo(db, { clock, log, settings, onError })
  }

  /** What went wrong between two events, where nobody waits for an answer. Said once until something else goes wrong. */
  function onError(thrown: unknown): void {
    const error = storeErrorFrom(thrown, file)
    if (isDamage(error)) return startAfresh(error)
    const message = error instanceof Error ? error.message : String(error)
    if (message !== lastFailure) log.error('samples could not be stored', { file, error: message })
    lastFailure = message
  }

  function healing<T>(work: () => T): T {
    try {
      return work()
    } catch (thrown) {
      const error = storeErrorFrom(thrown, file)
      if (!isDamage(error)) throw error
      startAfresh(error)
      return work()
    }
  }

  return {
    write(at, servers, totals) {
      try {
        healing(() => repo.write(at, servers, totals))
        lastFailure = null
      } catch (thrown) {
        onError(thrown)
      }
    },
    serverSeries: (key, from, to, points) => healing(() => repo.serverSeries(key, from, to, points)),
    totalsSeries: (from, to, points) => healing(() => repo.totalsSeries(from, to, points)),
    maintain(now, wanted) {
      try {
        healing(() => repo.maintain(now, wanted))
      } catch (thrown) {
        onError(thrown)
      }
    },
    close() {
      try {
        repo.close()
      } catch (thrown) {
        onError(thrown)
      } finally {
        db.close()
      }
    },
  }
}

function isDamage(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'store.corrupt'
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
