const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const timeSteps = [
  second,
  2 * second,
  5 * second,
  10 * second,
  15 * second,
  30 * second,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  3 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
] as const

/** The smallest pleasant step that makes at most `count` of them in `spanMs`. */
export function timeStep(spanMs: number, count: number): number {
  return timeSteps.find((step) => spanMs / step <= count) ?? Math.ceil(spanMs / count / day) * day
}

/** Times on round minutes, hours or days of the operator's clock, within `from` to `to` (epoch ms). */
export function timeTicks(from: number, to: number, count: number, offsetMinutes = new Date(to).getTimezoneOffset()): number[] {
  if (!(to > from)) return []
  const step = timeStep(to - from, count)
  const shift = offsetMinutes * minute
  const ticks: number[] = []
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= to; at += step) ticks.push(at)
  return ticks
}

/** `02:41`, with seconds only when the ticks are closer than a minute, with the date once they are days apart. */
export function timeFormat(spanMs: number, count: number, locale: string): Intl.DateTimeFormat {
  const step = timeStep(spanMs, count)
  const fine = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
  if (step >= day) return new Intl.DateTimeFormat(locale, { month: 'numeric', day: 'numeric' })
  return new Intl.DateTimeFormat(locale, step < minute ? { ...fine, second: '2-digit' } : fine)
}

/** Three or four round lines from zero to at least `max`: the last one is the top of the axis. */
export function valueTicks(max: number): number[] {
  const top = Number.isFinite(max) && max > 0 ? max : 1
  const power = 10 ** Math.floor(Math.log10(top / 3))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate * 3 >= top) ?? 10 * power
  const lines = Math.ceil(top / step)
  // multiplied rather than added up, so that 0.3 is 0.3
  return Array.from({ length: lines + 1 }, (_, index) => Number((index * step).toPrecision(12)))
}

/** `12k`, `1.5M`, `0.2`: short enough for an axis. */
export function shortNumber(value: number, locale: string): string {
  const size = Math.abs(value)
  const digits = size !== 0 && size < 10 ? 2 : 1
  return new Intl.NumberFormat(locale === 'ja' ? 'en' : locale, {
    notation: size >= 10_000 ? 'compact' : 'standard',
    maximumFractionDigits: digits,
    useGrouping: false,
  }).format(value)
}
