/**
 * The one selection model of a table, without the table: which rows are selected, where the cursor is, where a range began.
 * Keys are those of rows that can be selected, in the order they are shown; the cursor may also stand on a heading.
 */
export interface RowSelection {
  readonly selected: ReadonlySet<string>
  readonly cursor: string | null
  /** where shift-click and shift-arrow count from */
  readonly anchor: string | null
}

export const emptySelection: RowSelection = { selected: new Set(), cursor: null, anchor: null }

/** A plain click or the act of opening: this row alone. */
export function selectOnly(key: string): RowSelection {
  return { selected: new Set([key]), cursor: key, anchor: key }
}

/** Space or ctrl-click. */
export function toggleRow(selection: RowSelection, key: string): RowSelection {
  const selected = new Set(selection.selected)
  if (!selected.delete(key)) selected.add(key)
  return { selected, cursor: key, anchor: key }
}

/** Space on a heading: all of its rows, or none of them when all were selected. */
export function toggleRows(selection: RowSelection, keys: readonly string[], cursor: string): RowSelection {
  const selected = new Set(selection.selected)
  if (keys.every((key) => selected.has(key))) for (const key of keys) selected.delete(key)
  else for (const key of keys) selected.add(key)
  return { selected, cursor, anchor: null }
}

/** Shift-click: everything from the anchor to here, and nothing else; `add` (ctrl-shift) keeps what was selected. */
export function extendTo(selection: RowSelection, key: string, order: readonly string[], add = false): RowSelection {
  const from = selection.anchor === null ? -1 : order.indexOf(selection.anchor)
  const to = order.indexOf(key)
  if (to < 0) return selection
  if (from < 0) return selectOnly(key)
  const range = order.slice(Math.min(from, to), Math.max(from, to) + 1)
  return { selected: new Set(add ? [...selection.selected, ...range] : range), cursor: key, anchor: selection.anchor }
}

/** Rows that are no longer there leave the selection; what is only filtered out stays out of sight and out of the selection. */
export function keepExisting(selection: RowSelection, exists: (key: string) => boolean): RowSelection {
  const cursorStays = selection.cursor === null || exists(selection.cursor)
  const anchorStays = selection.anchor === null || exists(selection.anchor)
  const kept = [...selection.selected].filter(exists)
  if (cursorStays && anchorStays && kept.length === selection.selected.size) return selection
  return {
    selected: new Set(kept),
    cursor: cursorStays ? selection.cursor : null,
    anchor: anchorStays ? selection.anchor : null,
  }
}

/** Where an arrow, page or end key leads, among all shown rows (headings too). */
export function stepCursor(order: readonly string[], cursor: string | null, step: number): string | null {
  if (order.length === 0) return null
  const at = cursor === null ? -1 : order.indexOf(cursor)
  const next = at < 0 ? (step < 0 ? order.length - 1 : 0) : Math.min(order.length - 1, Math.max(0, at + step))
  return order[next] ?? null
}
