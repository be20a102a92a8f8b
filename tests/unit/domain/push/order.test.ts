import { describe, expect, it } from 'vitest'
import type { NodeId, PairId } from '#contract'
import { orderPush, type PushTarget } from '../../../../src-main/domain/push/order.ts'

const target = (name: string, more: Partial<PushTarget> = {}): PushTarget => ({
  nodeId: name as NodeId,
  pair: name.slice(0, 1) as PairId,
  holdsVip: false,
  withPartner: false,
  ...more,
})
const [a1, a2, b1, b2] = [target('a1', { holdsVip: true }), target('a2'), target('b1'), target('b2', { holdsVip: true })]
const order = (targets: PushTarget[], canary?: string, waveSize = 4) =>
  orderPush(targets, { canary: canary as NodeId | undefined, waveSize })

describe('the order of a push', () => {
  it('begins with one standby and ends with those who hold addresses', () => {
    expect(order([a1, a2, b1, b2])).toEqual([[['a2']], [['b1']], [['a1'], ['b2']]])
  })
  it('has the canary first, whoever it is', () => {
    expect(order([a1, a2, b1, b2], 'b2')).toEqual([[['b2']], [['a2'], ['b1']], [['a1']]])
  })
  it('never changes both members of a pair in one wave, holder or not', () => {
    const idle = [target('a1'), target('a2'), target('b1'), target('b2')]
    for (const wave of order(idle, undefined, 50)) {
      const pairs = wave.map(([node]) => node?.slice(0, 1))
      expect(new Set(pairs).size).toBe(pairs.length)
    }
    expect(order(idle, undefined, 50).flat(2).sort()).toEqual(['a1', 'a2', 'b1', 'b2'])
  })
  it('takes no more waves than it must, also where nobody holds an address', () => {
    const idle = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2'].map((name) => target(name))
    expect(order(idle)).toEqual([[['a1']], [['a2'], ['b1'], ['c1']], [['b2'], ['c2']]])
  })
  it('keeps to the size of a wave', () => {
    const many = Array.from({ length: 9 }, (_, index) => target(`n${index}`, { pair: null }))
    expect(order(many, undefined, 3).map((wave) => wave.length)).toEqual([1, 3, 3, 2])
  })
  it('changes both members together where one alone would make two masters', () => {
    const both = [a1, a2].map((each) => ({ ...each, withPartner: true }))
    expect(order([...both, b1])).toEqual([[['b1']], [['a1', 'a2']]])
  })
  it('has nothing to order', () => expect(order([])).toEqual([]))
})
