import type { Migration } from '../migrate.ts'

/** Settings, trusted host keys, and secrets as ciphertext only. */
export const access: Migration = {
  version: 20,
  up: (db) => {
    db.exec(`
      create table settings (id integer primary key check (id = 1), doc text not null) strict;
      create table host_key (
        host text not null,
        port integer not null,
        fingerprint text not null,
        public_key blob not null,
        trusted_at integer not null,
        trusted_by text not null,
        primary key (host, port, fingerprint)
      ) strict;
      create table secret (
        owner text not null,
        kind text not null,
        sealed blob not null,
        key_id text not null,
        stored_at integer not null,
        primary key (owner, kind)
      ) strict;
    `)
  },
}
