import type Database from 'better-sqlite3'
import * as v from 'valibot'
import type { SecretRepo } from '../app/ports/store.ts'
import type { RowReader } from './row-reader.ts'

const ListedSecret = v.object({ owner: v.string(), kind: v.picklist(['password', 'passphrase']), storedAt: v.number() })
const SealedSecret = v.object({ sealed: v.instance(Uint8Array), keyId: v.string() })

/** Ciphertext and the id of the key that made it; nothing here can be read without that key. */
export function createSecretRepo(db: Database.Database, rows: RowReader): SecretRepo {
  const all = db.prepare<[], { owner: string; kind: string }>(
    'select owner, kind, stored_at as storedAt from secret order by owner, kind',
  )
  const one = db.prepare<[string, string]>('select sealed, key_id as keyId from secret where owner = ? and kind = ?')
  const put = db.prepare(
    `insert into secret (owner, kind, sealed, key_id, stored_at) values (?, ?, ?, ?, ?)
     on conflict do update set sealed = excluded.sealed, key_id = excluded.key_id, stored_at = excluded.stored_at`,
  )
  const remove = db.prepare('delete from secret where owner = ? and kind = ?')
  const again = db.prepare('update secret set sealed = ?, key_id = ? where owner = ? and kind = ?')
  const keys = db.prepare<[], string>('select distinct key_id from secret').pluck()
  return {
    list: () => all.all().flatMap((row) => rows.read(ListedSecret, 'secret', `${row.owner} ${row.kind}`, row) ?? []),
    get(owner, kind) {
      const row = one.get(owner, kind)
      return row === undefined ? null : rows.read(SealedSecret, 'secret', `${owner} ${kind}`, row)
    },
    put({ owner, kind, sealed, keyId, storedAt }) {
      put.run(owner, kind, sealed, keyId, storedAt)
    },
    remove: (owner, kind) => remove.run(owner, kind).changes > 0,
    reseal: db.transaction((keyId: string, entries: readonly { owner: string; kind: string; sealed: Uint8Array }[]) => {
      for (const { owner, kind, sealed } of entries) again.run(sealed, keyId, owner, kind)
    }),
    keysInUse: () => keys.all(),
  }
}
