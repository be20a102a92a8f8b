import type Database from 'better-sqlite3'
import * as v from 'valibot'
import type { Clock } from '../app/ports/clock.ts'
import type { Log } from '../app/ports/log.ts'

/** Parses what comes out of the database. A row that does not parse is left in place, copied to `quarantine`, and skipped. */
export interface RowReader {
  /** null: the row was set aside. A schema for JSON columns begins with `jsonText`. */
  read<Schema extends v.GenericSchema>(schema: Schema, table: string, key: string, row: unknown): v.InferOutput<Schema> | null
  quarantined(): { table: string; key: string; why: string }[]
}

/** A column of JSON text, checked by `schema` after parsing. */
export function jsonText<Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(v.string(), v.parseJson(), schema)
}

export function createRowReader(db: Database.Database, clock: Clock, log: Log): RowReader {
  const keep = db.prepare(
    'insert into quarantine (table_name, row_key, content, why, seen_at) values (?, ?, ?, ?, ?) on conflict do nothing',
  )
  const list = db.prepare<[], { table: string; key: string; why: string }>(
    'select table_name as "table", row_key as "key", why from quarantine order by seen_at, table_name, row_key',
  )
  return {
    read(schema, table, key, row) {
      const result = v.safeParse(schema, row)
      if (result.success) return result.output
      const why = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'row'}: ${issue.message}`).join('; ')
      if (keep.run(table, key, contentOf(row), why, clock.now()).changes > 0) {
        log.error('a stored row does not parse and was set aside', { table, row: key, why })
      }
      return null
    },
    quarantined: () => list.all(),
  }
}

/** The row as text, whatever it is made of; bytes become base64. */
function contentOf(row: unknown): string {
  return JSON.stringify(row, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  )
}
