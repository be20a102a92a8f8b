import { codesOf, TableReader } from './scan-columns.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

const comma = 44

/**
 * Reads the wanted columns, by header name, of a `show stat` reply that starts at `from`.
 *
 * HAProxy quotes a cell only when it holds a comma, a quote or a line break (`last_chk` and `last_agt` do). Column order differs between
 * versions and one column is named `-`; only names are trusted.
 */
export function scanStatsCsv(text: string, wanted: readonly string[], from = 0, codes = codesOf(text)): TableReader {
  if (!text.startsWith('# pxname,', from))
    throw new UnexpectedReply('The reply to "show stat" has no header line.', text.slice(from))
  return new TableReader({ text, codes, from: from + 2, separator: comma }, wanted)
}
