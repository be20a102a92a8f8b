/** Figures and durations as text. Units are international; words around them come from the messages. */

const THIN = '\u2009'

/** `1 s`, `2 m 14 s`, `3 h 05 m`, `41 d`: two units at most, the second padded so that a ticking figure does not jump. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return `${minutes} m ${pad(seconds % 60)} s`
  if (minutes < 60) return `${minutes} m`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${pad(minutes % 60)} m`
  return `${Math.floor(hours / 24)} d`
}

/** `0.62 s`, `1.2 s`, `12 ms`: how long something took. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : formatDuration(ms)
}

/** Thousands are set apart by a thin space: `3 422`. */
export function formatCount(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, THIN)
}

/** A rate with three significant figures at most: `0.4`, `37`, `12.9 k` is left to the axis. */
export function formatFigure(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return formatCount(value)
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** `14:05:02` in the window's own time zone. */
export function formatClock(at: number): string {
  const date = new Date(at)
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
}

/** `2026-11-22 14:05:02`, the same in every language so that it can be compared with a log. */
export function formatMoment(at: number): string {
  const date = new Date(at)
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${formatClock(at)}`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

const pad = (value: number) => String(value).padStart(2, '0')
