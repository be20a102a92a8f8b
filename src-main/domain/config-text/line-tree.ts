/*
 * A configuration file whose grammar has lines, lossless: `printLines(parseLines(grammar, text)) === text` for any text, broken or not,
 * because every line keeps its own characters and its own line end. An edit changes one line and leaves the others as they were.
 * Bytes that are not UTF-8 must be decoded by the caller one character per byte (latin1), or they cannot come back.
 */

/** One word of a line: where it stands, and what the daemon makes of it. */
export interface Word {
  /** columns, 0-based; `text.slice(start, end)` is the word as written, quotes included */
  readonly start: number
  readonly end: number
  /** quotes and escapes resolved; references to variables stay as they are written */
  readonly value: string
  /** names of the environment variables it refers to, where the daemon would resolve them */
  readonly variables: readonly string[]
}

/** What the daemon refuses about the characters of a line. `column` is 0-based. */
export interface LineProblem {
  readonly column: number
  readonly message: string
}

export interface ParsedLine {
  readonly words: readonly Word[]
  /** column of the character that begins a comment */
  readonly comment: number | null
  readonly problem: LineProblem | null
}

/** How a daemon reads its lines. */
export interface LineGrammar {
  parseLine(text: string): ParsedLine
  /** a value written so that the daemon reads it back as it is */
  quoteWord(value: string): string
  /** whether what follows the line belongs to it, and is indented deeper */
  opensBlock(line: ParsedLine): boolean
}

export interface ConfigLine extends ParsedLine {
  /** 1-based */
  readonly number: number
  /** without its line end */
  readonly text: string
  /** as found: `\n`, or nothing at the end of the file; the `\r` of a CRLF belongs to the text */
  readonly end: '\n' | ''
}

export interface LineTree {
  readonly grammar: LineGrammar
  readonly lines: readonly ConfigLine[]
}

export function parseLines(grammar: LineGrammar, text: string): LineTree {
  const lines: ConfigLine[] = []
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at)
    const stop = newline < 0 ? text.length : newline
    lines.push(lineOf(grammar, lines.length + 1, text.slice(at, stop), newline < 0 ? '' : '\n'))
    at = stop + 1
  }
  return { grammar, lines }
}

export function printLines({ lines }: LineTree): string {
  return lines.map(({ text, end }) => text + end).join('')
}

/** Another tree in which one word of one line has a new value; the rest of the line, its comment included, stays as it is. */
export function replaceWord(tree: LineTree, lineNumber: number, wordIndex: number, value: string): LineTree {
  return replaceLine(tree, lineNumber, (line) => {
    const word = line.words[wordIndex]
    if (word === undefined) throw new RangeError(`line ${lineNumber} has no word ${wordIndex}`)
    return line.text.slice(0, word.start) + tree.grammar.quoteWord(value) + line.text.slice(word.end)
  })
}

/** Adds words behind the last one, before a comment. */
export function appendWords(tree: LineTree, lineNumber: number, values: readonly string[]): LineTree {
  return replaceLine(tree, lineNumber, ({ text, words }) => {
    const stop = words.at(-1)?.end ?? 0
    return [text.slice(0, stop), ...values.map((value) => ` ${tree.grammar.quoteWord(value)}`), text.slice(stop)].join('')
  })
}

/** Takes out words `from` to `to` (exclusive) with the blanks before them. */
export function removeWords(tree: LineTree, lineNumber: number, from: number, to: number): LineTree {
  return replaceLine(tree, lineNumber, ({ text, words }) => {
    const [first, last] = [words[from - 1]?.end ?? words[from]?.start, words[to - 1]?.end]
    if (first === undefined || last === undefined) throw new RangeError(`line ${lineNumber} has no words ${from} to ${to}`)
    return text.slice(0, first) + text.slice(last)
  })
}

/** Another tree with a line after `lineNumber` (0: at the top), indented and ended as its neighbours are. */
export function insertLine(tree: LineTree, lineNumber: number, words: readonly string[]): LineTree {
  const before = tree.lines[lineNumber - 1]
  const carriageReturn = before?.text.endsWith('\r') === true ? '\r' : ''
  const text = indentAfter(tree, lineNumber) + words.map((word) => tree.grammar.quoteWord(word)).join(' ') + carriageReturn
  const pieces: { text: string; end: '\n' | '' }[] = [...tree.lines]
  // a last line without its newline gets one, or the two would become one
  if (before?.end === '') pieces[lineNumber - 1] = { text: before.text, end: '\n' }
  pieces.splice(lineNumber, 0, { text, end: '\n' })
  return { ...tree, lines: pieces.map((piece, index) => lineOf(tree.grammar, index + 1, piece.text, piece.end)) }
}

export function removeLine(tree: LineTree, lineNumber: number): LineTree {
  const kept = tree.lines.filter(({ number }) => number !== lineNumber)
  return { ...tree, lines: kept.map((line, index) => ({ ...line, number: index + 1 })) }
}

/** As the line before; below a line that opens a block as the block's first line, else four blanks deeper. */
function indentAfter({ grammar, lines }: LineTree, lineNumber: number): string {
  const before = lines[lineNumber - 1]
  if (before === undefined) return ''
  const indent = indentOf(before)
  if (!grammar.opensBlock(before)) return indent
  const next = lines.slice(lineNumber).find(({ words }) => words.length > 0)
  const deeper = next === undefined ? '' : indentOf(next)
  return deeper.length > indent.length ? deeper : `${indent}    `
}

const indentOf = ({ text }: ConfigLine): string => /^[ \t]*/.exec(text)?.[0] ?? ''

function replaceLine(tree: LineTree, lineNumber: number, change: (line: ConfigLine) => string): LineTree {
  const line = tree.lines[lineNumber - 1]
  if (line === undefined) throw new RangeError(`there is no line ${lineNumber}`)
  const lines = [...tree.lines]
  lines[lineNumber - 1] = lineOf(tree.grammar, line.number, change(line), line.end)
  return { ...tree, lines }
}

const lineOf = (grammar: LineGrammar, number: number, text: string, end: '\n' | ''): ConfigLine => ({
  number,
  text,
  end,
  ...grammar.parseLine(text),
})
