import { describe, expect, it } from 'vitest'
import type { PoolView, ServerView } from '#contract'
import { fleetEntries, matchEntries, type PaletteEntry } from '../../../../src-renderer/shell/palette-entries.ts'

const pool = (id: string, setState: boolean) =>
  ({ id, name: id, pair: 'edge', nodes: ['lb1'], can: { setState } }) as unknown as PoolView
const server = (name: string, poolId: string) =>
  ({ id: `${poolId}/${name}`, name, poolId, address: `198.18.1.1:80` }) as unknown as ServerView

function entriesFor(servers: ServerView[], pools: PoolView[], done: string[] = []): PaletteEntry[] {
  return [
    ...fleetEntries(
      { nodes: [], pools: new Map(pools.map((one) => [one.id, one])), servers },
      {
        go: (path, query) => done.push(`${path} ${JSON.stringify(query)}`),
        plan: (one, state) => done.push(`${state} ${one.name}`),
        operation: (one, state) => `${state} ${one.name}`,
      },
    ),
  ]
}

describe('command palette', () => {
  it('offers operations only where the pool allows them', () => {
    const keys = entriesFor([server('a', 'h'), server('b', 'n')], [pool('h', true), pool('n', false)]).map(({ label }) => label)
    expect(keys).toEqual(['h', 'n', 'a', 'drain a', 'maint a', 'ready a', 'b'])
  })
  it('runs what it says', () => {
    const done: string[] = []
    for (const entry of entriesFor([server('a', 'h')], [pool('h', true)], done)) entry.run()
    expect(done).toEqual(['/pools {"pool":"h"}', '/pools {"server":"h/a"}', 'drain a', 'maint a', 'ready a'])
  })
  it('puts the exact name before its beginning before the rest, and counts what it does not show', () => {
    const entries = entriesFor([server('xweb1', 'n'), server('web10', 'n'), server('web1', 'n')], [pool('n', false)])
    expect(matchEntries(entries, 'WEB1', 10).entries.map(({ label }) => label)).toEqual(['web1', 'web10', 'xweb1'])
    expect(matchEntries(entries, 'web1', 2)).toMatchObject({ more: 1 })
    expect(matchEntries(entries, 'web1 absent', 2).entries).toEqual([])
  })
})
