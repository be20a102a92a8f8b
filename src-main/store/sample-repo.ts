import type Database from 'better-sqlite3'
import type { Series, Settings } from '#contract'
import type { Clock } from '../app/ports/clock.ts'
import type { Log } from '../app/ports/log.ts'
import type { SampleRepo, ServerSample, TotalsSample } from '../app/ports/store.ts'
import { bucketWidthMs, downsample } from './downsample.ts'
import { createSampleReader } from './sample-reader.ts'
import { createSampleUpkeep } from './sample-upkeep.ts'
import { createSlicedWork } from './sliced-work.ts'

/** Rows per transaction while writing a round: about 10 ms. */
const WRITE_SLICE_ROWS = 1000
/** The event loop is given back after this long. */
const BUDGET_MS = 20
/** Raw rows per second the store takes; a larger fleet is thinned to it. 1000 rows are about 50 kB. */
const RAW_ROWS_PER_S = 1000
/** A figure older than this many rounds is stale and leaves a gap. */
const STALE_ROUNDS = 3

type Kind = 'server' | 'totals'
interface SampleRow {
  kind: Kind
  key: string
  figures: [number | null, number | null, number | null, number | null, number | null]
}

/** What is remembered of a series between rounds. */
interface SeriesState {
  id: number
  storedAt: number
  unread: boolean
}

/**
 * Samples of servers and totals.
 *
 * Which readings are stored: every one, as long as the fleet is small. With more than 1000 servers a server's reading is left
 * out when its last stored one is younger than `servers / 1000` seconds, unless it went from read to not read or back: gaps keep
 * their edges. A reading of which every figure is null says "could not be read" and is stored like any other.
 *
 * A round is written in transactions of 1000 rows between other events; a new round first completes the one before it.
 */
export function createSampleRepo(
  db: Database.Database,
  { clock, log, settings, onError }: { clock: Clock; log: Log; settings: () => Settings; onError: (error: unknown) => void },
): SampleRepo & { close(): void; abandon(): void } {
  const reader = createSampleReader(db)
  const upkeep = createSampleUpkeep(db)
  const findSeries = db.prepare<[string, string], number>('select id from series where kind = ? and key = ?').pluck()
  const addSeries = db.prepare('insert into series (kind, key) values (?, ?)')
  const hasSeries = db.prepare<[number], number>('select 1 from series where id = ?').pluck()
  const insert = db.prepare('insert or replace into sample_raw values (?, ?, ?, ?, ?, ?, ?, ?)')
  const known = { server: new Map<string, SeriesState>(), totals: new Map<string, SeriesState>() }

  const sliced = { budgetMs: BUDGET_MS, monotonic: () => clock.monotonic(), onError }
  const writing = createSlicedWork(sliced)
  const keeping = createSlicedWork(sliced)

  function stateOf(kind: Kind, key: string): SeriesState {
    const state = known[kind].get(key)
    if (state !== undefined) return state
    const id = findSeries.get(kind, key) ?? Number(addSeries.run(kind, key).lastInsertRowid)
    return { id, storedAt: Number.NEGATIVE_INFINITY, unread: false }
  }

  function writeSlice(at: number, rows: readonly SampleRow[], spacingMs: number, holdsMs: number): void {
    const written: [SampleRow, SeriesState][] = []
    db.transaction(() => {
      for (const row of rows) {
        const state = stateOf(row.kind, row.key)
        const unread = row.figures.every((figure) => figure === null)
        const sinceMs = at - state.storedAt
        const tooSoon = row.kind === 'server' && sinceMs >= 0 && sinceMs < spacingMs
        if (tooSoon && unread === state.unread) continue
        insert.run(state.id, at, holdsMs, ...row.figures)
        written.push([row, { id: state.id, storedAt: at, unread }])
      }
    }).immediate()
    // Only what was committed is remembered: a series made by a transaction that failed does not exist.
    for (const [row, state] of written) known[row.kind].set(row.key, state)
  }

  function* writeRound(at: number, servers: readonly ServerSample[], totals: readonly TotalsSample[]): Generator<void> {
    const serverCount = Math.max(servers.length, known.server.size)
    const spacingMs = Math.floor(serverCount / RAW_ROWS_PER_S) * 1000
    const holdsMs = STALE_ROUNDS * Math.max(settings().pollMs, spacingMs)
    for (let start = 0; start < servers.length; start += WRITE_SLICE_ROWS) {
      writeSlice(at, servers.slice(start, start + WRITE_SLICE_ROWS).map(serverRow), spacingMs, holdsMs)
      yield
    }
    writeSlice(at, totals.map(totalsRow), spacingMs, holdsMs)
  }

  function* keep(now: number, wanted: Settings): Generator<void> {
    yield* upkeep.run(now, wanted)
    if (!upkeep.removedSeries()) return
    for (const states of Object.values(known)) {
      for (const [key, { id }] of states) if (hasSeries.get(id) === undefined) states.delete(key)
    }
  }

  function series(
    kind: Kind,
    key: string,
    names: readonly string[],
    span: { from: number; to: number; points: number },
  ): Series {
    const id = findSeries.get(kind, key)
    const readings =
      id === undefined ? [] : reader.read(id, { ...span, widthMs: bucketWidthMs(span), now: clock.now(), keep: settings() })
    return downsample(readings, names, span)
  }

  return {
    write(at, servers, totals) {
      if (writing.busy()) {
        log.warn('the disk is slower than the polling: a round of samples was still being written')
        writing.finish()
      }
      writing.start(writeRound(at, servers, totals))
    },
    serverSeries: (key, from, to, points) => series('server', key, serverNames, { from, to, points }),
    totalsSeries(from, to, points) {
      const span = { from, to, points }
      return Object.fromEntries(
        reader.keysOf('totals').map((site) => [site, withoutQueue(series('totals', site, totalsNames, span))]),
      )
    },
    maintain(now, wanted) {
      if (!keeping.busy() && !writing.busy()) keeping.start(keep(now, wanted))
    },
    close() {
      keeping.abandon()
      writing.finish()
    },
    abandon() {
      keeping.abandon()
      writing.abandon()
    },
  }
}

/** In the order of the columns of `sample_raw`. Totals use the same columns and have no queue. */
const serverNames = ['sessions', 'queue', 'rate', 'errorRate', 'responseMs']
const totalsNames = ['sessions', 'queue', 'requestsPerS', 'errorsPerS', 'responseMs']

function serverRow({ key, sessions, queue, rate, errorRate, responseMs }: ServerSample): SampleRow {
  return { kind: 'server', key, figures: [sessions, queue, rate, errorRate, responseMs] }
}

function totalsRow({ site, sessions, requestsPerS, errorsPerS, responseMs }: TotalsSample): SampleRow {
  return { kind: 'totals', key: site, figures: [sessions, null, requestsPerS, errorsPerS, responseMs] }
}

function withoutQueue({ resolutionMs, at, values: { queue: _queue, ...values } }: Series): Series {
  return { resolutionMs, at, values }
}
