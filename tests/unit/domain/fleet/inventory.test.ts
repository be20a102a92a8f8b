import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { Inventory } from '#contract'
import { diffOf, faultsOf, merged, reachedDifferently } from '../../../../src-main/domain/fleet/inventory.ts'

const inventoryOf = (raw: object) => v.parse(Inventory, { version: 1, ...raw })
const node = (id: string, over: object = {}) => ({ id, name: id, ssh: { host: `${id}.example` }, ...over })
const messages = (raw: object) => faultsOf(inventoryOf(raw)).map((fault) => `${fault.path.join('.')}: ${fault.message}`)

describe('reference checks', () => {
  test('a sound inventory has none', () => {
    const raw = {
      sites: [{ id: 'tyo', name: 'Tokyo' }],
      nodes: [node('lb1', { site: 'tyo' }), node('lb2')],
      pairs: [{ id: 'edge', name: 'Edge', nodes: ['lb1', 'lb2'] }],
    }
    expect(messages(raw)).toEqual([])
  })

  test('an id used twice is named with both places', () => {
    expect(messages({ nodes: [node('lb1'), node('lb2'), node('lb1')] })).toEqual([
      'nodes.2.id: node "lb1" is already defined at nodes[0]',
    ])
  })

  test('sites and nodes that do not exist', () => {
    expect(messages({ nodes: [node('lb1', { site: 'osa' })], pairs: [{ id: 'p', name: 'p', nodes: ['lb1', 'lb9'] }] })).toEqual(
      ['nodes.0.site: there is no site "osa" in sites', 'pairs.0.nodes.1: there is no node "lb9" in nodes'],
    )
  })

  test('a node in two pairs, or twice in one', () => {
    const nodes = [node('a'), node('b'), node('c')]
    const pairs = [
      { id: 'p', name: 'p', nodes: ['a', 'b', 'a'] },
      { id: 'q', name: 'q', nodes: ['c', 'b'] },
    ]
    expect(messages({ nodes, pairs })).toEqual([
      'pairs.0.nodes.2: node "a" is listed twice in pair "p"',
      'pairs.1.nodes.1: node "b" is already in pair "p"',
    ])
  })

  test('a pair may not be called like a node, since pools are named after either', () => {
    const raw = { nodes: [node('a'), node('b')], pairs: [{ id: 'a', name: 'p', nodes: ['a', 'b'] }] }
    expect(messages(raw)).toEqual(['pairs.0.id: "a" is already the id of a node; choose another one'])
  })
})

test('merging replaces by id and keeps the rest', () => {
  const before = inventoryOf({ fleet: 'old', nodes: [node('a'), node('b')] })
  const after = merged(before, inventoryOf({ fleet: 'new', nodes: [node('b', { name: 'B' }), node('c')] }))
  expect(after.nodes.map((each) => each.name)).toEqual(['a', 'B', 'c'])
  expect(diffOf(before, after)).toEqual({ added: ['c'], updated: ['b'], removed: [], unchanged: ['a'] })
  expect(diffOf(after, inventoryOf({}))).toEqual({ added: [], updated: [], removed: ['a', 'b', 'c'], unchanged: [] })
})

test('the order of keys in a file is no change', () => {
  const one = inventoryOf({ nodes: [{ id: 'a', name: 'a', ssh: { host: 'h', port: 22 } }] })
  const other = inventoryOf({ nodes: [{ ssh: { port: 22, host: 'h' }, name: 'a', id: 'a' }] })
  expect(diffOf(one, other).unchanged).toEqual(['a'])
})

test('a node is dialled anew for another target, not for another name', () => {
  const [a, renamed, moved] = inventoryOf({
    nodes: [node('a'), node('a', { name: 'x', production: true }), node('a', { ssh: { host: 'b.example' } })],
  }).nodes
  if (a === undefined || renamed === undefined || moved === undefined) throw new Error('three nodes were given')
  expect(reachedDifferently(a, renamed)).toBe(false)
  expect(reachedDifferently(a, moved)).toBe(true)
})
