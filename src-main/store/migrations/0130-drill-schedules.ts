import type { Migration } from '../migrate.ts'

/** Drills at set times, and what became of each time. */
export const drillSchedules: Migration = {
  version: 130,
  up: (db) => {
    db.exec(`
      create table drill_schedule (
        id text primary key,
        considered_until integer not null,
        schedule_json text not null
      ) strict;

      create table drill_schedule_run (
        id integer primary key,
        schedule_id text not null,
        run_json text not null
      ) strict;
      create index drill_schedule_run_by_schedule on drill_schedule_run (schedule_id, id);
    `)
  },
}
