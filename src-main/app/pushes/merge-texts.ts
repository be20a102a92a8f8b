import { diffArrays } from 'diff'

interface Hunk {
  /** lines of the base that are replaced: from, to (exclusive) */
  from: number
  to: number
  lines: string[]
}

/**
 * Two changes of one text, both made; null where they meet. Lines are compared whole, with their ends. Changes that touch the same line, or
 * lines next to each other, are not taken apart: what one side has not seen it has not agreed to.
 */
export function mergeTexts(base: string, mine: string, theirs: string): string | null {
  const lines = linesOf(base)
  const [own, other] = [hunksOf(lines, linesOf(mine)), hunksOf(lines, linesOf(theirs))]
  const same = (one: Hunk, two: Hunk): boolean => JSON.stringify(one) === JSON.stringify(two)
  const extra = other.filter((hunk) => !own.some((each) => same(each, hunk)))
  if (extra.some((hunk) => own.some((each) => hunk.from <= each.to && each.from <= hunk.to))) return null
  const merged: string[] = []
  let at = 0
  for (const { from, to, lines: put } of [...own, ...extra].sort((one, two) => one.from - two.from)) {
    merged.push(...lines.slice(at, from), ...put)
    at = to
  }
  return [...merged, ...lines.slice(at)].join('')
}

const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

function hunksOf(base: string[], changed: string[]): Hunk[] {
  const hunks: Hunk[] = []
  let at = 0
  let open: Hunk | null = null
  for (const { added, removed, value } of diffArrays(base, changed)) {
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
