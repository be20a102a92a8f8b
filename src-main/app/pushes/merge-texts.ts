import { hunksOf, linesOf, withHunks, type Hunk } from '../text-hunks.ts'

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
  return withHunks(lines, [...own, ...extra])
}
