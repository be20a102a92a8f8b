import { describe, expect, it } from 'vitest'
import type { InventoryPair, NodeView, PoolView, Problem } from '#contract'
import { heatCells } from '../../../../src-renderer/features/overview/draw-heat.ts'
import { joinPoints } from '../../../../src-renderer/features/overview/chart-points.ts'
import { mapFrom } from '../../../../src-renderer/features/overview/map-model.ts'
import { problemText } from '../../../../src-renderer/features/overview/problem-text.ts'
import { createAppI18n } from '../../../../src-renderer/i18n.ts'

describe('heat strip', () => {
  it('has a cell per server while there is room', () => {
    expect(heatCells(['up', 'down', 'up'], 300).map(({ state }) => state)).toEqual(['up', 'down', 'up'])
  })
  it('never hides the one server that is down among thousands', () => {
    for (const at of [0, 1, 1499, 2998, 2999]) {
      const states = Array.from({ length: 3000 }, (_, index) => (index === at ? ('down' as const) : ('up' as const)))
      const cells = heatCells(states, 240)
      expect(cells.length).toBeLessThanOrEqual(240)
      expect(cells.filter(({ state }) => state === 'down')).toHaveLength(1)
    }
  })
  it('stays inside its width', () => {
    for (const count of [1, 7, 40, 100, 119, 121, 999]) {
      const last = heatCells(
        Array.from({ length: count }, () => 'up' as const),
        240,
      ).at(-1)
      expect((last?.x ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual(240.001)
    }
  })
})

describe('map', () => {
  const node = (id: string, site: string | null) => ({ id, name: id, site }) as unknown as NodeView
  it('puts each node on one card: with its pair, or alone; sites without nodes are not drawn', () => {
    const map = mapFrom({
      sites: [
        { id: 'tyo', name: 'Tokyo' },
        { id: 'empty', name: 'Empty' },
      ] as never,
      pairs: [{ id: 'edge', name: 'edge', nodes: ['a', 'b'] }] as unknown as InventoryPair[],
      nodes: [node('a', 'tyo'), node('b', 'tyo'), node('c', 'tyo'), node('d', null)],
      pools: [
        { id: 'edge/haproxy/web', pair: 'edge', nodes: ['a', 'b'] },
        { id: 'c/nginx/web', pair: null, nodes: ['c'] },
      ] as unknown as PoolView[],
      routers: [],
    })
    expect(map.map((site) => [site.id, site.cards.map((card) => [card.id, card.pools.length])])).toEqual([
      [
        'tyo',
        [
          ['pair:edge', 1],
          ['node:c', 1],
        ],
      ],
      [null, [['node:d', 0]]],
    ])
  })
})

describe('problems', () => {
  const { t } = createAppI18n('en').global
  const say = (kind: Problem['kind'], data: Problem['data']) =>
    problemText(
      { kind, data, nodes: ['lb1'], pool: 'p', router: 'r' } as unknown as Problem,
      (key, values, plural) => (plural === undefined ? t(key, values) : t(key, values, plural)),
      (id) => id.toUpperCase(),
    )
  it('names the server when it is one and counts when there are more', () => {
    expect(say('servers-down', { pool: 'web', servers: ['web1'], total: 3 }).title).toBe('web1 down')
    expect(say('servers-down', { pool: 'web', servers: ['web1', 'web2'], total: 3 }).title).toBe('2 of 3 web servers down')
    expect(say('balancers-disagree', { pool: 'web', servers: ['web1', 'web2'], total: 3 }).title).toBe(
      '2 web servers differ per balancer',
    )
  })
  it('says what the check says, and how many are left', () => {
    const data = { pool: 'web', servers: ['web1'], total: 3, left: 2 }
    expect(say('servers-down', { ...data, check: 'L4CON Connection refused' }).reading).toBe(
      'web: L4CON Connection refused; 2 of 3 in rotation',
    )
    expect(say('servers-down', { ...data, check: '' }).reading).toBe('web: 2 of 3 in rotation')
  })
  it('says who holds an address twice', () => {
    const text = say('split-brain', { router: 'VI_1', addresses: ['198.18.0.9'], holders: ['lb1', 'lb2'] })
    expect(text).toMatchObject({ glyph: 'split', reading: 'VI_1: LB1, LB2 all hold 198.18.0.9', to: { path: '/vips' } })
  })
})

describe('chart points', () => {
  it('go on after the stored ones and forget what is too old', () => {
    const at = (times: number[]) => times.map((time) => ({ at: time, value: time }))
    expect(joinPoints(at([1, 10, 20]), at([15, 20, 25]), 10).map((point) => point.at)).toEqual([10, 20, 25])
  })
})
