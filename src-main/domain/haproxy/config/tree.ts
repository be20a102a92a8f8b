/*
 * A configuration file of HAProxy, lossless: `printConfig(parseConfig(text)) === text` for any text, broken or not, because every line
 * keeps its own characters and its own line end. HAProxy's grammar has lines and sections and nothing else, so that is the whole tree.
 * Bytes that are not UTF-8 must be decoded by the caller one character per byte (latin1), or they cannot come back.
 */
import { parseLine, quoteWord, type LineProblem, type Word } from './parse-line.ts'

export interface ConfigLine {
  /** 1-based */
  readonly number: number
  /** without its line end */
  readonly text: string
  /** as found: `\n`, or nothing at the end of the file; the `\r` of a CRLF belongs to the text, as it does for HAProxy */
  readonly end: '\n' | ''
  readonly words: readonly Word[]
  /** column of the comment's `#` */
  readonly comment: number | null
  readonly problem: LineProblem | null
}

export interface ConfigTree {
  readonly lines: readonly ConfigLine[]
}

/** A section: its head line and everything up to the next head. */
export interface Section {
  /** `frontend`, `backend`, …; '' for lines before the first head, which HAProxy refuses */
  readonly kind: string
  /** the word after the kind; null when there is none */
  readonly name: string | null
  /** null for lines before the first head */
  readonly head: ConfigLine | null
  /** without the head; comments and empty lines included */
  readonly lines: readonly ConfigLine[]
}

/** Every keyword that begins a section, up to HAProxy 3.2. */
export const sectionKinds: ReadonlySet<string> = new Set([
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'peers',
  'resolvers',
  'mailers',
  'userlist',
  'cache',
  'program',
  'http-errors',
  'ring',
  'log-forward',
  'fcgi-app',
  'traces',
  'crt-store',
  'log-profile',
  'acme',
])

export function parseConfig(text: string): ConfigTree {
  const lines: ConfigLine[] = []
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at)
    const stop = newline < 0 ? text.length : newline
    lines.push(lineOf(lines.length + 1, text.slice(at, stop), newline < 0 ? '' : '\n'))
    at = stop + 1
  }
  return { lines }
}

export function printConfig({ lines }: ConfigTree): string {
  return lines.map(({ text, end }) => text + end).join('')
}

/** Sections in the order of the file; nothing is left out. */
export function sectionsOf({ lines }: ConfigTree): Section[] {
  const sections: { kind: string; name: string | null; head: ConfigLine | null; lines: ConfigLine[] }[] = []
  for (const line of lines) {
    const kind = line.words[0]?.value ?? ''
    if (sectionKinds.has(kind)) sections.push({ kind, name: line.words[1]?.value ?? null, head: line, lines: [] })
    else {
      const open = sections.at(-1)
      if (open === undefined) sections.push({ kind: '', name: null, head: null, lines: [line] })
      else open.lines.push(line)
    }
  }
  return sections
}

/** Another tree in which one word of one line has a new value; the rest of the line, its comment included, stays as it is. */
export function replaceWord(tree: ConfigTree, lineNumber: number, wordIndex: number, value: string): ConfigTree {
  return replaceLine(tree, lineNumber, (line) => {
    const word = line.words[wordIndex]
    if (word === undefined) throw new RangeError(`line ${lineNumber} has no word ${wordIndex}`)
    return line.text.slice(0, word.start) + quoteWord(value) + line.text.slice(word.end)
  })
}

/** Adds words behind the last one, before a comment. */
export function appendWords(tree: ConfigTree, lineNumber: number, values: readonly string[]): ConfigTree {
  return replaceLine(tree, lineNumber, ({ text, words }) => {
    const stop = words.at(-1)?.end ?? 0
    return [text.slice(0, stop), ...values.map((value) => ` ${quoteWord(value)}`), text.slice(stop)].join('')
  })
}

/** Takes out words `from` to `to` (exclusive) with the blanks before them. */
export function removeWords(tree: ConfigTree, lineNumber: number, from: number, to: number): ConfigTree {
  return replaceLine(tree, lineNumber, ({ text, words }) => {
    const [first, last] = [words[from - 1]?.end ?? words[from]?.start, words[to - 1]?.end]
    if (first === undefined || last === undefined) throw new RangeError(`line ${lineNumber} has no words ${from} to ${to}`)
    return text.slice(0, first) + text.slice(last)
  })
}

/** Another tree with a line after `lineNumber` (0: at the top), indented and ended as its neighbour is. */
export function insertLine(tree: ConfigTree, lineNumber: number, words: readonly string[]): ConfigTree {
  const before = tree.lines[lineNumber - 1]
  const indent = before === undefined ? '' : (/^[ \t]*/.exec(before.text)?.[0] ?? '')
  const isHead = sectionKinds.has(before?.words[0]?.value ?? '')
  const carriageReturn = before?.text.endsWith('\r') === true ? '\r' : ''
  const text = (isHead ? (siblingIndent(tree, lineNumber) ?? '    ') : indent) + words.map(quoteWord).join(' ') + carriageReturn
  const texts = tree.lines.map((line) => ({ text: line.text, end: line.end }))
  // a last line without its newline gets one, or the two would become one
  if (before !== undefined && before.end === '') texts[lineNumber - 1] = { text: before.text, end: '\n' }
  texts.splice(lineNumber, 0, { text, end: '\n' })
  return { lines: texts.map(({ text: each, end }, index) => lineOf(index + 1, each, end)) }
}

export function removeLine(tree: ConfigTree, lineNumber: number): ConfigTree {
  const kept = tree.lines.filter(({ number }) => number !== lineNumber)
  return { lines: kept.map((line, index) => ({ ...line, number: index + 1 })) }
}

function siblingIndent(tree: ConfigTree, lineNumber: number): string | null {
  const sibling = tree.lines.slice(lineNumber).find(({ words }) => words.length > 0)
  return sibling === undefined || sectionKinds.has(sibling.words[0]?.value ?? '')
    ? null
    : (/^[ \t]*/.exec(sibling.text)?.[0] ?? null)
}

function replaceLine(tree: ConfigTree, lineNumber: number, change: (line: ConfigLine) => string): ConfigTree {
  const line = tree.lines[lineNumber - 1]
  if (line === undefined) throw new RangeError(`there is no line ${lineNumber}`)
  const lines = [...tree.lines]
  lines[lineNumber - 1] = lineOf(line.number, change(line), line.end)
  return { lines }
}

const lineOf = (number: number, text: string, end: '\n' | ''): ConfigLine => ({ number, text, end, ...parseLine(text) })
