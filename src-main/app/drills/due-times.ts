/** When something falls due that is written as crontab(5) writes it, by the clock of a place, its changes to and from summer time included. */
import { Cron } from 'croner'
import { AppError } from '../app-error.ts'

export interface DueTimes {
  cron: string
  /** IANA name */
  timeZone: string
}

/** Drills closer together than this are a load test, or a slip of the pen. */
export const leastApartMs = 3_600_000
const mostTimesLookedAt = 100

/** Throws `request.invalid` for what is no such time, never comes, or comes more than once an hour. */
export function checkTimes({ cron, timeZone }: DueTimes, now: number): void {
  if (cron.split(/\s+/).length !== 5) {
    throw new AppError(
      'request.invalid',
      `"${cron}" is not five fields as in crontab(5): minute, hour, day of month, month, day of week.`,
    )
  }
  const times = read({ cron, timeZone })
  const next = times.nextRuns(mostTimesLookedAt, new Date(now)).map(Number)
  if (next.length === 0) throw new AppError('request.invalid', `"${cron}" never comes.`)
  const close = next.find((at, index) => at - (next[index - 1] ?? -Infinity) < leastApartMs)
  if (close === undefined) return
  throw new AppError('request.invalid', `"${cron}" comes more than once within an hour; a drill must not.`)
}

/** The first time after this one; null: never. */
export const nextTime = (times: DueTimes, after: number): number | null =>
  read(times).nextRun(new Date(after))?.getTime() ?? null

/** The last time up to this one; null: none. */
export function latestTime(times: DueTimes, upTo: number): number | null {
  const justAfter = new Date(upTo + 1000)
  return (
    read(times)
      .previousRuns(2, justAfter)
      .map(Number)
      .find((at) => at <= upTo) ?? null
  )
}

function read({ cron, timeZone }: DueTimes): Cron {
  try {
    const times = new Cron(cron, { timezone: timeZone, paused: true })
    times.nextRun()
    return times
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AppError('request.invalid', `"${cron}" in ${timeZone} cannot be read: ${why}`)
  }
}
