import type { MemberValues } from '#contract'
import { wordsOf, type WrittenWord } from '../../domain/config-text/words.ts'
import { hunksOf, linesOf } from '../text-hunks.ts'

/**
 * What two members of a pair have each for itself: words that differ in lines that are otherwise the same. Lines that only one of them has,
 * or that differ in how many words they have, are counted.
 */
export function memberValues(one: string, other: string): MemberValues {
  const [lines, others] = [linesOf(one), linesOf(other)]
  const starts = startsOf(lines)
  const otherStarts = startsOf(others)
  const sections = sectionsOf(lines)
  const values: MemberValues['values'] = []
  let elsewhere = 0
  let shift = 0
  for (const { from, to, lines: put } of hunksOf(lines, others)) {
    const at = from + shift
    shift += put.length - (to - from)
    const pairs = Math.max(to - from, put.length)
    for (let index = 0; index < pairs; index += 1) {
      const [line, counterpart] = [from + index < to ? (lines[from + index] ?? '') : '', put[index] ?? '']
      const mine = wordsOf(line, starts[from + index])
      const theirs = wordsOf(counterpart, otherStarts[at + index])
      const isAlike = to - from === put.length && areAlike(mine, theirs)
      if (!isAlike) {
        elsewhere += mine.length > 0 || theirs.length > 0 ? 1 : 0
        continue
      }
      for (const [word, own] of mine.entries()) {
        const their = theirs[word]
        if (their === undefined || their.text === own.text) continue
        const before = mine.slice(0, word).map(({ text }) => text)
        values.push({
          where: sections[from + index] ?? '',
          what: before.join(' '),
          one: { line: from + index + 1, ...own },
          other: { line: at + index + 1, ...their },
        })
      }
    }
  }
  return { values, elsewhere }
}

/** As many words, the same first one unless it is the only one, and the same ends of statements and blocks. */
const areAlike = (mine: readonly WrittenWord[], theirs: readonly WrittenWord[]): boolean =>
  mine.length === theirs.length &&
  (mine.length === 1 || mine[0]?.text === theirs[0]?.text) &&
  mine.every(({ text }, index) => text === theirs[index]?.text || ![text, theirs[index]?.text].some(isEnd))

const isEnd = (text = ''): boolean => text === '{' || text === '}' || text === ';'

const startsOf = (lines: readonly string[]): number[] => {
  let at = 0
  return lines.map((line) => (at += line.length) - line.length)
}

/** The head under which each line stands: of the block it is in, or of HAProxy's section. */
function sectionsOf(lines: readonly string[]): string[] {
  const open: string[] = []
  let section = ''
  return lines.map((line) => {
    const words = wordsOf(line)
    const isHead = !/^\s/.test(line) && words.length > 0 && open.length === 0
    const here = open.at(-1) ?? (isHead ? '' : section)
    const name = nameOf(words)
    for (const { text } of words) {
      if (text === '{') open.push(name === '' ? here : name)
      else if (text === '}') open.pop()
    }
    // a line of HAProxy that begins a section has no block
    if (isHead && !words.some(({ text }) => isEnd(text))) section = name
    return here
  })
}

const nameOf = (words: readonly WrittenWord[]): string =>
  words
    .map(({ text }) => text)
    .filter((text) => !isEnd(text))
    .join(' ')
