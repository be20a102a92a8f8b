import { describe, expect, it } from 'vitest'
import { compileFilter, parseFilter, queryFor, type FilterFacts } from '../../../../src-renderer/features/pools/filter-query.ts'

const web07: FilterFacts = {
  name: 'web07',
  address: '10.20.0.7:8080',
  state: 'down',
  pool: 'web',
  pair: ['tyo-edge', 'Tokyo edge'],
  site: ['tyo', 'Tokyo'],
  nodes: ['lb1', 'lb1.tyo', 'lb2', 'lb2.tyo'],
  kind: 'haproxy',
  drain: [],
  traits: ['disagrees'],
}
const finds = (query: string, facts: Partial<FilterFacts> = {}) => compileFilter(parseFilter(query))({ ...web07, ...facts })

describe('the filter language', () => {
  it('finds what a drain keeps out, by its state, owner and reason too', () => {
    const drained = { drain: ['open', 'held', 'osamu', 'kernel update'] }
    expect(['drain:open', 'drain:held', 'drain:osamu', 'drain:kernel*'].map((query) => finds(query, drained))).not.toContain(
      false,
    )
    expect([finds('drain:open'), finds('-drain:open'), finds('drain:violated', drained)]).toEqual([false, true, false])
  })

  it.each([
    ['', true],
    ['state:down', true],
    ['state:up', false],
    ['state:DOWN', true],
    ['state:up,down', true],
    ['state:up state:down', true],
    ['state:down site:osa', false],
    ['site:tyo', true],
    ['site:"tokyo"', true],
    ['pair:"Tokyo edge"', true],
    ['pool:web', true],
    ['pool:we', false],
    ['pool:we*', true],
    ['node:lb1', true],
    ['node:lb3', false],
    ['kind:haproxy', true],
    ['kind:nginx', false],
    ['is:disagrees', true],
    ['is:stale', false],
    ['name:web0?', true],
    ['name:web?', false],
    ['address:10.20.0.7', true],
    ['address:10.20.*', true],
    ['address:10.20.0.7:8080', true],
    ['address:10.20.0', false],
    ['eb0', true],
    ['web*', true],
    ['eb*', false],
    ['20.0.7', true],
    ['web/web07', true],
    ['web 8080', true],
    ['web api', false],
    ['-state:down', false],
    ['-state:up', true],
    ['-pool:api web', true],
    ['-web', false],
  ])('%s', (query, expected) => {
    expect(parseFilter(query).errors).toEqual([])
    expect(finds(query)).toBe(expected)
  })

  it('takes a host with a port, and an IPv6 address, as text', () => {
    expect(parseFilter('app:8080').errors).toEqual([])
    expect(finds('app:8080', { address: 'app:8080' })).toBe(true)
    expect(parseFilter('dead:beef::1').errors).toEqual([])
    expect(finds('dead:beef::1', { address: '[dead:beef::1]:80' })).toBe(true)
  })

  it('reads characters of a regular expression as themselves', () => {
    expect(finds('name:a.b', { name: 'axb' })).toBe(false)
    expect(finds('name:a+*', { name: 'a+b' })).toBe(true)
    expect(finds('name:(*', { name: '(odd' })).toBe(true)
  })

  it('keeps blanks and colons inside quotes', () => {
    expect(finds('pool:"my pool"', { pool: 'my pool' })).toBe(true)
    expect(finds('"state:down"', { name: 'state:down' })).toBe(true)
    expect(finds('"state:down"')).toBe(false)
  })

  it.each([
    ['colour:red', { kind: 'unknown-key', source: 'colour:red', key: 'colour' }],
    ['state:broken', { kind: 'unknown-value', source: 'state:broken', key: 'state', value: 'broken' }],
    ['state:down,broken', { kind: 'unknown-value', source: 'state:down,broken', key: 'state', value: 'broken' }],
    ['pool:', { kind: 'no-value', source: 'pool:', key: 'pool' }],
    ['pool:"api', { kind: 'open-quote', source: 'pool:"api' }],
    ['is:odd', { kind: 'unknown-value', source: 'is:odd', key: 'is', value: 'odd' }],
  ])('reports %s and filters nothing by it', (query, error) => {
    expect(parseFilter(query)).toEqual({ terms: [], errors: [error] })
    expect(finds(query)).toBe(true)
  })

  it('still applies the words it understood', () => {
    expect(finds('colour:red state:up')).toBe(false)
  })

  it('writes a query that finds one pool again, whatever its name', () => {
    const query = queryFor({ name: 'my web', kind: 'haproxy', pair: 'tyo-edge', nodes: ['lb1'] })
    expect(query).toBe('pool:"my web" kind:haproxy pair:tyo-edge')
    expect(finds(query, { pool: 'my web' })).toBe(true)
    expect(finds(query, { pool: 'web' })).toBe(false)
    expect(queryFor({ name: 'web', kind: 'nginx', pair: null, nodes: ['lb3'] })).toBe('pool:web kind:nginx node:lb3')
  })
})
