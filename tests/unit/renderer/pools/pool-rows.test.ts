import { describe, expect, it } from 'vitest'
import { parseFilter } from '../../../../src-renderer/features/pools/filter-query.ts'
import {
  buildPoolTable,
  groupKey,
  worstFirst,
  type TableRow,
  type TableView,
} from '../../../../src-renderer/features/pools/pool-rows.ts'
import { cell, fleetOf, pool, readAt, server } from './fleet-samples.ts'

const api = 'tyo-edge/haproxy/api'
const web = 'tyo-edge/haproxy/web'
const osa = 'osa-edge/haproxy/web'
const fleet = fleetOf(
  [pool(web), pool(api), pool(osa, { pair: 'osa-edge' as never, site: 'osa' as never, nodes: ['lb3', 'lb4'] as never })],
  [
    server(web, 'web2'),
    server(web, 'web10'),
    server(web, 'web1'),
    server(api, 'api1'),
    server(api, 'api2', { state: 'down' }),
    server(osa, 'web1', { on: [cell('lb3'), cell('lb4')] }),
  ],
)
const view: TableView = { grouping: 'pool', sort: worstFirst, query: parseFilter(''), collapsed: new Set(), now: readAt + 1000 }
const text = (row: TableRow) =>
  row.type === 'section' ? `# ${row.title}` : row.type === 'group' ? `> ${row.title}` : row.server.name
const rowsOf = (more: Partial<TableView>, of = fleet) => buildPoolTable(of, { ...view, ...more }).rows.map(text)

describe('the rows of the Pools table', () => {
  it('puts the worst pool, and in it the worst server, first; names in the order people count', () => {
    expect(rowsOf({})).toEqual([
      '# Tokyo edge',
      '> api',
      'api2',
      'api1',
      '> web',
      'web1',
      'web2',
      'web10',
      '# Osaka edge',
      '> web',
      'web1',
    ])
  })

  it('treats a disagreement as urgent', () => {
    const torn = fleetOf([pool(web)], [server(web, 'web1'), server(web, 'web2', { disagrees: true })])
    expect(rowsOf({}, torn)).toEqual(['# Tokyo edge', '> web', 'web2', 'web1'])
  })

  it('sorts by a figure with unknown last in both directions', () => {
    const cells = (sessions: number | null) => ({ on: [cell('lb1', 'up', { sessions })] })
    const loaded = fleetOf([pool(web)], [server(web, 'a', cells(3)), server(web, 'b', cells(null)), server(web, 'c', cells(9))])
    expect(rowsOf({ sort: { key: 'sessions', descending: true } }, loaded).slice(2)).toEqual(['c', 'a', 'b'])
    expect(rowsOf({ sort: { key: 'sessions', descending: false } }, loaded).slice(2)).toEqual(['a', 'c', 'b'])
  })

  it('hides the servers of a closed pool but keeps them counted', () => {
    const table = buildPoolTable(fleet, { ...view, collapsed: new Set([groupKey(api)]) })
    expect(table.rows.map(text).slice(0, 3)).toEqual(['# Tokyo edge', '> api', '> web'])
    expect(table.shownServers).toHaveLength(6)
  })

  it('filters, and leaves out pools and sections without a hit', () => {
    const table = buildPoolTable(fleet, { ...view, query: parseFilter('site:osaka') })
    expect(table.rows.map(text)).toEqual(['# Osaka edge', '> web', 'web1'])
    expect(table).toMatchObject({ shownPools: 1, columns: 2, disagreeing: 0 })
  })

  it('groups by address across pools and pairs, with the balancers of each row', () => {
    const table = buildPoolTable(fleet, { ...view, grouping: 'address', query: parseFilter('name:*1') })
    expect(table.rows.map(text)).toEqual(['> 10.0.0.1:8080', 'api1', 'web1', 'web1'])
    expect(table.rows.map((row) => row.nodes.join())).toEqual(['', 'lb1,lb2', 'lb1,lb2', 'lb3,lb4'])
  })

  it('groups by site', () => {
    expect(rowsOf({ grouping: 'site', query: parseFilter('web1') })).toEqual(['> Osaka', 'web1', '> Tokyo', 'web1', 'web10'])
  })

  it('knows what is stale by three polls', () => {
    const query = parseFilter('is:stale')
    expect(rowsOf({ query, now: readAt + 6000 })).toEqual([])
    expect(rowsOf({ query, now: readAt + 6001 })).toHaveLength(11)
  })

  it('builds 10 000 rows', () => {
    const many = fleetOf(
      [pool(web), pool(api)],
      Array.from({ length: 10_000 }, (_, index) => server(index % 3 === 0 ? web : api, `s${index}`)),
    )
    const table = buildPoolTable(many, { ...view, query: parseFilter('s* state:up') })
    expect(table.rows).toHaveLength(10_003)
  })
})
