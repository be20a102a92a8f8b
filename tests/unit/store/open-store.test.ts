import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { NodeId } from '#contract'
import * as v from 'valibot'
import { keptLog, stillClock, tempFolder, tempStore } from './temp-store.ts'
import { openDatabase } from '../../../src-main/store/open-database.ts'
import { openStore } from '../../../src-main/store/open-store.ts'
import { storeErrorFrom } from '../../../src-main/store/store-error.ts'

const sampleOf = (key: string, sessions: number) =>
  ({ key, sessions, queue: 0, rate: 0, errorRate: 0, responseMs: 0, state: 'up' }) as const
const node = (id: string) => ({ id: v.parse(NodeId, id), name: id, ssh: { host: id } })

describe('openStore', () => {
  it('makes a folder and files that only their owner can read', () => {
    const { store, folder } = tempStore()
    store.samples.write(1_700_000_000_000, [], [{ site: '', requestsPerS: 1, errorsPerS: 0, sessions: 2, responseMs: 3 }])
    store.inventory.save(store.inventory.load())
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    for (const file of readdirSync(folder)) expect([file, statSync(join(folder, file)).mode & 0o777]).toEqual([file, 0o600])
  })

  it('keeps what was saved', () => {
    const { store, folder } = tempStore()
    const inventory = { version: 1 as const, fleet: 'prod', sites: [], nodes: [node('b'), node('a')], pairs: [] }
    store.inventory.save(inventory)
    store.settings.save({ ...store.settings.load(), pollMs: 5000 })
    store.close()
    const again = tempStore(folder).store
    expect(again.inventory.load()).toEqual(inventory)
    expect(again.settings.load().pollMs).toBe(5000)
  })

  it('refuses a database from the future and leaves it as it was', () => {
    const { store, folder } = tempStore()
    store.close()
    const file = join(folder, 'console.db')
    const db = new Database(file)
    db.pragma('user_version = 9990')
    db.pragma('wal_checkpoint(truncate)')
    db.close()
    const before = readFileSync(file)
    expect(() => openStore({ folder, clock: stillClock(), log: keptLog() })).toThrow(
      expect.objectContaining({ code: 'store.from-future' }),
    )
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('refuses a console database that is not one, and does not touch it', () => {
    const folder = tempFolder()
    writeFileSync(join(folder, 'console.db'), 'not a database, but longer than the header of one '.repeat(40))
    expect(() => openStore({ folder, clock: stillClock(), log: keptLog() })).toThrow(
      expect.objectContaining({ code: 'store.corrupt' }),
    )
    expect(readFileSync(join(folder, 'console.db'), 'utf8')).toMatch(/^not a database/)
    expect(existsSync(join(folder, 'metrics.db'))).toBe(false)
  })

  it('refuses a console database with a damaged page', () => {
    const { store, folder } = tempStore()
    for (let i = 0; i < 200; i += 1) {
      store.history.append([{ at: i, kind: 'server.state', nodeId: null, subject: 's', data: { text: 'x'.repeat(500) } }])
    }
    store.close()
    const file = join(folder, 'console.db')
    const bytes = readFileSync(file)
    bytes.fill(0xff, bytes.length - 40_000)
    writeFileSync(file, bytes)
    expect(() => openStore({ folder, clock: stillClock(), log: keptLog() })).toThrow(
      expect.objectContaining({ code: 'store.corrupt' }),
    )
  })

  it('starts a damaged samples file afresh and says so', () => {
    const { store, folder } = tempStore()
    store.close()
    writeFileSync(join(folder, 'metrics.db'), 'garbage '.repeat(1000))
    const again = tempStore(folder)
    expect(again.log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', message: expect.stringContaining('damaged') }),
    )
    again.store.samples.write(1000, [], [{ site: 'x', requestsPerS: 1, errorsPerS: 0, sessions: 2, responseMs: 3 }])
    expect(again.store.samples.totalsSeries(1000, 2000, 2)['x']?.values['sessions']).toEqual([2, 2])
  })

  it('starts the samples afresh when damage shows in the middle of work, and goes on', () => {
    const { store, folder } = tempStore()
    const round = (at: number) => Array.from({ length: 3000 }, (_, i) => sampleOf(`s${i}@n`, at))
    store.samples.write(1000, round(1), [])
    store.close()
    const file = join(folder, 'metrics.db')
    const bytes = readFileSync(file)
    // All but the schema's page and those right after it.
    bytes.fill(0xff, 8 * 4096)
    writeFileSync(file, bytes)
    const again = tempStore(folder)
    // What opening reads is whole.
    expect(again.log.lines).toEqual([])
    again.store.samples.write(5000, round(2), [])
    again.store.samples.write(9000, round(3), [])
    expect(again.store.samples.serverSeries('s2999@n', 9000, 9002, 2).values['sessions']).toEqual([3, 3])
    expect(again.log.lines.filter(({ message }) => message.includes('damaged'))).toHaveLength(1)
  })

  it('runs console.db with FULL on every open', () => {
    const { store, folder } = tempStore()
    store.close()

    const db = openDatabase(join(folder, 'console.db'), 'FULL')
    expect([db.pragma('synchronous', { simple: true }), db.pragma('journal_mode', { simple: true })]).toEqual([2, 'wal'])
    expect(db.pragma('foreign_keys', { simple: true })).toBe(1)
    db.close()
  })

  it('answers store.busy while another process writes', () => {
    const { store, folder } = tempStore()
    const other = new Database(join(folder, 'console.db'))
    other.exec('begin immediate')
    expect(() => store.settings.save(store.settings.load())).toThrow(expect.objectContaining({ code: 'store.busy' }))
    other.exec('rollback')
    other.close()
  })

  it('maps a full disk to store.full and leaves our own defects alone', () => {
    const full = new Database.SqliteError('database or disk is full', 'SQLITE_FULL')
    expect(storeErrorFrom(full, 'f')).toMatchObject({ code: 'store.full' })
    const ours = new TypeError('x')
    expect(storeErrorFrom(ours, 'f')).toBe(ours)
  })
})

describe('rows that do not parse', () => {
  it('are reported, skipped, and survive the next save', () => {
    const { store, folder, log } = tempStore()
    store.inventory.save({ version: 1, fleet: 'f', sites: [], nodes: [node('a'), node('b')], pairs: [] })
    const db = new Database(join(folder, 'console.db'))
    db.prepare(`update node set doc = '{"id":"a"}' where id = 'a'`).run()
    expect(store.inventory.load().nodes.map(({ id }) => id)).toEqual(['b'])
    expect(store.inventory.load().nodes).toHaveLength(1)
    expect(store.quarantined()).toEqual([{ table: 'node', key: 'a', why: expect.stringContaining('name') }])
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
    store.inventory.save(store.inventory.load())
    expect(db.prepare('select id, doc from node order by id').all()).toContainEqual({ id: 'a', doc: '{"id":"a"}' })
    db.close()
  })

  it('are kept in quarantine when a new row of the same id replaces them', () => {
    const { store, folder } = tempStore()
    store.settings.save(store.settings.load())
    const db = new Database(join(folder, 'console.db'))
    db.prepare(`update settings set doc = 'not json'`).run()
    store.settings.save(store.settings.load())
    expect(db.prepare('select content from quarantine').pluck().all()).toEqual(['"not json"'])
    expect(store.settings.load().pollMs).toBe(2000)
    db.close()
  })
})
