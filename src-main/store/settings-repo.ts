import type Database from 'better-sqlite3'
import { Settings } from '#contract'
import type { SettingsRepo } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

/** What a new data folder starts with. */
export const defaultSettings: Settings = {
  pollMs: 2000,
  pauseWhenHidden: true,
  keepRawHours: 24,
  keepMinuteDays: 14,
  keepHourDays: 400,
  mirrorFolder: '',
}

export function createSettingsRepo(db: Database.Database, rows: RowReader): SettingsRepo {
  const get = db.prepare<[], string>('select doc from settings where id = 1').pluck()
  const put = db.prepare('insert into settings (id, doc) values (1, ?) on conflict (id) do update set doc = excluded.doc')
  return {
    load() {
      const doc = get.get()
      if (doc === undefined) return defaultSettings
      return rows.read(jsonText(Settings), 'settings', '1', doc) ?? defaultSettings
    },
    save(settings) {
      put.run(JSON.stringify(settings))
    },
  }
}
