import type { Migration } from '../migrate.ts'

const columns =
  'series integer not null, t integer not null, holds_ms integer not null, sessions real, queue real, rate real, error_rate real, response_ms real, primary key (series, t)'

/**
 * Samples, one wide row per series and time, clustered by series: a chart reads one stretch of one series.
 * `holds_ms` is how long a row stands for the time after `t` when no newer one follows; after it there is a gap.
 * `rolled_up.through`: every finer row older than this is contained in the tier.
 */
export const samples: Migration = {
  version: 10,
  up: (db) => {
    db.exec(`
      create table series (
        id integer primary key,
        kind text not null,
        key text not null,
        unique (kind, key)
      ) strict;
      create table sample_raw (${columns}) strict, without rowid;
      create table sample_minute (${columns}) strict, without rowid;
      create table sample_hour (${columns}) strict, without rowid;
      create table rolled_up (tier text primary key, through integer not null) strict;
    `)
  },
}
