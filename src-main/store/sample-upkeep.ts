import type Database from 'better-sqlite3'
import type { Settings } from '#contract'
import { type Tier, tiers } from './sample-tiers.ts'

/** Series per transaction. */
const SLICE_SERIES = 200
/** A minute or hour is rolled up this long after its end, when no round is still being written into it. */
const SETTLE_MS = 30_000
/** Minutes or hours per statement and series, and such portions per pass: catching up after a long pause comes in even pieces. */
const PORTION = 60
const PORTIONS_PER_PASS = 24
/** Old rows are looked for this often; roll-ups happen on every pass. */
const DELETE_EVERY_MS = 10 * 60_000

/**
 * Rolls raw samples up to minutes and minutes to hours, and deletes what is past its keep time. Every slice is a transaction
 * and may be repeated: a pass that was cut short is simply run again.
 */
export function createSampleUpkeep(db: Database.Database) {
  const getThrough = db.prepare<[string], number>('select through from rolled_up where tier = ?').pluck()
  const setThrough = db.prepare(
    'insert into rolled_up values (?, ?) on conflict (tier) do update set through = excluded.through',
  )
  const lastId = db
    .prepare<[number], number>(`select max(id) from (select id from series where id > ? order by id limit ${SLICE_SERIES})`)
    .pluck()
  const rollUp = new Map(tiers.map((tier) => [tier.name, rollUpStatement(db, tier)]))
  const oldest = new Map(
    tiers.map((tier) => [tier.name, db.prepare<[], number | null>(`select min(t) from ${tier.source}`).pluck()]),
  )
  const removals = {
    raw: removalStatement(db, 'sample_raw'),
    minute: removalStatement(db, 'sample_minute'),
    hour: removalStatement(db, 'sample_hour'),
  }
  const removeSeries = db.prepare(
    `delete from series where id > @after and id <= @last
       and not exists (select 1 from sample_raw where series = series.id)
       and not exists (select 1 from sample_minute where series = series.id)
       and not exists (select 1 from sample_hour where series = series.id)`,
  )
  let deletedAt = Number.NEGATIVE_INFINITY
  let seriesRemoved = false

  function* slices(): Generator<{ after: number; last: number }> {
    for (let after = 0; ;) {
      const last = lastId.get(after)
      if (last === undefined || last === null) return
      yield { after, last }
      after = last
    }
  }

  function* rollUpTier(tier: Tier, sourceThrough: number, keptFrom: number): Generator<void> {
    const end = Math.floor(sourceThrough / tier.widthMs) * tier.widthMs
    const done = getThrough.get(tier.name) ?? oldest.get(tier.name)?.get() ?? end
    // What the tier itself would not keep is not rolled up any more.
    let from = Math.floor(Math.max(done, keptFrom) / tier.widthMs) * tier.widthMs
    for (let portion = 0; portion < PORTIONS_PER_PASS && from < end; portion += 1) {
      const to = Math.min(end, from + PORTION * tier.widthMs)
      for (const slice of slices()) {
        rollUp.get(tier.name)?.run({ ...slice, from, to })
        yield
      }
      setThrough.run(tier.name, to)
      yield
      from = to
    }
  }

  function* removeOld(now: number, settings: Settings): Generator<void> {
    const before = {
      raw: Math.min(now - settings.keepRawHours * 3_600_000, getThrough.get('minute') ?? 0),
      minute: Math.min(now - settings.keepMinuteDays * 86_400_000, getThrough.get('hour') ?? 0),
      hour: now - settings.keepHourDays * 86_400_000,
    }
    const slice = db.transaction((range: { after: number; last: number }) => {
      removals.raw.run({ ...range, before: before.raw })
      removals.minute.run({ ...range, before: before.minute })
      removals.hour.run({ ...range, before: before.hour })
      if (removeSeries.run(range).changes > 0) seriesRemoved = true
    })
    for (const range of slices()) {
      slice.immediate(range)
      yield
    }
    deletedAt = now
  }

  return {
    *run(now: number, settings: Settings): Generator<void> {
      seriesRemoved = false
      const [minute, hour] = tiers
      yield* rollUpTier(minute, now - SETTLE_MS, now - settings.keepMinuteDays * 86_400_000)
      yield* rollUpTier(hour, getThrough.get(minute.name) ?? 0, now - settings.keepHourDays * 86_400_000)
      if (Math.abs(now - deletedAt) >= DELETE_EVERY_MS) yield* removeOld(now, settings)
    },
    /** whether the newest pass removed series that have no samples left */
    removedSeries: () => seriesRemoved,
  }
}

/**
 * Averages of what was read: null figures do not count, and a bucket without any reading has no row.
 * The joins make SQLite seek into each series instead of scanning the table. JavaScript numbers arrive as REAL, so the
 * division is made whole with a cast.
 */
function rollUpStatement(db: Database.Database, { table, source, widthMs }: Tier): Database.Statement<[object]> {
  return db.prepare(`
    insert or replace into ${table}
    select s.id, cast(r.t / ${widthMs} as integer) * ${widthMs} as bucket, max(${widthMs}, max(r.holds_ms)),
      avg(r.sessions), avg(r.queue), avg(r.rate), avg(r.error_rate), avg(r.response_ms)
    from series s cross join ${source} r on r.series = s.id and r.t >= @from and r.t < @to
    where s.id > @after and s.id <= @last
    group by s.id, bucket`)
}

function removalStatement(db: Database.Database, table: string): Database.Statement<[object]> {
  return db.prepare(`
    delete from ${table} where (series, t) in (
      select s.id, r.t from series s cross join ${table} r on r.series = s.id and r.t < @before
      where s.id > @after and s.id <= @last)`)
}
