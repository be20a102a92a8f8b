import { diffArrays } from 'diff'

/** Lines of a base that another text has replaced. */
export interface Hunk {
  /** lines of the base, from 0: from, to (exclusive) */
  from: number
  to: number
  /** what stands there instead, with line ends */
  lines: string[]
}

/** Lines with their ends. */
export const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/** Beyond this many changed lines, or this long, all of it counts as changed. */
const limits = { maxEditLength: 20_000, timeout: 2_000 }

/** What makes `changed` of `base`, in order; lines are compared whole. */
export function hunksOf(base: string[], changed: string[]): Hunk[] {
  const parts = diffArrays(base, changed, limits)
  if (parts === undefined) return [{ from: 0, to: base.length, lines: changed }]
  const hunks: Hunk[] = []
  let at = 0
  let open: Hunk | null = null
  for (const { added, removed, value } of parts) {
    if (!added && !removed) {
      at += value.length
      open = null
      continue
    }
    if (open === null) hunks.push((open = { from: at, to: at, lines: [] }))
    if (added) open.lines.push(...value)
    else open.to = at += value.length
  }
  return hunks
}

/** A hunk of as many lines as it replaces, line by line: what it leaves as it was is no part of it. */
export const lineByLine = (base: readonly string[], hunk: Hunk): Hunk[] =>
  hunk.lines.length !== hunk.to - hunk.from
    ? [hunk]
    : hunk.lines.flatMap((line, index) => {
        const from = hunk.from + index
        return line === base[from] ? [] : [{ from, to: from + 1, lines: [line] }]
      })

/** The base with hunks made that do not overlap. What is put in at a line stands before what replaces that line. */
export function withHunks(base: readonly string[], hunks: readonly Hunk[]): string {
  const made: string[] = []
  let at = 0
  for (const { from, to, lines } of [...hunks].sort((one, two) => one.from - two.from || one.to - two.to)) {
    made.push(...base.slice(at, from), ...lines)
    at = to
  }
  return [...made, ...base.slice(at)].join('')
}
