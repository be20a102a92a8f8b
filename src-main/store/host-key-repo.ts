import { createHash } from 'node:crypto'
import type Database from 'better-sqlite3'
import * as v from 'valibot'
import type { HostKeyRepo } from '../app/ports/store.ts'
import type { RowReader } from './row-reader.ts'

const HostKeyRow = v.object({
  host: v.string(),
  port: v.number(),
  key: v.instance(Buffer),
  trustedAt: v.number(),
  trustedBy: v.string(),
})

export function createHostKeyRepo(db: Database.Database, rows: RowReader): HostKeyRepo {
  const all = db.prepare<[], { host: string; port: number; fingerprint: string }>(
    `select host, port, fingerprint, public_key as "key", trusted_at as trustedAt, trusted_by as trustedBy
     from host_key order by host, port, fingerprint`,
  )
  const put = db.prepare(
    `insert into host_key (host, port, fingerprint, public_key, trusted_at, trusted_by) values (?, ?, ?, ?, ?, ?)
     on conflict do update set trusted_at = excluded.trusted_at, trusted_by = excluded.trusted_by`,
  )
  const remove = db.prepare('delete from host_key where host = ? and port = ? and fingerprint = ?')
  return {
    list: () =>
      all.all().flatMap((row) => rows.read(HostKeyRow, 'host_key', `[${row.host}]:${row.port} ${row.fingerprint}`, row) ?? []),
    trust({ host, port, key, trustedAt, trustedBy }) {
      put.run(host, port, fingerprintOf(key), key, trustedAt, trustedBy)
    },
    forget: ({ host, port, fingerprint }) => remove.run(host, port, fingerprint).changes > 0,
  }
}

/** As `ssh-keygen -lf` prints it. */
function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}
