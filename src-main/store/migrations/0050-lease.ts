import type { Migration } from '../migrate.ts'

/** Who drives this data folder: one row at most. */
export const lease: Migration = {
  version: 50,
  up: (db) => {
    db.exec(`
      create table host_lease (
        id integer primary key check (id = 1),
        host_id text not null,
        pid integer not null,
        shell text not null,
        host text not null,
        boot_id text not null,
        since integer not null,
        heartbeat_at integer not null
      ) strict;
    `)
  },
}
