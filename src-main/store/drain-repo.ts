import type Database from 'better-sqlite3'
import * as v from 'valibot'
import { DrainBefore, DrainEvent, DrainRecord, type DrainId } from '#contract'
import type { DrainRepo } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

const StoredEvent = jsonText(DrainEvent)
const StoredBefore = v.object({ nodeId: v.string(), serverId: v.string(), before: jsonText(DrainBefore) })

/** Pre-images are kept apart from what changes, and joined back in when a drain is read: a later save cannot alter them. */
export function createDrainRepo(db: Database.Database, rows: RowReader): DrainRepo {
  const columns = 'select id, record_json as record from drain'
  const one = db.prepare<[string], Stored>(`${columns} where id = ?`)
  const all = db.prepare<[number], Stored>(`${columns} order by created_at desc, rowid desc limit ?`)
  const open = db.prepare<[number], Stored>(`${columns} where ended_at is null order by created_at desc, rowid desc limit ?`)
  const insert = db.prepare('insert into drain (id, created_at, ended_at, record_json) values (?, ?, ?, ?)')
  const update = db.prepare('update drain set ended_at = ?, record_json = ? where id = ?')
  const befores = db.prepare<[string], { nodeId: string; serverId: string; before: string }>(
    'select node_id as nodeId, server_id as serverId, before_json as before from drain_before where drain_id = ?',
  )
  const insertBefore = db.prepare('insert into drain_before (drain_id, node_id, server_id, before_json) values (?, ?, ?, ?)')
  const insertEvent = db.prepare('insert into drain_event (drain_id, event_json) values (?, ?)')
  const events = db.prepare<[string], { id: number; event: string }>(
    'select id, event_json as event from drain_event where drain_id = ? order by id',
  )

  function keepBefores({ id, places }: DrainRecord): void {
    const kept = new Map(befores.all(id).map(({ nodeId, serverId, before }) => [`${nodeId}/${serverId}`, before]))
    for (const { nodeId, serverId, before } of places) {
      if (before === null) continue
      const text = JSON.stringify(before)
      const known = kept.get(`${nodeId}/${serverId}`)
      if (known === text) continue
      if (known !== undefined) throw new Error(`The pre-image of ${serverId} on ${nodeId} in drain ${id} cannot be changed.`)
      insertBefore.run(id, nodeId, serverId, text)
    }
  }

  function recordFrom(row: Stored): DrainRecord | null {
    const drain = rows.read(jsonText(DrainRecord), 'drain', row.id, row.record)
    if (drain === null) return null
    const found = befores.all(row.id)
    const kept = found.flatMap((each) => rows.read(StoredBefore, 'drain_before', row.id, each) ?? [])
    // Without all of its pre-images it could not be put back: leave it out as a whole.
    if (kept.length !== found.length) return null
    const beforeOf = new Map(kept.map(({ nodeId, serverId, before }) => [`${nodeId}/${serverId}`, before]))
    const places = drain.places.map((place) => ({
      ...place,
      before: beforeOf.get(`${place.nodeId}/${place.serverId}`) ?? null,
    }))
    return { ...drain, places }
  }

  const create = db.transaction((drain: DrainRecord) => {
    insert.run(drain.id, drain.createdAt, drain.endedAt, textOf(drain))
    keepBefores(drain)
  })
  const save = db.transaction((drain: DrainRecord) => {
    update.run(drain.endedAt, textOf(drain), drain.id)
    keepBefores(drain)
  })

  return {
    atOnce: (work) => db.transaction(work).immediate(),
    create: (drain) => create.immediate(drain),
    save: (drain) => save.immediate(drain),
    append(id: DrainId, event) {
      insertEvent.run(id, JSON.stringify(event))
    },
    get(id) {
      const row = one.get(id)
      return row === undefined ? null : recordFrom(row)
    },
    list: (query) => (query.open ? open : all).all(query.limit).flatMap((row) => recordFrom(row) ?? []),
    timeline: (id) =>
      events.all(id).flatMap(({ id: row, event }) => rows.read(StoredEvent, 'drain_event', String(row), event) ?? []),
  }
}

interface Stored {
  id: string
  record: string
}

function textOf(drain: DrainRecord): string {
  return JSON.stringify({ ...drain, places: drain.places.map((place) => ({ ...place, before: null })) })
}
