import type Database from 'better-sqlite3'
import { PushRecord } from '#contract'
import type { PushRepo } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

interface Stored {
  id: string
  record: string
}

export function createPushRepo(db: Database.Database, rows: RowReader): PushRepo {
  const columns = 'select id, record_json as record from push'
  const one = db.prepare<[string], Stored>(`${columns} where id = ?`)
  const all = db.prepare<[number], Stored>(`${columns} order by created_at desc, rowid desc limit ?`)
  const open = db.prepare<[], Stored>(`${columns} where ended_at is null order by created_at`)
  const put = db.prepare(
    `insert into push (id, created_at, ended_at, record_json) values (?, ?, ?, ?)
     on conflict do update set ended_at = excluded.ended_at, record_json = excluded.record_json`,
  )
  const read = ({ id, record }: Stored): PushRecord | null => rows.read(jsonText(PushRecord), 'push', id, record)
  return {
    atOnce: (work) => db.transaction(work).immediate(),
    put(push) {
      put.run(push.id, push.createdAt, push.endedAt, JSON.stringify(push))
    },
    get(id) {
      const row = one.get(id)
      return row === undefined ? null : read(row)
    },
    list: (limit) => all.all(limit).flatMap((row) => read(row) ?? []),
    open: () => open.all().flatMap((row) => read(row) ?? []),
  }
}
