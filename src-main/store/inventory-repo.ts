import type Database from 'better-sqlite3'
import type * as v from 'valibot'
import { InventoryNode, InventoryPair, InventorySite, ProbeReport } from '#contract'
import type { InventoryRepo } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

interface DocRow {
  id: string
  doc: string
}

export function createInventoryRepo(db: Database.Database, rows: RowReader): InventoryRepo {
  const getName = db.prepare<[], string>('select name from fleet where id = 1').pluck()
  const putName = db.prepare('insert into fleet (id, name) values (1, ?) on conflict (id) do update set name = excluded.name')
  const getProbe = db.prepare<[string], string>('select doc from probe where node_id = ?').pluck()
  // A probe may end after its node was removed: then there is nothing to keep it for.
  const putProbe = db.prepare(
    `insert into probe (node_id, doc) select id, ? from node where id = ?
     on conflict (node_id) do update set doc = excluded.doc`,
  )
  const sites = docTable(db, rows, 'site', InventorySite)
  const nodes = docTable(db, rows, 'node', InventoryNode)
  const pairs = docTable(db, rows, 'pair', InventoryPair)

  return {
    load: db.transaction(() => ({
      version: 1 as const,
      fleet: getName.get() ?? 'fleet',
      sites: sites.load(),
      nodes: nodes.load(),
      pairs: pairs.load(),
    })),
    save: db.transaction((inventory) => {
      putName.run(inventory.fleet)
      sites.save(inventory.sites)
      nodes.save(inventory.nodes)
      pairs.save(inventory.pairs)
    }),
    probe(nodeId) {
      const doc = getProbe.get(nodeId)
      return doc === undefined ? null : rows.read(jsonText(ProbeReport), 'probe', nodeId, doc)
    },
    saveProbe(report) {
      putProbe.run(JSON.stringify(report), report.nodeId)
    },
  }
}

/** One of the three lists of an inventory. A row that does not parse survives a save that does not name its id. */
function docTable<Schema extends v.GenericSchema<unknown, { id: string }>>(
  db: Database.Database,
  rows: RowReader,
  table: 'site' | 'node' | 'pair',
  schema: Schema,
) {
  const all = db.prepare<[], DocRow>(`select id, doc from ${table} order by ordinal, id`)
  const put = db.prepare(
    `insert into ${table} (id, ordinal, doc) values (?, ?, ?)
     on conflict (id) do update set ordinal = excluded.ordinal, doc = excluded.doc`,
  )
  const remove = db.prepare(`delete from ${table} where id = ?`)
  const load = (): v.InferOutput<Schema>[] =>
    all.all().flatMap(({ id, doc }) => rows.read(jsonText(schema), table, id, doc) ?? [])
  return {
    load,
    save(items: readonly { id: string }[]) {
      const kept = new Set(items.map(({ id }) => id))
      for (const { id } of load()) if (!kept.has(id)) remove.run(id)
      items.forEach((item, ordinal) => put.run(item.id, ordinal, JSON.stringify(item)))
    },
  }
}
