import { endOfLine, scanPlainLine, slotsFrom } from './scan-columns.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

const lineFeed = 10
const comma = 44
const quote = 34

export interface StatsTable {
  /** one array per row, in the order of the wanted columns; '' for an empty cell and for a column this version does not have */
  rows: string[][]
  /** where the table ended: the offset behind the empty line that closes it, or the end of the text */
  end: number
}

/**
 * Cuts the wanted columns, by header name, out of a `show stat` reply that starts at `from`.
 *
 * HAProxy quotes a cell only when it holds a comma, a quote or a line break (`last_chk` and `last_agt` do), so a line without
 * a quote is scanned without looking for one. One pass, nothing is built for unwanted cells: 128 columns times thousands of
 * servers arrive every two seconds. Column order differs between versions and one column is named `-`; only names are trusted.
 */
export function scanStatsCsv(text: string, wanted: readonly string[], from = 0): StatsTable {
  if (!text.startsWith('# pxname,', from))
    throw new UnexpectedReply('The reply to "show stat" has no header line.', text.slice(from))
  const headerEnd = endOfLine(text, from)
  const names = text.slice(from + 2, headerEnd).split(',')
  const slots = slotsFrom(names, wanted)
  const rows: string[][] = []
  const empty = new Array<string>(wanted.length).fill('')
  let position = headerEnd + 1
  let nextQuote = text.indexOf('"', position)
  while (position < text.length && text.charCodeAt(position) !== lineFeed) {
    const row = empty.slice()
    const lineEnd = endOfLine(text, position)
    if (nextQuote !== -1 && nextQuote < position) nextQuote = text.indexOf('"', position)
    if (nextQuote === -1 || nextQuote > lineEnd) {
      scanPlainLine(text, position, lineEnd, comma, slots, row)
      position = lineEnd + 1
    } else position = scanQuotedLine(text, position, slots, row)
    rows.push(row)
  }
  return { rows, end: Math.min(position + 1, text.length) }
}

/** Returns the offset of the next line; a quoted cell may hold line breaks. */
function scanQuotedLine(text: string, from: number, slots: Int16Array, row: string[]): number {
  let start = from
  for (let column = 0; ; column++) {
    const slot = slots[column] ?? -1
    const quoted = text.charCodeAt(start) === quote
    let end = quoted ? closingQuote(text, start + 1) : start
    if (slot !== -1 && quoted) row[slot] = text.slice(start + 1, end).replaceAll('""', '"')
    while (end < text.length && text.charCodeAt(end) !== comma && text.charCodeAt(end) !== lineFeed) end++
    if (slot !== -1 && !quoted) row[slot] = text.slice(start, end)
    if (end >= text.length || text.charCodeAt(end) === lineFeed) return end + 1
    start = end + 1
  }
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at !== -1 && text.charCodeAt(at + 1) === quote) at = text.indexOf('"', at + 2)
  return at === -1 ? text.length : at
}
