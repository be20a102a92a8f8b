/**
 * Cutting a few wanted columns out of many, by header name, without building the rest: HAProxy's tables have 25 to 128 columns, arrive
 * every two seconds, and later versions add columns or move them.
 */

/** For each column of the header up to the last wanted one: its place in the result, or -1. */
export function slotsFrom(names: readonly string[], wanted: readonly string[]): Int16Array {
  const slots = new Int16Array(names.length).fill(-1)
  wanted.forEach((name, slot) => {
    const column = names.indexOf(name)
    if (column !== -1) slots[column] = slot
  })
  return slots.subarray(0, slots.findLastIndex((slot) => slot !== -1) + 1)
}

/** Offset of the line's end: its line feed, or the end of the text. */
export function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end === -1 ? text.length : end
}

/** Puts the wanted cells of a line without quotes into `row`, which holds '' where the line is too short. */
export function scanPlainLine(
  text: string,
  from: number,
  lineEnd: number,
  separator: number,
  slots: Int16Array,
  row: string[],
): void {
  let start = from
  for (const slot of slots) {
    let end = start
    while (end < lineEnd && text.charCodeAt(end) !== separator) end++
    if (slot !== -1) row[slot] = text.slice(start, end)
    start = end + 1
    if (start > lineEnd) return
  }
}
