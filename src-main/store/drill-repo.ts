import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type Database from 'better-sqlite3'
import { DrillEvent, DrillLever, DrillRecord } from '#contract'
import type { DrillRepo } from '../app/ports/store.ts'
import { packProbes, unpackProbes } from './pack-probes.ts'
import { jsonText, type RowReader } from './row-reader.ts'

interface Stored {
  id: string
  record: string
}

export function createDrillRepo(db: Database.Database, rows: RowReader): DrillRepo {
  const columns = 'select id, record_json as record from drill'
  const one = db.prepare<[string], Stored>(`${columns} where id = ?`)
  const all = db.prepare<[number], Stored>(`${columns} order by created_at desc, rowid desc limit ?`)
  const ofRouter = db.prepare<[string, number], Stored>(
    `${columns} where router = ? order by created_at desc, rowid desc limit ?`,
  )
  const open = db.prepare<[], Stored>(`${columns} where ended_at is null order by created_at`)
  const put = db.prepare(
    `insert into drill (id, router, created_at, ended_at, record_json) values (?, ?, ?, ?, ?)
     on conflict do update set ended_at = excluded.ended_at, record_json = excluded.record_json`,
  )
  const insertEvent = db.prepare('insert into drill_event (drill_id, event_json) values (?, ?)')
  const events = db.prepare<[string], { id: number; event: string }>(
    'select id, event_json as event from drill_event where drill_id = ? order by id',
  )
  const keepProbes = db.prepare(
    `insert into drill_probes (drill_id, vantage, body) values (?, ?, ?)
     on conflict do update set body = excluded.body`,
  )
  const probes = db.prepare<[string], { vantage: string; body: Buffer }>(
    'select vantage, body from drill_probes where drill_id = ? order by rowid',
  )
  const keepReport = db.prepare('insert into drill_report (drill_id, sha256, body) values (?, ?, ?)')
  const report = db.prepare<[string], { body: Buffer }>('select body from drill_report where drill_id = ?')
  const lever = db.prepare<[], { lever: string }>('select lever_json as lever from drill_lever')
  const setLever = db.prepare(
    'insert into drill_lever (id, lever_json) values (1, ?) on conflict do update set lever_json = excluded.lever_json',
  )
  const askStop = db.prepare('insert into drill_stop (drill_id, at) values (?, ?) on conflict do nothing')
  const stopAsked = db.prepare<[string], { at: number }>('select at from drill_stop where drill_id = ?')
  const read = ({ id, record }: Stored): DrillRecord | null => rows.read(jsonText(DrillRecord), 'drill', id, record)

  return {
    put(drill) {
      put.run(drill.id, drill.plan.router, drill.createdAt, drill.endedAt, JSON.stringify(drill))
    },
    get(id) {
      const row = one.get(id)
      return row === undefined ? null : read(row)
    },
    list: ({ limit, router }) =>
      (router === undefined ? all.all(limit) : ofRouter.all(router, limit)).flatMap((row) => read(row) ?? []),
    open: () => open.all().flatMap((row) => read(row) ?? []),
    append(id, event) {
      insertEvent.run(id, JSON.stringify(event))
    },
    events: (id) =>
      events.all(id).flatMap(({ id: row, event }) => rows.read(jsonText(DrillEvent), 'drill_event', String(row), event) ?? []),
    keepProbes(id, vantage, list) {
      keepProbes.run(id, vantage, packProbes(list))
    },
    probes: (id) => new Map(probes.all(id).map(({ vantage, body }) => [vantage, unpackProbes(body)])),
    keepReport(id, sha256, text) {
      keepReport.run(id, sha256, deflateRawSync(text))
    },
    report(id) {
      const row = report.get(id)
      return row === undefined ? null : inflateRawSync(row.body).toString('utf8')
    },
    askStop(id, at) {
      askStop.run(id, at)
    },
    isStopAsked: (id) => stopAsked.get(id) !== undefined,
    lever() {
      const row = lever.get()
      return row === undefined ? null : rows.read(jsonText(DrillLever), 'drill_lever', '1', row.lever)
    },
    setLever(state) {
      setLever.run(JSON.stringify(state))
    },
    atOnce: (work) => db.transaction(work).immediate(),
  }
}
