import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { consoleMigrations } from '../../src-main/store/console-migrations.ts'
import { metricsMigrations } from '../../src-main/store/metrics-migrations.ts'
import { migrate, type Migration } from '../../src-main/store/migrate.ts'
import { tempFolder, tempStore } from '../unit/store/temp-store.ts'

type Rows = Record<string, Record<string, unknown>[]>

/** Data as each step's release would have left it, by table; a later step must carry all of it along. */
const dataOf: Record<number, Rows> = {
  10: {
    fleet: [{ id: 1, name: 'prod' }],
    site: [{ id: 'tokyo', ordinal: 0, doc: '{"id":"tokyo","name":"Tokyo"}' }],
    node: [{ id: 'lb-a1', ordinal: 0, doc: '{"id":"lb-a1","name":"lb-a1","ssh":{"host":"198.18.0.1"}}' }],
    pair: [{ id: 'a', ordinal: 0, doc: '{"id":"a","name":"A","nodes":["lb-a1","lb-a2"]}' }],
    probe: [{ node_id: 'lb-a1', doc: '{}' }],
    quarantine: [{ table_name: 'node', row_key: 'x', content: '"?"', why: 'why', seen_at: 1 }],
  },
  20: {
    settings: [
      { id: 1, doc: '{"pollMs":5000,"pauseWhenHidden":true,"keepRawHours":24,"keepMinuteDays":14,"keepHourDays":400}' },
    ],
    host_key: [
      { host: 'h', port: 22, fingerprint: 'SHA256:x', public_key: Buffer.from('key'), trusted_at: 1, trusted_by: 'mk' },
    ],
    secret: [{ owner: 'lb-a1', kind: 'password', sealed: Buffer.from([1, 2]), key_id: 'k', stored_at: 1 }],
  },
  30: {
    job: [
      {
        id: 'j1',
        kind: 'server.set-state',
        def_version: 1,
        title: 'Drain app1',
        input_json: '{}',
        plan_sha256: 'x',
        state: 'paused',
        outcome: null,
        requested_by: 'mk (cli)',
        reason: null,
        created_at: 5,
        ended_at: null,
        cancel_reason: null,
        undoes: null,
        error_json: null,
      },
    ],
    job_step: [
      {
        job_id: 'j1',
        ordinal: 0,
        key: 'lb-a1',
        node_id: 'lb-a1',
        title: 'Drain',
        state: 'intended',
        attempt: 1,
        intent_json: '{"before":0}',
        error_json: null,
        started_at: 6,
        ended_at: null,
      },
    ],
    job_command: [
      {
        id: 1,
        job_id: 'j1',
        ordinal: 0,
        record_json: '{"nodeId":"lb-a1","at":6,"via":"ssh","command":"c","exitCode":0,"reply":""}',
      },
    ],
    node_lock: [{ node_id: 'lb-a1', job_id: 'j1', taken_at: 5 }],
  },
  40: {
    history: [{ id: 1, at: 5, kind: 'server.state', node_id: 'lb-a1', subject: 's', data_json: '{"from":"up"}' }],
    state_span: [{ id: 1, server: 's', node_id: 'lb-a1', state: 'up', word: 'UP', from_at: 5, to_at: null }],
  },
  50: {
    host_lease: [{ id: 1, host_id: 'h', pid: 1, shell: 'cli', host: 'm', boot_id: 'b', since: 1, heartbeat_at: 2 }],
  },
  60: {
    drain: [{ id: 'd1', created_at: 5, ended_at: null, record_json: '{"id":"d1"}' }],
    drain_before: [{ drain_id: 'd1', node_id: 'lb-a1', server_id: 's', before_json: '{"weight":7}' }],
    drain_event: [{ id: 1, drain_id: 'd1', event_json: '{"at":5,"kind":"started"}' }],
  },
  70: {
    config_content: [{ sha256: 'ab', form: 'masked', body: Buffer.from('x'), bytes: 9 }],
    config_version: [
      {
        id: 1,
        node_id: 'lb-a1',
        kind: 'haproxy',
        path: '/etc/haproxy/haproxy.cfg',
        sha256: 'ab',
        at: 5,
        source: 'seen',
        author: null,
        reason: null,
        push_id: null,
      },
    ],
  },
  80: {
    config_draft: [{ node_id: 'lb-a1', path: '/etc/haproxy/haproxy.cfg', draft_json: '{"text":"x"}' }],
  },
  90: {
    push: [{ id: 'p1', created_at: 5, ended_at: null, record_json: '{}' }],
  },
  100: {
    drill: [{ id: 'dr1', router: 'edge/VI', created_at: 5, ended_at: null, record_json: '{}' }],
    drill_event: [{ id: 1, drill_id: 'dr1', event_json: '{"at":5,"kind":"started"}' }],
    drill_probes: [{ drill_id: 'dr1', vantage: 'console', body: Buffer.from('x') }],
    drill_report: [{ drill_id: 'dr1', sha256: 'ab', body: Buffer.from('x') }],
    drill_stop: [{ drill_id: 'dr1', at: 6 }],
    drill_lever: [{ id: 1, lever_json: '{"blocked":false}' }],
  },
  130: {
    drill_schedule: [{ id: 's1', considered_until: 5, schedule_json: '{}' }],
    drill_schedule_run: [{ id: 1, schedule_id: 's1', run_json: '{}' }],
  },
}

