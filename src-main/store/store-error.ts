import Database from 'better-sqlite3'
import { AppError } from '../app/app-error.ts'
import type { Clock } from '../app/ports/clock.ts'
import type { Log } from '../app/ports/log.ts'

/** A call slower than this blocks the window noticeably and is logged. */
const SLOW_CALL_MS = 40

/** SQLite's result code as one of the `store.*` errors; anything else is a defect of ours and is left as it is. */
export function storeErrorFrom(thrown: unknown, file: string): unknown {
  if (!(thrown instanceof Database.SqliteError)) return thrown
  const { code } = thrown
  const options = { cause: thrown, details: { file, sqlite: code } }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new AppError('store.busy', `Another process is using the database ${file}; try again in a moment.`, options)
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new AppError(
      'store.corrupt',
      `The database ${file} is damaged. Move it away to start afresh, or put back one of the backups beside it.`,
      options,
    )
  }
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_WRITE' || code === 'SQLITE_IOERR_FSYNC') {
    return new AppError('store.full', `The database ${file} cannot be written: make room on its disk and try again.`, options)
  }
  return thrown
}

/** The same repository, with every call's SQLite error mapped and every slow call logged. */
export function guardRepo<Repo extends object>(
  repo: Repo,
  context: { file: string; name: string; clock: Clock; log: Log },
): Repo {
  return new Proxy(repo, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        const startedAt = context.clock.monotonic()
        try {
          return Reflect.apply(member, target, args)
        } catch (thrown) {
          throw storeErrorFrom(thrown, context.file)
        } finally {
          const tookMs = context.clock.monotonic() - startedAt
          if (tookMs > SLOW_CALL_MS) {
            context.log.warn('slow store call', { call: `${context.name}.${String(property)}`, tookMs: Math.round(tookMs) })
          }
        }
      }
    },
  })
}
