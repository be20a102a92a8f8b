import type Database from 'better-sqlite3'
import * as v from 'valibot'
import { type ServerState, StateSpan } from '#contract'
import type { StateRepo } from '../app/ports/store.ts'
import type { RowReader } from './row-reader.ts'

const PRUNE_ROWS = 2000

/**
 * Spans of one state per server and balancer. The present states are held in memory, so that a round in which nothing changed
 * costs no query; they are read again whenever another connection has written to the file.
 * A span stays open while the console is off: it says when the state was entered and when another one was first seen.
 */
export function createStateRepo(db: Database.Database, rows: RowReader): StateRepo & { prune(endedBefore: number): void } {
  const open = db.prepare<[], { server: string; nodeId: string; state: string }>(
    'select server, node_id as nodeId, state from state_span where to_at is null',
  )
  // A clock that was set back must not end a span before it began.
  const end = db.prepare('update state_span set to_at = max(from_at, ?) where server = ? and node_id = ? and to_at is null')
  const begin = db.prepare('insert into state_span (server, node_id, state, word, from_at) values (?, ?, ?, ?, ?)')
  const list = db.prepare<[string, number, number], { id: number }>(
    `select id, node_id as nodeId, state, word, from_at as "from", to_at as "to" from state_span
     where server = ? and (to_at is null or to_at > ?) and from_at < ? order by from_at, id`,
  )
  const remove = db.prepare(
    `delete from state_span where id in (select id from state_span where to_at is not null and to_at < ? limit ${PRUNE_ROWS})`,
  )
  const SpanRow = v.object(StateSpan.entries)
  let dataVersion: unknown = null
  let present = new Map<string, string>()

  function refresh(): void {
    const now = db.pragma('data_version', { simple: true })
    if (now === dataVersion) return
    present = new Map(open.all().map((span) => [`${span.server}@${span.nodeId}`, span.state]))
    dataVersion = now
  }

  const write = db.transaction(
    (changes: readonly { key: string; nodeId: string; state: ServerState; word: string; at: number }[]) => {
      for (const { key, nodeId, state, word, at } of changes) {
        const server = serverOf(key, nodeId)
        end.run(at, server, nodeId)
        begin.run(server, nodeId, state, word, at)
      }
    },
  )

  return {
    observe(changes) {
      refresh()
      const seen = new Map<string, string>()
      const changed = changes.filter(({ key, state }) => {
        if ((seen.get(key) ?? present.get(key)) === state) return false
        seen.set(key, state)
        return true
      })
      if (changed.length === 0) return
      write.immediate(changed)
      for (const [key, state] of seen) present.set(key, state)
    },
    spans: (server, from, to) =>
      list.all(server, from, to).flatMap((row) => rows.read(SpanRow, 'state_span', String(row.id), row) ?? []),
    prune(endedBefore) {
      remove.run(endedBefore)
    },
  }
}

/** A key is `<server id>@<node id>`, and a server id may itself contain `@`. */
function serverOf(key: string, nodeId: string): string {
  return key.endsWith(`@${nodeId}`) ? key.slice(0, -nodeId.length - 1) : key
}
