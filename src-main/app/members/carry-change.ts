import type { CarriedChange } from '#contract'
import { wordsOf } from '../../domain/config-text/words.ts'
import { hunksOf, lineByLine, linesOf, withHunks, type Hunk } from '../text-hunks.ts'

/**
 * The change from `base` to `mine`, made in the file of another member as well. What the two members have each for itself stays, to the
 * word: a weight is changed in a line whose address differs. A change of something that is the other member's own is left out and told.
 */
export function carryChange({ base, mine, theirs }: { base: string; mine: string; theirs: string }): CarriedChange {
  const lines = linesOf(base)
  const split = (text: string): Hunk[] => hunksOf(lines, linesOf(text)).flatMap((hunk) => lineByLine(lines, hunk))
  const own = split(theirs)
  let shift = 0
  const made: Hunk[] = []
  const left: CarriedChange['left'] = []
  const replaced = new Set<Hunk>()
  for (const hunk of split(mine)) {
    const line = hunk.from + shift + 1
    shift += hunk.lines.length - (hunk.to - hunk.from)
    const met = own.filter((each) => meets(hunk, each))
    const [only] = met
    if (only === undefined) {
      made.push(hunk)
      continue
    }
    if (met.every((each) => each.from === hunk.from && each.to === hunk.to && each.lines.join('') === hunk.lines.join('')))
      continue
    const both = met.length === 1 ? wordByWord(lines, hunk, only) : null
    if (both === null) {
      const text = (all: readonly string[]): string => all.join('').trim()
      left.push({ line, mine: text(hunk.lines), theirs: text(met.flatMap((each) => each.lines)) })
      continue
    }
    replaced.add(only)
    made.push(both)
  }
  return { text: withHunks(lines, [...own.filter((hunk) => !replaced.has(hunk)), ...made]), left }
}

/** They say something of the same line, or put something in at the same place. Lines beside each other are two matters here. */
const meets = (one: Hunk, two: Hunk): boolean =>
  (one.from < two.to && two.from < one.to) || (one.from === two.from && one.to === two.to)

/** Both changes of one line, where no word is changed by both; null where one is. */
function wordByWord(base: readonly string[], one: Hunk, two: Hunk): Hunk | null {
  const isLine = ({ from, to, lines }: Hunk): boolean => to === from + 1 && lines.length === 1
  if (!isLine(one) || !isLine(two)) return null
  const [was, mine, theirs] = [piecesOf(base[one.from]), piecesOf(one.lines[0]), piecesOf(two.lines[0])]
  const split = (words: string[]): Hunk[] => hunksOf(was, words).flatMap((hunk) => lineByLine(was, hunk))
  const [own, other] = [split(mine), split(theirs)]
  if (own.some((each) => other.some((their) => meets(each, their)))) return null
  return { from: one.from, to: one.to, lines: [withHunks(was, [...other, ...own])] }
}

/** The words of a line, each with the space before it, and what follows the last. */
function piecesOf(line = ''): string[] {
  let at = 0
  const words = wordsOf(line).map(({ to }) => line.slice(at, (at = to)))
  return [...words, line.slice(at)]
}
