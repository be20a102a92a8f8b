import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { AppError } from '../app/app-error.ts'
import type { Clock } from '../app/ports/clock.ts'
import type { Log } from '../app/ports/log.ts'
import type { SampleRepo, Store } from '../app/ports/store.ts'
import { consoleMigrations } from './console-migrations.ts'
import { createDraftRepo } from './draft-repo.ts'
import { createDrainRepo } from './drain-repo.ts'
import { createDrillRepo } from './drill-repo.ts'
import { createHistoryRepo } from './history-repo.ts'
import { createHostKeyRepo } from './host-key-repo.ts'
import { createInventoryRepo } from './inventory-repo.ts'
import { createJobRepo } from './job-repo.ts'
import { createLeaseRepo } from './lease-repo.ts'
import { migrate } from './migrate.ts'
import { openDatabase } from './open-database.ts'
import { openSamples } from './open-samples.ts'
import { createPushRepo } from './push-repo.ts'
import { createRowReader } from './row-reader.ts'
import { createScheduleRepo } from './schedule-repo.ts'
import { createSecretRepo } from './secret-repo.ts'
import { createSettingsRepo } from './settings-repo.ts'
import { createStateRepo } from './state-repo.ts'
import { guardRepo, storeErrorFrom } from './store-error.ts'
import { createVersionRepo } from './version-repo.ts'

/**
 * Opens the data folder: `console.db` (fleet, jobs, history; every commit is flushed to disk) and `metrics.db` (samples; may be
 * deleted). Throws `store.corrupt`, `store.from-future`, `store.busy` or `store.full`; nothing is open then.
 */
export function openStore({ folder, clock, log }: { folder: string; clock: Clock; log: Log }): Store {
  const consoleFile = join(folder, 'console.db')
  const metricsFile = join(folder, 'metrics.db')
  const db = openConsole(consoleFile)
  const rows = createRowReader(db, clock, log)
  const guard = <Repo extends object>(name: string, repo: Repo, file = consoleFile): Repo =>
    guardRepo(repo, { file, name, clock, log })

  const settings = guard('settings', createSettingsRepo(db, rows))
  const samples = guard(
    'samples',
    openBeside(db, { file: metricsFile, clock, log, settings: () => settings.load() }),
    metricsFile,
  )
  const states = guard('states', createStateRepo(db, rows))
  const maintained: SampleRepo = {
    write: (at, servers, totals) => samples.write(at, servers, totals),
    serverSeries: (key, from, to, points) => samples.serverSeries(key, from, to, points),
    totalsSeries: (from, to, points) => samples.totalsSeries(from, to, points),
    maintain(now, wanted) {
      samples.maintain(now, wanted)
      states.prune(now - wanted.keepHourDays * 86_400_000)
    },
  }
  return {
    inventory: guard('inventory', createInventoryRepo(db, rows)),
    settings,
    hostKeys: guard('hostKeys', createHostKeyRepo(db, rows)),
    secrets: guard('secrets', createSecretRepo(db, rows)),
    jobs: guard('jobs', createJobRepo(db, rows)),
    drains: guard('drains', createDrainRepo(db, rows)),
    drafts: guard('drafts', createDraftRepo(db, rows)),
    versions: guard('versions', createVersionRepo(db, rows)),
    pushes: guard('pushes', createPushRepo(db, rows)),
    drills: guard('drills', createDrillRepo(db, rows)),
    schedules: guard('schedules', createScheduleRepo(db, rows)),
    history: guard('history', createHistoryRepo(db, rows)),
    samples: maintained,
    states,
    lease: guard('lease', createLeaseRepo(db, rows)),
    quarantined: () => rows.quarantined(),
    close() {
      if (!db.open) return
      try {
        samples.close()
      } finally {
        db.close()
      }
    },
  }
}

/** When the samples cannot be opened, the console's database is not left open either. */
function openBeside(db: Database.Database, options: Parameters<typeof openSamples>[0]): ReturnType<typeof openSamples> {
  try {
    return openSamples(options)
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

function openConsole(file: string): Database.Database {
  try {
    const db = openDatabase(file, 'FULL')
    try {
      checkWhole(db, file)
      migrate(db, consoleMigrations, { backup: true })
      return db
    } catch (thrown) {
      db.close()
      throw thrown
    }
  } catch (thrown) {
    throw storeErrorFrom(thrown, file)
  }
}

/** SQLite notices damage only when it reads the damaged page; a journal must not find out in the middle of a job. */
function checkWhole(db: Database.Database, file: string): void {
  const verdict = db.pragma('quick_check(1)', { simple: true })
  if (verdict === 'ok') return
  throw new AppError(
    'store.corrupt',
    `The database ${file} is damaged (${String(verdict)}). Move it away to start afresh, or put back one of the backups beside it.`,
    { details: { file } },
  )
}
