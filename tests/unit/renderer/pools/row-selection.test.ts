import { describe, expect, it } from 'vitest'
import {
  emptySelection,
  extendTo,
  keepExisting,
  selectOnly,
  stepCursor,
  toggleRow,
  toggleRows,
} from '../../../../src-renderer/features/pools/row-selection.ts'

const order = ['a', 'b', 'c', 'd', 'e']
const chosen = (selection: { selected: ReadonlySet<string> }) => [...selection.selected].sort().join('')

describe('selection', () => {
  it('a click selects one row and forgets the others', () => {
    expect(chosen(selectOnly('b'))).toBe('b')
  })

  it('space toggles', () => {
    const two = toggleRow(selectOnly('b'), 'd')
    expect(chosen(two)).toBe('bd')
    expect(chosen(toggleRow(two, 'b'))).toBe('d')
  })

  it('shift extends from the anchor both ways and shrinks again', () => {
    const start = selectOnly('c')
    const down = extendTo(start, 'e', order)
    expect(chosen(down)).toBe('cde')
    const shorter = extendTo(down, 'd', order)
    expect(chosen(shorter)).toBe('cd')
    expect(chosen(extendTo(shorter, 'a', order))).toBe('abc')
  })

  it('ctrl-shift keeps what was selected', () => {
    expect(chosen(extendTo(toggleRow(selectOnly('a'), 'c'), 'd', order, true))).toBe('acd')
  })

  it('extending from nowhere, or from a row that is gone, selects the row', () => {
    expect(chosen(extendTo(emptySelection, 'c', order))).toBe('c')
    expect(chosen(extendTo(selectOnly('gone'), 'c', order))).toBe('c')
  })

  it('a heading selects all of its rows, then none of them', () => {
    const all = toggleRows(selectOnly('e'), ['a', 'b'], 'heading')
    expect(chosen(all)).toBe('abe')
    expect(chosen(toggleRows(all, ['a', 'b'], 'heading'))).toBe('e')
  })

  it('rows that went away leave the selection', () => {
    const three = extendTo(selectOnly('a'), 'c', order)
    const kept = keepExisting(three, (key) => key !== 'a')
    expect(chosen(kept)).toBe('bc')
    expect(kept).toMatchObject({ cursor: 'c', anchor: null })
    expect(keepExisting(kept, () => true)).toBe(kept)
  })

  it('the cursor stops at both ends and enters from them', () => {
    expect(stepCursor(order, null, 1)).toBe('a')
    expect(stepCursor(order, null, -1)).toBe('e')
    expect(stepCursor(order, 'a', -1)).toBe('a')
    expect(stepCursor(order, 'b', 100)).toBe('e')
    expect(stepCursor([], 'b', 1)).toBeNull()
  })
})
