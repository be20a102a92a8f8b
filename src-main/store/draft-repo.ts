import type Database from 'better-sqlite3'
import { ConfigDraft } from '#contract'
import type { DraftRepo } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

export function createDraftRepo(db: Database.Database, rows: RowReader): DraftRepo {
  const all = db.prepare<[], { nodeId: string; path: string; draft: string }>(
    'select node_id as nodeId, path, draft_json as draft from config_draft order by node_id, path',
  )
  const put = db.prepare(
    'insert into config_draft (node_id, path, draft_json) values (?, ?, ?) on conflict do update set draft_json = excluded.draft_json',
  )
  const remove = db.prepare('delete from config_draft where node_id = ? and path = ?')
  return {
    list: () =>
      all
        .all()
        .flatMap(
          ({ nodeId, path, draft }) => rows.read(jsonText(ConfigDraft), 'config_draft', `${nodeId}:${path}`, draft) ?? [],
        ),
    put(draft) {
      put.run(draft.nodeId, draft.path, JSON.stringify(draft))
    },
    remove(nodeId, path) {
      remove.run(nodeId, path)
    },
  }
}
