import type { Migration } from '../migrate.ts'

/** The journal of long work. `job_command` is evidence: it can be added to, never changed. */
export const jobs: Migration = {
  version: 30,
  up: (db) => {
    db.exec(`
      create table job (
        id text primary key,
        kind text not null,
        def_version integer not null,
        title text not null,
        input_json text not null,
        plan_sha256 text not null,
        state text not null,
        outcome text,
        requested_by text not null,
        reason text,
        created_at integer not null,
        ended_at integer,
        cancel_reason text,
        undoes text references job (id),
        error_json text
      ) strict;
      create index job_by_age on job (created_at);
      create index job_unfinished on job (state) where state <> 'ended';
      create index job_by_undone on job (undoes) where undoes is not null;

      create table job_step (
        job_id text not null references job (id),
        ordinal integer not null,
        key text not null,
        node_id text,
        title text not null,
        state text not null,
        attempt integer not null,
        intent_json text not null,
        error_json text,
        started_at integer,
        ended_at integer,
        primary key (job_id, ordinal),
        unique (job_id, key)
      ) strict;

      create table job_command (
        id integer primary key,
        job_id text not null,
        ordinal integer not null,
        record_json text not null,
        foreign key (job_id, ordinal) references job_step (job_id, ordinal)
      ) strict;
      create index job_command_by_job on job_command (job_id, id);
      create trigger job_command_no_update before update on job_command
        begin select raise(abort, 'job_command is append-only'); end;
      create trigger job_command_no_replace before insert on job_command when exists (select 1 from job_command where id = new.id)
        begin select raise(abort, 'job_command is append-only'); end;
      create trigger job_command_no_delete before delete on job_command
        begin select raise(abort, 'job_command is append-only'); end;

      create table node_lock (
        node_id text primary key,
        job_id text not null references job (id),
        taken_at integer not null
      ) strict;
      create index node_lock_by_job on node_lock (job_id);
    `)
  },
}
