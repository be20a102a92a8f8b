/**
 * A few wanted columns out of many, by header name: HAProxy's tables have 25 to 128 columns, arrive every two seconds with thousands of
 * rows, and later versions add columns or move them. Scanning a row only notes where its wanted cells are; a text or a number is made
 * of a cell when it is asked for, so that a figure never becomes a string first.
 */
import type { Reply, TextMemory } from './reply.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

const lineFeed = 10
const quote = 34
const minus = 45
const zero = 48

/** The place of every column in the list of wanted ones: what a row is asked by. */
export function placesOf<const Names extends readonly string[]>(names: Names): Record<Names[number], number> {
  return Object.fromEntries(names.map((name, place) => [name, place])) as Record<Names[number], number>
}

export interface TableSource {
  reply: Reply
  /** where the header's names begin */
  from: number
  /** character code; a cell can be quoted, with quotes in it doubled, where this is a comma */
  separator: number
  /** of the table that was read before this one, if it is asked for again and again */
  memory?: TextMemory | undefined
}

/** Reads a table row by row, up to the empty line that closes it. A cell that a version or a row does not have is empty. */
export class TableReader {
  readonly #reply: Reply
  readonly #codes: Uint8Array
  readonly #memory: TextMemory | undefined
  readonly #separator: number
  readonly #wanted: readonly string[]
  /** the column of each wanted one, counted from 1; 0 for none */
  readonly #columns: Int16Array
  readonly #lastColumn: number
  /** where each cell of the row ends, up to the last wanted one; the first is the offset before the row */
  readonly #ends: Int32Array
  /** cells of the row that were found */
  #found = 0
  #row = -1
  #next: number
  #nextQuote: number

  constructor({ reply, from, separator, memory }: TableSource, wanted: readonly string[]) {
    const headerEnd = endOfLine(reply.codes, from)
    this.#reply = reply
    this.#codes = reply.codes
    this.#memory = memory
    this.#separator = separator
    this.#wanted = wanted
    this.#columns = columnsOf(reply.text(from, headerEnd), separator, wanted)
    this.#lastColumn = Math.max(1, ...this.#columns)
    this.#ends = new Int32Array(this.#lastColumn + 1)
    this.#next = headerEnd + 1
    this.#nextQuote = this.#codes.indexOf(quote, this.#next)
  }

  /** The wanted columns that the table does not have. */
  get missing(): string[] {
    return this.#wanted.filter((_, place) => this.#columns[place] === 0)
  }

