import type { Migration } from '../migrate.ts'

/** The inventory, one row per thing so that one unreadable row does not hide the others; and what could not be read. */
export const fleet: Migration = {
  version: 10,
  up: (db) => {
    db.exec(`
      create table fleet (id integer primary key check (id = 1), name text not null) strict;
      create table site (id text primary key, ordinal integer not null, doc text not null) strict;
      create table node (id text primary key, ordinal integer not null, doc text not null) strict;
      create table pair (id text primary key, ordinal integer not null, doc text not null) strict;
      create table probe (
        node_id text primary key references node (id) on delete cascade,
        doc text not null
      ) strict;
      create table quarantine (
        table_name text not null,
        row_key text not null,
        content text not null,
        why text not null,
        seen_at integer not null,
        primary key (table_name, row_key, content)
      ) strict;
    `)
  },
}
