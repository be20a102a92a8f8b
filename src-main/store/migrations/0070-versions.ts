import type { Migration } from '../migrate.ts'

/** Versions of configuration files. A content may later be kept in a better form (`masked` becomes `sealed`); a version never changes. */
export const versions: Migration = {
  version: 70,
  up: (db) => {
    db.exec(`
      create table config_content (
        sha256 text primary key,
        form text not null check (form in ('plain', 'sealed', 'masked')),
        body blob not null,
        bytes integer not null
      ) strict;
      create trigger config_content_no_delete before delete on config_content
        begin select raise(abort, 'config_content is never deleted'); end;

      create table config_version (
        id integer primary key,
        node_id text not null,
        kind text not null,
        path text not null,
        sha256 text not null references config_content (sha256),
        at integer not null,
        source text not null check (source in ('seen', 'pushed')),
        author text,
        reason text,
        push_id text
      ) strict;
      create index config_version_by_file on config_version (node_id, path, id);

      create trigger config_version_no_replace before insert on config_version
        when exists (select 1 from config_version where id = new.id)
        begin select raise(abort, 'config_version is append-only'); end;
      create trigger config_version_no_update before update on config_version
        begin select raise(abort, 'config_version is append-only'); end;
      create trigger config_version_no_delete before delete on config_version
        begin select raise(abort, 'config_version is append-only'); end;
    `)
  },
}
