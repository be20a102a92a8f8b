import type Database from 'better-sqlite3'
import * as v from 'valibot'
import type { LeaseHolder, LeaseRepo } from '../app/ports/store.ts'
import type { RowReader } from './row-reader.ts'

/** A holder that has not renewed for this long has lost the lease, whatever its process is doing. */
export const LEASE_STALE_MS = 30_000

const LeaseRow = v.object({
  hostId: v.string(),
  pid: v.number(),
  shell: v.string(),
  host: v.string(),
  bootId: v.string(),
  since: v.number(),
  heartbeatAt: v.number(),
})

/**
 * One driver per data folder. The decision is taken under SQLite's write lock, so two processes that start together cannot
 * both win. A holder that was replaced learns it from `heartbeat`, which then answers false; it must stop driving at once.
 * An unreadable lease row counts as no holder.
 */
export function createLeaseRepo(db: Database.Database, rows: RowReader): LeaseRepo {
  const get = db.prepare<[]>(
    `select host_id as hostId, pid, shell, host, boot_id as bootId, since, heartbeat_at as heartbeatAt from host_lease`,
  )
  const put = db.prepare<[LeaseHolder]>(
    `insert into host_lease (id, host_id, pid, shell, host, boot_id, since, heartbeat_at)
     values (1, @hostId, @pid, @shell, @host, @bootId, @since, @heartbeatAt)
     on conflict (id) do update set host_id = excluded.host_id, pid = excluded.pid, shell = excluded.shell, host = excluded.host,
       boot_id = excluded.boot_id, since = excluded.since, heartbeat_at = excluded.heartbeat_at`,
  )
  const beat = db.prepare('update host_lease set heartbeat_at = ? where host_id = ?')
  const remove = db.prepare('delete from host_lease where host_id = ?')

  function current(): LeaseHolder | null {
    const row = get.get()
    return row === undefined ? null : rows.read(LeaseRow, 'host_lease', '1', row)
  }

  const take = db.transaction((holder: LeaseHolder, isAlive: (other: LeaseHolder) => boolean): LeaseHolder => {
    const present = current()
    const own = present?.hostId === holder.hostId
    if (present !== null && !own) {
      const stale = holder.heartbeatAt - present.heartbeatAt > LEASE_STALE_MS
      if (!stale && isAlive(present)) return present
    }
    const next = own ? { ...holder, since: present.since } : holder
    put.run(next)
    return next
  })

  return {
    take: (holder, isAlive) => take.immediate(holder, isAlive),
    heartbeat: (hostId, at) => beat.run(at, hostId).changes > 0,
    release(hostId) {
      remove.run(hostId)
    },
    current,
  }
}
