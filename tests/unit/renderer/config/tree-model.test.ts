import { describe, expect, it } from 'vitest'
import type { ConfigChange, ConfigDiff, InventoryPair, NodeConfigFile, NodeId, NodeView, PairId } from '#contract'
import { searchFiles, treeFrom, type TreeParts } from '../../../../src-renderer/features/config/tree-model.ts'

const nodeOf = (id: string): NodeView => ({
  id: id as NodeId,
  name: id,
  site: null,
  pair: null,
  address: id,
  production: false,
  connection: { state: 'connected', since: 0, error: null, attempts: 0, retryAt: null, roundTripMs: 1 },
  services: [],
})
const fileOf = (path: string, text: string | null, kind: NodeConfigFile['kind'] = 'haproxy'): NodeConfigFile => ({
  path,
  kind,
  text,
  encoding: 'utf-8',
  sha256: 'x',
  bytes: 1,
  modifiedAt: 0,
  owner: 'root:root',
  mode: '644',
  masked: 0,
  loaded: 'loaded',
  error: null,
})
const pair: InventoryPair = { id: 'edge' as PairId, name: 'edge', nodes: ['a', 'b'] as NodeId[] }
const change = (file: string, perNode: boolean): ConfigChange => ({
  kind: 'haproxy',
  what: 'server.weight',
  subject: 'p/s',
  before: '1',
  after: '2',
  at: { before: { file, line: 1, column: 1 }, after: { file, line: 1, column: 1 } },
  impact: 'runtime',
  perNode,
})
const partsOf = (changes: ConfigChange[]): TreeParts => ({
  nodes: ['c', 'b', 'a'].map(nodeOf),
  pairs: [pair],
  filesOf: (nodeId) => ({
    busy: false,
    error: null,
    config: {
      nodeId,
      at: 0,
      findings: [],
      failures: [],
      files: [
        fileOf('/etc/k.conf', 'priority 1\n', 'keepalived'),
        fileOf('/etc/h.cfg', `bind :80\nserver s ${nodeId}:80\n`),
        fileOf('/etc/none.cfg', null),
      ],
    },
  }),
  findingsOf: () => [
    { rule: 'x/info', severity: 'info', file: '/etc/h.cfg', line: 1, column: 1, message: 'm', reason: 'r', fix: null },
    { rule: 'x/warn', severity: 'warning', file: '/etc/h.cfg', line: 2, column: 1, message: 'm', reason: 'r', fix: null },
  ],
  isDraft: () => false,
  diffOf: (before, after): ConfigDiff | null => (before === 'a' && after === 'b' ? { changes, files: [] } : null),
})

describe('treeFrom', () => {
  it('has pairs with their members in order, then nodes without a pair; HAProxy before keepalived', () => {
    const groups = treeFrom(partsOf([]))
    expect(groups.map((group) => [group.pair?.name ?? null, group.nodes.map(({ node }) => node.id)])).toEqual([
      ['edge', ['a', 'b']],
      [null, ['c']],
    ])
    expect(groups[0]?.nodes[0]?.files.map(({ name, worst, findings }) => [name, worst, findings])).toEqual([
      ['h.cfg', 'warning', 2],
      ['none.cfg', null, 0],
      ['k.conf', null, 0],
    ])
  })

  it('marks a file that differs on both members, unless members are meant to differ there', () => {
    const differing = (changes: ConfigChange[]): string[] =>
      treeFrom(partsOf(changes)).flatMap(({ nodes }) =>
        nodes.flatMap(({ node, files }) => files.flatMap((each) => (each.differs ? [`${node.id}:${each.name}`] : []))),
      )
    expect(differing([change('/etc/h.cfg', false)])).toEqual(['a:h.cfg', 'b:h.cfg'])
    expect(differing([change('/etc/h.cfg', true)])).toEqual([])
  })
})

describe('searchFiles', () => {
  it('finds lines on every node, whatever their case, and counts those beyond the limit', () => {
    const groups = treeFrom(partsOf([]))
    const { hits, total } = searchFiles(groups, ' SERVER s ', 2)
    expect(hits.map(({ node, file, line, text }) => `${node.id}:${file.path}:${line}: ${text}`)).toEqual([
      'a:/etc/h.cfg:2: server s a:80',
      'b:/etc/h.cfg:2: server s b:80',
    ])
    expect(total).toBe(3)
    expect(searchFiles(groups, ' ', 2)).toEqual({ hits: [], total: 0 })
  })
})
