import type { Migration } from '../migrate.ts'

/** What happened. `history` can be added to, never changed (INSERT OR REPLACE fires no delete trigger); a state span is open (`to_at` null) until the next one begins. */
export const history: Migration = {
  version: 40,
  up: (db) => {
    db.exec(`
      create table history (
        id integer primary key autoincrement,
        at integer not null,
        kind text not null,
        node_id text,
        subject text not null,
        data_json text not null
      ) strict;
      create index history_by_subject on history (subject, id);
      create index history_by_kind on history (kind, id);
      create trigger history_no_update before update on history
        begin select raise(abort, 'history is append-only'); end;
      create trigger history_no_replace before insert on history when exists (select 1 from history where id = new.id)
        begin select raise(abort, 'history is append-only'); end;
      create trigger history_no_delete before delete on history
        begin select raise(abort, 'history is append-only'); end;

      create table state_span (
        id integer primary key,
        server text not null,
        node_id text not null,
        state text not null,
        word text not null,
        from_at integer not null,
        to_at integer
      ) strict;
      create index state_span_by_server on state_span (server, from_at);
      create unique index state_span_open on state_span (server, node_id) where to_at is null;
      create index state_span_ended on state_span (to_at) where to_at is not null;
    `)
  },
}
