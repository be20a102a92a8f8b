/** Drills that are carried out by themselves at set times, unless something stands against it. */
import * as v from 'valibot'
import { DrillId, EpochMs, Milliseconds } from './ids.ts'

const text = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(2000))
const hourMs = 3_600_000

export const DrillScheduleId = v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.brand('DrillScheduleId'))
export type DrillScheduleId = v.InferOutput<typeof DrillScheduleId>

/** Times as crontab(5) writes them, `0 10 * * 2`, by the clock of a place. */
const Cron = v.pipe(v.string(), v.trim(), v.minLength(9), v.maxLength(120))

/** A time in which no drill is begun: from each time of `cron` on, for so long. */
export const BlockedWindow = v.strictObject({
  cron: Cron,
  forMs: v.pipe(Milliseconds, v.minValue(60_000), v.maxValue(31 * 24 * hourMs)),
  why: text,
})
export type BlockedWindow = v.InferOutput<typeof BlockedWindow>

const unitsMs = { m: 60_000, h: hourMs, d: 24 * hourMs }

/** As people write one: `0 9 28 * * for 3h: month-end closing`. Null: it is none. */
export function parseBlockedWindow(line: string): BlockedWindow | null {
  const [, cron, count, unit, why] = /^\s*(\S+(?: +\S+){4}) +for +(\d+)([mhd]): *(.+)$/.exec(line) ?? []
  const found = v.safeParse(BlockedWindow, { cron, forMs: Number(count) * (unitsMs[unit as keyof typeof unitsMs] ?? 0), why })
  return found.success ? found.output : null
}

export const DrillScheduleRequest = v.strictObject({
  /** the plan as a YAML document; it is kept as it stands here, whatever becomes of the file it came from */
  plan: v.pipe(v.string(), v.minLength(1), v.maxLength(200_000)),
  cron: Cron,
  /** IANA name, `Asia/Tokyo` */
  timeZone: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  blocked: v.optional(v.pipe(v.array(BlockedWindow), v.maxLength(20)), []),
  reason: text,
})
export type DrillScheduleRequest = v.InferOutput<typeof DrillScheduleRequest>

export const DrillSchedule = v.strictObject({
  ...DrillScheduleRequest.entries,
  id: DrillScheduleId,
  /** of its plan */
  name: v.string(),
  author: v.string(),
  createdAt: EpochMs,
})
export type DrillSchedule = v.InferOutput<typeof DrillSchedule>

/** One time that a schedule fell due. A run that was skipped says why. */
export const ScheduledRun = v.strictObject({ at: EpochMs, drill: v.nullable(DrillId), skipped: v.nullable(v.string()) })
export type ScheduledRun = v.InferOutput<typeof ScheduledRun>

export const DrillScheduleView = v.strictObject({
  schedule: DrillSchedule,
  /** null: never again */
  nextAt: v.nullable(EpochMs),
  /** the blocked window that this time falls into, which will be skipped for it */
  nextBlockedBy: v.nullable(v.string()),
  /** newest first */
  runs: v.array(ScheduledRun),
})
export type DrillScheduleView = v.InferOutput<typeof DrillScheduleView>
