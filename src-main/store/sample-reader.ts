import type Database from 'better-sqlite3'
import type { Settings } from '#contract'
import type { Reading } from './downsample.ts'
import { figureColumns, type Tier, tiers } from './sample-tiers.ts'

/** A longer span is read from the roll-ups: raw samples two seconds apart would be more than 10 000 rows. */
const LONGEST_RAW_MS = 6 * 3_600_000

interface Span {
  from: number
  to: number
  widthMs: number
  now: number
  keep: Settings
}

type Figure = number | null
type Row = [t: number, endsAt: number, ...figures: Figure[]]

/** Reads one series at the coarsest tier that still gives every bucket its own rows, and what is not rolled up yet from below. */
export function createSampleReader(db: Database.Database) {
  const keys = db.prepare<[string], string>('select key from series where kind = ? order by key').pluck()
  const through = db.prepare<[string], number>('select through from rolled_up where tier = ?').pluck()
  const [minute, hour] = tiers
  const select = {
    raw: statement(db, 'sample_raw'),
    minute: statement(db, minute.table),
    hour: statement(db, hour.table),
  }

  function rowsOf(name: keyof typeof select, series: number, from: number, to: number): Row[] {
    return from < to ? select[name].all({ series, from, to }) : []
  }

  return {
    keysOf: (kind: 'server' | 'totals'): string[] => keys.all(kind),

    read(series: number, span: Span): Reading[] {
      const coarsest = tierFor(span)
      const rows: Row[] = []
      let from = span.from
      for (const tier of [hour, minute]) {
        if (coarsest === null || tier.widthMs > coarsest.widthMs) continue
        const end = Math.min(span.to, through.get(tier.name) ?? span.from)
        rows.push(...rowsOf(tier.name, series, from, end))
        from = Math.max(from, end)
      }
      rows.push(...rowsOf('raw', series, from, span.to))
      return rows.map(([t, endsAt, ...figures]) => ({ t, endsAt, figures }))
    },
  }
}

/** null: raw samples */
function tierFor({ from, to, widthMs, now, keep }: Span): Tier | null {
  const [minute, hour] = tiers
  if (widthMs >= hour.widthMs || from < now - keep.keepMinuteDays * 86_400_000) return hour
  if (widthMs >= minute.widthMs || to - from > LONGEST_RAW_MS || from < now - keep.keepRawHours * 3_600_000) return minute
  return null
}

/** Rows from the last one at or before `from` (it may still stand there) up to `to`. */
function statement(db: Database.Database, table: string): Database.Statement<[object], Row> {
  return db
    .prepare<[object], Row>(
      `select t, t + holds_ms, ${figureColumns} from ${table}
       where series = @series and t < @to
         and t >= coalesce((select max(t) from ${table} where series = @series and t <= @from), @from)
       order by t`,
    )
    .raw()
}
