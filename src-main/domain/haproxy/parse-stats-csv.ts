import { replyOf, standsAt, type Reply, type TextMemory } from './reply.ts'
import { TableReader } from './scan-columns.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

const comma = 44

/**
 * Reads the wanted columns, by header name, of a `show stat` reply that starts at `from`.
 *
 * HAProxy quotes a cell only when it holds a comma, a quote or a line break (`last_chk` and `last_agt` do). Column order differs between
 * versions and one column is named `-`; only names are trusted.
 */
export function scanStatsCsv(source: string | Reply, wanted: readonly string[], from = 0, memory?: TextMemory): TableReader {
  const reply = replyOf(source)
  if (!standsAt(reply, from, '# pxname,')) {
    throw new UnexpectedReply('The reply to "show stat" has no header line.', reply.text(from, from + 1000))
  }
  return new TableReader({ reply, from: from + 2, separator: comma, memory }, wanted)
}
