/**
 * A few wanted columns out of many, by header name: HAProxy's tables have 25 to 128 columns, arrive every two seconds with thousands of
 * rows, and later versions add columns or move them. Scanning a row only notes where its wanted cells are; a text or a number is made
 * of a cell when it is asked for, so that a figure never becomes a string first.
 */
import { UnexpectedReply } from './unexpected-reply.ts'

const lineFeed = 10
const quote = 34
const minus = 45
const zero = 48

/** A text's character codes: read one by one from here, they cost half of `charCodeAt`. */
export type Codes = Uint8Array | Uint16Array

export function codesOf(text: string): Codes {
  const codes = new Uint16Array(text.length)
  for (let index = 0; index < text.length; index++) codes[index] = text.charCodeAt(index)
  return codes
}

/** The place of every column in the list of wanted ones: what a row is asked by. */
export function placesOf<const Names extends readonly string[]>(names: Names): Record<Names[number], number> {
  return Object.fromEntries(names.map((name, place) => [name, place])) as Record<Names[number], number>
}

export interface TableSource {
  text: string
  codes: Codes
  /** where the header's names begin */
  from: number
  /** character code; a cell can be quoted, with quotes in it doubled, where this is a comma */
  separator: number
}

/** Reads a table row by row, up to the empty line that closes it. A cell that a version or a row does not have is empty. */
export class TableReader {
  readonly #text: string
  readonly #codes: Codes
  readonly #separator: number
  readonly #wanted: readonly string[]
  /** the column of each wanted one, counted from 1; 0 for none */
  readonly #columns: Int16Array
  readonly #lastColumn: number
  /** where each cell of the row ends, up to the last wanted one; the first is the offset before the row */
  readonly #ends: Int32Array
  /** cells of the row that were found */
  #found = 0
  #next: number
  #nextQuote: number

  constructor({ text, codes, from, separator }: TableSource, wanted: readonly string[]) {
    const headerEnd = endOfLine(text, from)
    const names = text.slice(from, headerEnd).split(String.fromCharCode(separator))
    this.#text = text
    this.#codes = codes
    this.#separator = separator
    this.#wanted = wanted
    this.#columns = Int16Array.from(wanted, (name) => names.indexOf(name) + 1)
    this.#lastColumn = Math.max(1, ...this.#columns)
    this.#ends = new Int32Array(this.#lastColumn + 1)
    this.#next = headerEnd + 1
    this.#nextQuote = text.indexOf('"', this.#next)
  }

  /** Goes to the next row; false when there is none. */
  next(): boolean {
    // Local variables, and only the ends noted: 500 servers have 40 000 cells, most of them empty or one digit.
    const codes = this.#codes
    const length = codes.length
    const separator = this.#separator
    const ends = this.#ends
    const lastColumn = this.#lastColumn
    const from = this.#next
    if (from >= length || codes[from] === lineFeed) return false
    let column = 0
    let index = from
    ends[0] = from - 1
    for (; index < length && column < lastColumn; index++) {
      const code = codes[index] ?? lineFeed
      // Letters and digits are behind the comma in ASCII: done with one comparison.
      if (code > separator) continue
      if (code === separator) ends[++column] = index
      else if (code === lineFeed) break
      else if (code === quote && ends[column] === index - 1) index = closingQuote(this.#text, index + 1)
    }
    if (column < lastColumn) ends[++column] = Math.min(index, length)
    this.#found = column
    this.#next = this.#afterLine(index)
    return true
  }

  /** Offset of the line after the one at `index`, which is at the start of a cell or at the line's end; a quoted cell may hold line breaks. */
  #afterLine(index: number): number {
    const text = this.#text
    let lineEnd = endOfLine(text, index)
    if (this.#nextQuote !== -1 && this.#nextQuote < index) this.#nextQuote = text.indexOf('"', index)
    while (this.#nextQuote !== -1 && this.#nextQuote < lineEnd) {
      const closed = closingQuote(text, this.#nextQuote + 1)
      lineEnd = endOfLine(text, closed)
      this.#nextQuote = text.indexOf('"', closed + 1)
    }
    return lineEnd + 1
  }

  text(place: number): string {
    const column = this.#columns[place] ?? 0
    if (column === 0 || column > this.#found) return ''
    const start = (this.#ends[column - 1] ?? 0) + 1
    if (this.#codes[start] !== quote) return this.#text.slice(start, this.#ends[column])
    return this.#text.slice(start + 1, closingQuote(this.#text, start + 1)).replaceAll('""', '"')
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
    const firstDigit = codes[start] === minus ? start + 1 : start
    if (firstDigit === end) throw this.#noNumber(place)
    let value = 0
    for (let index = firstDigit; index < end; index++) {
      const digit = (codes[index] ?? 0) - zero
      if (digit < 0 || digit > 9) throw this.#noNumber(place)
      value = value * 10 + digit
    }
    return firstDigit === start ? value : -value
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
    return Math.min(this.#next + 1, this.#text.length)
  }

  #noNumber(place: number): UnexpectedReply {
    const cell = JSON.stringify(this.text(place))
    return new UnexpectedReply(`A line of HAProxy's reply has ${cell} for a number in "${this.#wanted[place]}".`, this.#text)
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

/** The end of the text when there is none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at !== -1 && text.charCodeAt(at + 1) === quote) at = text.indexOf('"', at + 2)
  return at === -1 ? text.length : at
}
