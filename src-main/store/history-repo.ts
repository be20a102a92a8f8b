import type Database from 'better-sqlite3'
import * as v from 'valibot'
import { HistoryEntry } from '#contract'
import type { HistoryRepo } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

const HistoryRow = v.strictObject({ ...HistoryEntry.entries, data: jsonText(HistoryEntry.entries.data) })

interface ListQuery {
  limit: number
  before: number | null
  subject: string | null
  kinds: string | null
}

/** Append-only: triggers refuse UPDATE and DELETE. */
export function createHistoryRepo(db: Database.Database, rows: RowReader): HistoryRepo {
  const insert = db.prepare('insert into history (at, kind, node_id, subject, data_json) values (?, ?, ?, ?, ?)')
  const columns = 'select id, at, kind, node_id as nodeId, subject, data_json as data from history'
  const page = 'order by id desc limit cast(@limit as integer)'
  const others = '(@before is null or id < @before) and (@kinds is null or kind in (select value from json_each(@kinds)))'
  const list = db.prepare<[ListQuery], { id: number }>(`${columns} where @subject is null and ${others} ${page}`)
  const listOf = db.prepare<[ListQuery], { id: number }>(`${columns} where subject = @subject and ${others} ${page}`)
  return {
    append: db.transaction((entries: readonly Omit<HistoryEntry, 'id'>[]) =>
      entries.map((entry) => {
        const { lastInsertRowid } = insert.run(entry.at, entry.kind, entry.nodeId, entry.subject, JSON.stringify(entry.data))
        return { ...entry, id: Number(lastInsertRowid) }
      }),
    ),
    list({ limit, before, subject, kinds }) {
      const query = {
        limit,
        before: before ?? null,
        subject: subject ?? null,
        kinds: kinds === undefined ? null : JSON.stringify(kinds),
      }
      return (subject === undefined ? list : listOf)
        .all(query)
        .flatMap((row) => rows.read(HistoryRow, 'history', String(row.id), row) ?? [])
    },
  }
}