function insert(db: Database.Database, rows: Rows): void {
  for (const [table, list] of Object.entries(rows)) {
    for (const row of list) {
      const names = Object.keys(row)
      db.prepare(`insert into ${table} (${names.join()}) values (${names.map(() => '?').join()})`).run(...Object.values(row))
    }
  }
}

const upTo = (version: number): Migration[] => consoleMigrations.filter((step) => step.version <= version)

describe('migrations', () => {
  it('are numbered in tens, strictly increasing, and each has data in this test', () => {
    for (const list of [consoleMigrations, metricsMigrations]) {
      list.forEach(({ version }, i) => {
        expect(version % 10).toBe(0)
        expect(version).toBeGreaterThan(list[i - 1]?.version ?? 0)
      })
    }
    expect(Object.keys(dataOf).map(Number)).toEqual(consoleMigrations.map(({ version }) => version))
    expect(() => migrate(new Database(':memory:'), [...consoleMigrations].reverse(), { backup: false })).toThrow(
      'strictly increase',
    )
  })

  it.each(consoleMigrations.map(({ version }) => version))('carry the data of schema %i to the newest', (version) => {
    const file = join(tempFolder(), 'console.db')
    const db = new Database(file)
    migrate(db, upTo(version), { backup: true })
    const kept: Rows = Object.assign({}, ...upTo(version).map((step) => dataOf[step.version]))
    insert(db, kept)
    migrate(db, consoleMigrations, { backup: true })
    expect(db.pragma('user_version', { simple: true })).toBe(consoleMigrations.at(-1)?.version)
    for (const [table, rows] of Object.entries(kept)) expect(db.prepare(`select * from ${table}`).all()).toEqual(rows)
    expect(db.pragma('foreign_key_check')).toEqual([])
    db.close()
  })

  it('give the data of every step to the repositories', () => {
    const folder = tempFolder()
    const db = new Database(join(folder, 'console.db'))
    migrate(db, consoleMigrations, { backup: false })
    insert(db, Object.assign({}, ...Object.values(dataOf)) as Rows)
    db.close()
    const { store } = tempStore(folder)
    expect(store.inventory.load()).toMatchObject({
      fleet: 'prod',
      nodes: [{ id: 'lb-a1' }],
      sites: [{ id: 'tokyo' }],
      pairs: [{ id: 'a' }],
    })
    expect(store.settings.load().pollMs).toBe(5000)
    expect(store.hostKeys.list()).toMatchObject([{ host: 'h', port: 22, trustedBy: 'mk' }])
    expect(store.secrets.get('lb-a1', 'password')?.keyId).toBe('k')
    expect(store.jobs.unfinished()).toMatchObject([{ id: 'j1', steps: [{ state: 'intended', intent: { before: 0 } }] }])
    expect(store.jobs.unfinished().flatMap(({ id }) => store.jobs.commands(id))).toHaveLength(1)
    expect(store.history.list({ limit: 5 })).toMatchObject([{ subject: 's', data: { from: 'up' } }])
    expect(store.states.spans('s', 0, 10)).toMatchObject([{ state: 'up', to: null }])
    expect(store.lease.current()?.hostId).toBe('h')
  })

  it('copy a database that has data before they change it, privately', () => {
    const folder = tempFolder()
    const file = join(folder, 'console.db')
    const db = new Database(file)
    migrate(db, upTo(20), { backup: true })
    expect(readdirSync(folder).filter((name) => name.includes('backup'))).toEqual([])
    insert(db, { fleet: dataOf[10]?.['fleet'] ?? [] })
    migrate(db, consoleMigrations, { backup: true })
    db.close()
    const backup = `${file}.schema-20.backup`
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    const old = new Database(backup, { readonly: true })
    expect(old.pragma('user_version', { simple: true })).toBe(20)
    expect(old.prepare('select name from fleet').pluck().get()).toBe('prod')
    old.close()
    expect(existsSync(`${backup}.part`)).toBe(false)
  })

  it('stop at a step that fails and leave the database at the step before', () => {
    const db = new Database(':memory:')
    const ran: number[] = []
    const failing: Migration[] = [
      { version: 10, up: (it) => void it.exec('create table a (x integer) strict') },
      {
        version: 20,
        up(it) {
          it.exec('create table b (x integer) strict')
          throw new Error('no')
        },
      },
      { version: 30, up: () => void ran.push(30) },
    ]
    expect(() => migrate(db, failing, { backup: false })).toThrow('no')
    expect(db.pragma('user_version', { simple: true })).toBe(10)
    expect(db.prepare(`select name from sqlite_schema where type = 'table'`).pluck().all()).toEqual(['a'])
    expect(ran).toEqual([])
    db.close()
  })
})

describe('append-only tables', () => {
  it.each(['history', 'job_command'])('%s refuses UPDATE and DELETE', (table) => {
    const db = new Database(':memory:')
    db.pragma('foreign_keys = ON')
    migrate(db, consoleMigrations, { backup: false })
    insert(db, { ...dataOf[30], ...dataOf[40] })
    expect(() => db.exec(`update ${table} set id = 2`)).toThrow('append-only')
    expect(() => db.exec(`delete from ${table}`)).toThrow('append-only')
    expect(() => db.exec(`insert or replace into ${table} select * from ${table}`)).toThrow('append-only')
    expect(db.prepare(`select count(*) from ${table}`).pluck().get()).toBe(1)
    db.close()
  })
})
