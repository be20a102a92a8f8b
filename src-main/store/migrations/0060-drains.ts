import type { Migration } from '../migrate.ts'

/** Drains. What was there before and what happened are evidence: written once, never changed. */
export const drains: Migration = {
  version: 60,
  up: (db) => {
    db.exec(`
      create table drain (
        id text primary key,
        created_at integer not null,
        ended_at integer,
        record_json text not null
      ) strict;
      create index drain_by_age on drain (created_at);
      create index drain_open on drain (created_at) where ended_at is null;

      create table drain_before (
        drain_id text not null references drain (id),
        node_id text not null,
        server_id text not null,
        before_json text not null,
        primary key (drain_id, node_id, server_id)
      ) strict;

      create table drain_event (
        id integer primary key,
        drain_id text not null references drain (id),
        event_json text not null
      ) strict;
      create index drain_event_by_drain on drain_event (drain_id, id);

      create trigger drain_before_no_update before update on drain_before
        begin select raise(abort, 'drain_before is written once'); end;
      create trigger drain_before_no_delete before delete on drain_before
        begin select raise(abort, 'drain_before is written once'); end;
      create trigger drain_before_no_replace before insert on drain_before when exists (
        select 1 from drain_before where drain_id = new.drain_id and node_id = new.node_id and server_id = new.server_id
      ) begin select raise(abort, 'drain_before is written once'); end;
      create trigger drain_event_no_replace before insert on drain_event when exists (select 1 from drain_event where id = new.id)
        begin select raise(abort, 'drain_event is append-only'); end;
      create trigger drain_event_no_update before update on drain_event
        begin select raise(abort, 'drain_event is append-only'); end;
      create trigger drain_event_no_delete before delete on drain_event
        begin select raise(abort, 'drain_event is append-only'); end;
    `)
  },
}
