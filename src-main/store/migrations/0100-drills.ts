import type { Migration } from '../migrate.ts'

/** Drills. What happened in them, what clients saw and what was reported are evidence: written once, never changed. */
export const drills: Migration = {
  version: 100,
  up: (db) => {
    db.exec(`
      create table drill (
        id text primary key,
        router text not null,
        created_at integer not null,
        ended_at integer,
        record_json text not null
      ) strict;
      create index drill_by_age on drill (created_at);
      create index drill_by_router on drill (router, created_at);

      create table drill_event (
        id integer primary key,
        drill_id text not null references drill (id),
        event_json text not null
      ) strict;
      create index drill_event_by_drill on drill_event (drill_id, id);

      create table drill_probes (
        drill_id text not null references drill (id),
        vantage text not null,
        body blob not null,
        primary key (drill_id, vantage)
      ) strict;

      create table drill_report (
        drill_id text primary key references drill (id),
        sha256 text not null,
        body blob not null
      ) strict;

      -- asked by any shell, heeded by the one that carries the drill out
      create table drill_stop (
        drill_id text primary key references drill (id),
        at integer not null
      ) strict;

      create table drill_lever (
        id integer primary key check (id = 1),
        lever_json text not null
      ) strict;

      create trigger drill_event_no_update before update on drill_event
        begin select raise(abort, 'drill_event is append-only'); end;
      create trigger drill_event_no_delete before delete on drill_event
        begin select raise(abort, 'drill_event is append-only'); end;
      create trigger drill_event_no_replace before insert on drill_event when exists (select 1 from drill_event where id = new.id)
        begin select raise(abort, 'drill_event is append-only'); end;
      create trigger drill_report_no_update before update on drill_report
        begin select raise(abort, 'drill_report is written once'); end;
      create trigger drill_report_no_delete before delete on drill_report
        begin select raise(abort, 'drill_report is written once'); end;
      create trigger drill_report_no_replace before insert on drill_report when exists (
        select 1 from drill_report where drill_id = new.drill_id
      ) begin select raise(abort, 'drill_report is written once'); end;
    `)
  },
}
