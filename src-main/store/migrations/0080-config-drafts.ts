import type { Migration } from '../migrate.ts'

/** Configuration files as somebody is writing them; their texts are masked. */
export const configDrafts: Migration = {
  version: 80,
  up: (db) => {
    db.exec(`
      create table config_draft (
        node_id text not null,
        path text not null,
        draft_json text not null,
        primary key (node_id, path)
      ) strict;
    `)
  },
}
