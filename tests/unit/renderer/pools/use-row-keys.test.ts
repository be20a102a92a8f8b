// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest'
import { computed, shallowRef } from 'vue'
import type { AdminState } from '#contract'
import { parseFilter } from '../../../../src-renderer/features/pools/filter-query.ts'
import { buildPoolTable, worstFirst } from '../../../../src-renderer/features/pools/pool-rows.ts'
import { emptySelection, type RowSelection } from '../../../../src-renderer/features/pools/row-selection.ts'
import type { PoolsPage } from '../../../../src-renderer/features/pools/use-pools-page.ts'
import { useRowKeys } from '../../../../src-renderer/features/pools/use-row-keys.ts'
import { fleetOf, pool, readAt, server } from './fleet-samples.ts'

const web = 'tyo-edge/haproxy/web'
const fleet = fleetOf(
  [pool(web)],
  ['web1', 'web2', 'web3'].map((name) => server(web, name)),
)
const id = (name: string) => `${web}/${name}`

function setUp() {
  const collapsed = shallowRef<ReadonlySet<string>>(new Set())
  const selection = shallowRef<RowSelection>(emptySelection)
  const operated: AdminState[] = []
  const opened: string[] = []
  const menus: string[] = []
  const table = computed(() =>
    buildPoolTable(fleet, {
      grouping: 'pool',
      sort: worstFirst,
      query: parseFilter(''),
      collapsed: collapsed.value,
      now: readAt,
    }),
  )
  const page: Pick<PoolsPage, 'table' | 'selection' | 'rowKeys' | 'serverKeys' | 'select' | 'operate' | 'setOpen'> = {
    table,
    selection: computed(() => selection.value),
    rowKeys: computed(() => table.value.rows.map((row) => row.key)),
    serverKeys: computed(() => table.value.rows.flatMap((row) => (row.type === 'server' ? [row.key] : []))),
    select: (next) => (selection.value = next),
    operate: (state) => void operated.push(state),
    setOpen: (key, open) => (collapsed.value = open ? new Set() : new Set([key])),
  }
  const keys = useRowKeys(page as PoolsPage, {
    pageSize: () => 2,
    open: (row) => opened.push(row.key),
    menu: (row) => menus.push(row.key),
  })
  const press = (key: string, more: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent('keydown', { key, cancelable: true, ...more })
    keys.onKeydown(event)
    return event.defaultPrevented
  }
  const selected = () => [...selection.value.selected].map((key) => key.replace(`${web}/`, '')).sort()
  return { keys, press, selected, selection, operated, opened, menus, table }
}
let at: ReturnType<typeof setUp>
beforeEach(() => (at = setUp()))

describe('the keyboard of the Pools table', () => {
  it('arrows pass headings without selecting and select the server they reach', () => {
    at.press('ArrowDown')
    at.press('ArrowDown')
    expect(at.selected()).toEqual([])
    at.press('ArrowDown')
    expect(at.selected()).toEqual(['web1'])
    at.press('ArrowDown', { shiftKey: true })
    expect(at.selected()).toEqual(['web1', 'web2'])
    at.press('ArrowDown')
    expect(at.selected()).toEqual(['web3'])
  })

  it('End and Home reach both ends; shift selects on the way', () => {
    at.press('End')
    expect(at.selected()).toEqual(['web3'])
    at.press('Home')
    expect(at.selection.value.cursor).toBe(at.table.value.rows[0]?.key)
  })

  it('space toggles, ctrl+A takes everything shown, Escape lets go and then leaves the key to others', () => {
    at.press('End')
    at.press(' ')
    expect(at.selected()).toEqual([])
    at.press('a', { ctrlKey: true })
    expect(at.selected()).toEqual(['web1', 'web2', 'web3'])
    expect(at.press('Escape')).toBe(true)
    expect(at.selected()).toEqual([])
    expect(at.press('Escape')).toBe(false)
  })

  it('left goes to the pool and closes it, right opens it again', () => {
    at.press('End')
    at.press('ArrowLeft')
    const pool = at.table.value.rows[1]?.key
    expect(at.selection.value.cursor).toBe(pool)
    at.press('ArrowLeft')
    expect(at.table.value.rows).toHaveLength(2)
    at.press('ArrowRight')
    expect(at.table.value.rows).toHaveLength(5)
  })

  it('Enter opens, "." asks for the menu, letters operate', () => {
    at.press('End')
    at.press('Enter')
    at.press('.')
    at.press('d')
    at.press('M')
    at.press('r')
    expect(at.opened).toEqual([id('web3')])
    expect(at.menus).toEqual([id('web3')])
    expect(at.operated).toEqual(['drain', 'maint', 'ready'])
  })

  it('leaves browser shortcuts and unknown keys alone', () => {
    expect(at.press('r', { ctrlKey: true })).toBe(false)
    expect(at.press('d', { metaKey: true })).toBe(false)
    expect(at.press('x')).toBe(false)
    expect(at.operated).toEqual([])
  })

  it('clicks select, ctrl adds, shift extends', () => {
    const row = (name: string) => at.table.value.rows.find(({ key }) => key === id(name)) ?? expect.fail(name)
    at.keys.onRowClick(row('web1'), new MouseEvent('click'))
    at.keys.onRowClick(row('web3'), new MouseEvent('click', { ctrlKey: true }))
    expect(at.selected()).toEqual(['web1', 'web3'])
    at.keys.onRowClick(row('web2'), new MouseEvent('click', { shiftKey: true }))
    expect(at.selected()).toEqual(['web2', 'web3'])
  })

  it('a menu on a row outside the selection is about that row', () => {
    const rows = at.table.value.rows
    at.press('End')
    const first = rows.find(({ key }) => key === id('web1')) ?? expect.fail('web1')
    at.keys.selectForMenu(first)
    expect(at.selected()).toEqual(['web1'])
  })
})
