import { extendTo, selectOnly, stepCursor, toggleRow, toggleRows } from './row-selection.ts'
import { operations } from './server-actions.ts'
import type { TableRow } from './pool-rows.ts'
import type { PoolsPage } from './use-pools-page.ts'

interface RowActions {
  /** rows that fit on the screen */
  pageSize(): number
  open(row: TableRow): void
  menu(row: TableRow): void
}

/** Keys and clicks of the table, one model: see the list in the filter's help. Returns handlers for the grid element. */
export function useRowKeys(page: PoolsPage, actions: RowActions) {
  const rowOf = (key: string | null) => page.table.value.rows.find((row) => row.key === key)

  function moveTo(key: string | null, extend: boolean): void {
    const row = rowOf(key)
    if (!row) return
    if (row.type === 'server' && extend) page.select(extendTo(page.selection.value, row.key, page.serverKeys.value))
    else if (row.type === 'server') page.select(selectOnly(row.key))
    // a heading carries the cursor only; what is selected stays
    else page.select({ ...page.selection.value, cursor: row.key })
  }

  const step = (by: number, extend: boolean) => moveTo(stepCursor(page.rowKeys.value, page.selection.value.cursor, by), extend)

  function toggle(row: TableRow): void {
    if (row.type === 'server') page.select(toggleRow(page.selection.value, row.key))
    else if (row.type === 'group') {
      const keys = row.servers.map((server) => server.id)
      page.select(toggleRows(page.selection.value, keys, row.key))
    }
  }

  /** Left closes a pool, or goes from a server to its pool; right opens. */
  function fold(row: TableRow, open: boolean): void {
    if (row.type === 'group' && row.open !== open) page.setOpen(row.key, open)
    else if (open) step(1, false)
    else if (row.type === 'server') {
      const rows = page.table.value.rows
      const at = rows.indexOf(row)
      moveTo(rows.slice(0, at).findLast((each) => each.type === 'group')?.key ?? null, false)
    }
  }

  function operate(key: string): boolean {
    const operation = operations.find((each) => each.key === key.toLowerCase())
    if (operation) page.operate(operation.state)
    return operation !== undefined
  }

  /** True when the key was one of the table's. */
  function press(event: KeyboardEvent): boolean {
    const row = rowOf(page.selection.value.cursor)
    const command = event.ctrlKey || event.metaKey
    if (command && event.key.toLowerCase() === 'a') {
      page.select({ ...page.selection.value, selected: new Set(page.table.value.shownServers.map((server) => server.id)) })
      return true
    }
    if (command || event.altKey) return false
    switch (event.key) {
      case 'ArrowDown':
        step(1, event.shiftKey)
        return true
      case 'ArrowUp':
        step(-1, event.shiftKey)
        return true
      case 'PageDown':
        step(actions.pageSize(), event.shiftKey)
        return true
      case 'PageUp':
        step(-actions.pageSize(), event.shiftKey)
        return true
      case 'Home':
        moveTo(page.rowKeys.value[0] ?? null, event.shiftKey)
        return true
      case 'End':
        moveTo(page.rowKeys.value.at(-1) ?? null, event.shiftKey)
        return true
      case 'ArrowRight':
      case 'ArrowLeft':
        if (row) fold(row, event.key === 'ArrowRight')
        return true
      case ' ':
        if (row) toggle(row)
        return true
      case 'Enter':
        if (row) actions.open(row)
        return true
      case '.':
      case 'ContextMenu':
        if (row?.type === 'server' && !page.selection.value.selected.has(row.key)) page.select(selectOnly(row.key))
        if (row) actions.menu(row)
        return true
      case 'Escape':
        if (page.selection.value.selected.size === 0) return false
        page.select({ ...page.selection.value, selected: new Set(), anchor: null })
        return true
      default:
        return operate(event.key)
    }
  }

  return {
    onKeydown(event: KeyboardEvent) {
      if (event.defaultPrevented || !press(event)) return
      event.preventDefault()
      event.stopPropagation()
    },
    onRowClick(row: TableRow, event: MouseEvent) {
      if (row.type === 'group') {
        page.select({ ...page.selection.value, cursor: row.key })
        page.setOpen(row.key, !row.open)
      } else if (row.type === 'server') {
        const command = event.ctrlKey || event.metaKey
        if (event.shiftKey) page.select(extendTo(page.selection.value, row.key, page.serverKeys.value, command))
        else if (command) page.select(toggleRow(page.selection.value, row.key))
        else page.select(selectOnly(row.key))
      }
    },
    /** A right click on a row outside the selection selects it first, so that the menu is about what was pointed at. */
    selectForMenu(row: TableRow) {
      if (!page.selection.value.selected.has(row.key)) page.select(selectOnly(row.key))
    },
  }
}
