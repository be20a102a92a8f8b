import type Database from 'better-sqlite3'
import * as v from 'valibot'
import { ConfigVersion } from '#contract'
import type { StoredContent, VersionRepo } from '../app/ports/store.ts'
import type { RowReader } from './row-reader.ts'

const ContentRow = v.object({
  sha256: v.string(),
  form: v.picklist(['plain', 'sealed', 'masked']),
  body: v.instance(Uint8Array),
  bytes: v.number(),
})

/** Contents by their hash, each kept once; versions say where and when they lay. */
export function createVersionRepo(db: Database.Database, rows: RowReader): VersionRepo {
  const content = db.prepare<[string]>('select sha256, form, body, bytes from config_content where sha256 = ?')
  // what is sealed or plain already is as good as it gets
  const putContent = db.prepare(
    `insert into config_content (sha256, form, body, bytes) values (?, ?, ?, ?)
     on conflict do update set form = excluded.form, body = excluded.body where config_content.form = 'masked'`,
  )
  const insert = db.prepare(
    `insert into config_version (node_id, kind, path, sha256, at, source, author, reason, push_id)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const columns = `select v.id, v.node_id as nodeId, v.kind, v.path, v.sha256, c.bytes, v.at, v.source, v.author, v.reason,
    v.push_id as push, iif(c.form = 'masked', 'masked', 'whole') as kept
    from config_version v join config_content c using (sha256)`
  const one = db.prepare<[number]>(`${columns} where v.id = ?`)
  const latest = db.prepare<[string, string], { sha256: string }>(
    'select sha256 from config_version where node_id = ? and path = ? order by id desc limit 1',
  )
  const list = db.prepare<[Record<string, unknown>], { id: number }>(
    `${columns} where (@node is null or v.node_id = @node) and (@path is null or v.path = @path)
     and (@before is null or v.id < @before) order by v.id desc limit @limit`,
  )
  const read = (row: unknown): ConfigVersion | null =>
    rows.read(ConfigVersion, 'config_version', String((row as { id: number }).id), row)

  const keep = ({ sha256, form, body, bytes }: StoredContent): void => void putContent.run(sha256, form, body, bytes)

  return {
    content(sha256) {
      const row = content.get(sha256)
      return row === undefined ? null : rows.read(ContentRow, 'config_content', sha256, row)
    },
    keep,
    add: db.transaction((version, stored: StoredContent) => {
      const { sha256 } = stored
      keep(stored)
      const { nodeId, kind, path, at, source, author, reason, push } = version
      if (source === 'seen' && latest.get(nodeId, path)?.sha256 === sha256) return
      insert.run(nodeId, kind, path, sha256, at, source, author, reason, push)
    }).immediate,
    get(id) {
      const row = one.get(id)
      return row === undefined ? null : read(row)
    },
    list: ({ node = null, path = null, before = null, limit }) =>
      list.all({ node, path, before, limit }).flatMap((row) => read(row) ?? []),
  }
}