  /** Goes to the next row; false when there is none. */
  next(): boolean {
    const from = this.#next
    if (from >= this.#codes.length || this.#codes[from] === lineFeed) return false
    this.#row++
    this.#ends[0] = from - 1
    let index = this.#scan(from)
    const lineEnd = endOfLine(this.#codes, index)
    if (this.#nextQuote !== -1 && this.#nextQuote < from) this.#nextQuote = this.#codes.indexOf(quote, from)
    if (this.#nextQuote === -1 || this.#nextQuote > lineEnd) this.#next = lineEnd + 1
    else {
      index = this.#scanQuoted(from)
      this.#next = this.#afterLine(index)
    }
    return true
  }

  /**
   * Notes where the row's cells end if none is quoted. 500 servers have 40 000 cells, most of them empty or one digit, so which code
   * follows is anybody's guess: without a branch on it, a code costs a third.
   */
  #scan(from: number): number {
    const codes = this.#codes
    const length = codes.length
    const separator = this.#separator
    const ends = this.#ends
    const lastColumn = this.#lastColumn
    let column = 1
    let index = from
    for (; index < length && column <= lastColumn; index++) {
      const code = codes[index] ?? lineFeed
      ends[column] = index
      if (code === lineFeed) break
      // 1 for the separator, 0 for anything else
      column += ((code ^ separator) - 1) >>> 31
    }
    if (column <= lastColumn) ends[column] = index
    this.#found = Math.min(column, lastColumn)
    return index
  }

  #scanQuoted(from: number): number {
    const codes = this.#codes
    const length = codes.length
    const ends = this.#ends
    let column = 0
    let index = from
    for (; index < length && column < this.#lastColumn; index++) {
      const code = codes[index]
      if (code === this.#separator) ends[++column] = index
      else if (code === lineFeed) break
      else if (code === quote && ends[column] === index - 1) index = closingQuote(codes, index + 1)
    }
    if (column < this.#lastColumn) ends[++column] = Math.min(index, length)
    this.#found = column
    return index
  }

  /** Offset of the line after the one at `index`, which is at the start of a cell or at the line's end; a quoted cell may hold line breaks. */
  #afterLine(index: number): number {
    const codes = this.#codes
    let lineEnd = endOfLine(codes, index)
    if (this.#nextQuote !== -1 && this.#nextQuote < index) this.#nextQuote = codes.indexOf(quote, index)
    while (this.#nextQuote !== -1 && this.#nextQuote < lineEnd) {
      const closed = closingQuote(codes, this.#nextQuote + 1)
      lineEnd = endOfLine(codes, closed)
      this.#nextQuote = codes.indexOf(quote, closed + 1)
    }
    return lineEnd + 1
  }

  text(place: number): string {
    const column = this.#columns[place] ?? 0
    if (column === 0 || column > this.#found) return ''
    const start = (this.#ends[column - 1] ?? 0) + 1
    const end = this.#ends[column] ?? 0
    if (start === end) return ''
    if (this.#codes[start] === quote) {
      return this.#reply.text(start + 1, closingQuote(this.#codes, start + 1)).replaceAll('""', '"')
    }
    if (this.#memory === undefined) return this.#reply.text(start, end)
    return this.#memory.recall(this.#row, place, this.#reply, start, end)
  }

  /**
   * Decimal digits, perhaps after a minus; null for an empty cell.
   * @throws UnexpectedReply for anything else: `0x0c` read as hexadecimal would make a drained server look like one in maintenance.
   */
  number(place: number): number | null {
    const column = this.#columns[place] ?? 0
    if (column === 0 || column > this.#found) return null
    const start = (this.#ends[column - 1] ?? 0) + 1
    const end = this.#ends[column] ?? 0
    if (start === end) return null
    const codes = this.#codes
    const isNegative = codes[start] === minus
    let index = isNegative ? start + 1 : start
    if (index === end) throw this.#noNumber(place)
    let value = 0
    do {
      const digit = (codes[index] ?? 0) - zero
      if (digit < 0 || digit > 9) throw this.#noNumber(place)
      value = value * 10 + digit
    } while (++index < end)
    return isNegative ? -value : value
  }

  /** As `number`, of a cell that must not be empty. */
  figure(place: number): number {
    const value = this.number(place)
    if (value === null) throw this.#noNumber(place)
    return value
  }

  /** The rows that are left, as texts in the order of the wanted columns: for small tables. */
  get rows(): string[][] {
    const rows: string[][] = []
    while (this.next()) rows.push(this.#wanted.map((_, place) => this.text(place)))
    return rows
  }

  /** After the last row: the offset behind the empty line that closes the table, or the end of the text. */
  get end(): number {
    return Math.min(this.#next + 1, this.#codes.length)
  }

  #noNumber(place: number): UnexpectedReply {
    const cell = JSON.stringify(this.text(place))
    return new UnexpectedReply(
      `A line of HAProxy's reply has ${cell} for a number in "${this.#wanted[place]}".`,
      this.#reply.text(0, 1000),
    )
  }
}

/** By what is wanted, for the header that was read last: a daemon's changes with its version only. */
const lastColumns = new WeakMap<readonly string[], { header: string; columns: Int16Array }>()

function columnsOf(header: string, separator: number, wanted: readonly string[]): Int16Array {
  const last = lastColumns.get(wanted)
  if (last?.header === header) return last.columns
  const names = header.split(String.fromCharCode(separator))
  const columns = Int16Array.from(wanted, (name) => names.indexOf(name) + 1)
  lastColumns.set(wanted, { header, columns })
  return columns
}

function endOfLine(codes: Uint8Array, from: number): number {
  const end = codes.indexOf(lineFeed, from)
  return end === -1 ? codes.length : end
}

/** The end of the text when there is none. */
function closingQuote(codes: Uint8Array, from: number): number {
  let at = codes.indexOf(quote, from)
  while (at !== -1 && codes[at + 1] === quote) at = codes.indexOf(quote, at + 2)
  return at === -1 ? codes.length : at
}
