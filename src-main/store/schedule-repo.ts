import type Database from 'better-sqlite3'
import { DrillSchedule, ScheduledRun } from '#contract'
import type { ScheduleRepo } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

export function createScheduleRepo(db: Database.Database, rows: RowReader): ScheduleRepo {
  const all = db.prepare<[], { id: string; consideredUntil: number; schedule: string }>(
    'select id, considered_until as consideredUntil, schedule_json as schedule from drill_schedule order by rowid',
  )
  const put = db.prepare('insert into drill_schedule (id, considered_until, schedule_json) values (?, ?, ?)')
  const consider = db.prepare('update drill_schedule set considered_until = ? where id = ?')
  const remove = db.prepare('delete from drill_schedule where id = ?')
  const addRun = db.prepare('insert into drill_schedule_run (schedule_id, run_json) values (?, ?)')
  const runs = db.prepare<[string, number], { id: number; run: string }>(
    'select id, run_json as run from drill_schedule_run where schedule_id = ? order by id desc limit ?',
  )
  return {
    list: () =>
      all.all().flatMap(({ id, consideredUntil, schedule: text }) => {
        const schedule = rows.read(jsonText(DrillSchedule), 'drill_schedule', id, text)
        return schedule === null ? [] : [{ schedule, consideredUntil }]
      }),
    put(schedule, consideredUntil) {
      put.run(schedule.id, consideredUntil, JSON.stringify(schedule))
    },
    consider(id, until) {
      consider.run(until, id)
    },
    remove: (id) => remove.run(id).changes > 0,
    addRun(id, run) {
      addRun.run(id, JSON.stringify(run))
    },
    runs: (schedule, limit) =>
      runs
        .all(schedule, limit)
        .flatMap(({ id, run }) => rows.read(jsonText(ScheduledRun), 'drill_schedule_run', String(id), run) ?? []),
  }
}
