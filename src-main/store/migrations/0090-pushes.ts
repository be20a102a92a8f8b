import type { Migration } from '../migrate.ts'

/** Pushes of configuration. What files said before and after is kept in config_content; here stand only their hashes. */
export const pushes: Migration = {
  version: 90,
  up: (db) => {
    db.exec(`
      create table push (
        id text primary key,
        created_at integer not null,
        ended_at integer,
        record_json text not null
      ) strict;
      create index push_by_age on push (created_at);
    `)
  },
}
