import { describe, expect, it } from 'vitest'
import type { NodeId } from '#contract'
import { vipMoves, type RouterMember, type RouterSettings } from '../../../../src-main/domain/push/vip-moves.ts'

const settings: RouterSettings = { vrid: 51, interface: 'eth0', priority: 100, nopreempt: false, addresses: ['198.18.0.10'] }
const [a, b] = ['a', 'b'] as NodeId[] as [NodeId, NodeId]
const standbyFirst = [[[b]], [[a]]]
const together = [[[a, b]]]

/** `a` is master with 150, `b` its backup with 100. */
function member(
  id: NodeId,
  next: Partial<RouterSettings> | null,
  more: Partial<RouterMember> & { was?: Partial<RouterSettings> } = {},
): RouterMember {
  const { was, ...rest } = more
  const now = { ...settings, priority: id === a ? 150 : 100, ...was }
  return {
    nodeId: id,
    isMaster: id === a,
    isAble: true,
    tracked: 0,
    now,
    next: next === null ? null : { ...now, ...next },
    ...rest,
  }
}
const moves = (members: RouterMember[], waves = standbyFirst) =>
  vipMoves('VI', members, waves).map(({ from, to }) => `${from}>${to}`)

describe('where a virtual address goes', () => {
  it.each([
    ['nothing of VRRP changes', [member(a, {}), member(b, {})]],
    ['a lower priority that is still higher', [member(a, { priority: 101 }), member(b, {})]],
    ['an equal one does not take over', [member(a, { priority: 100 }), member(b, {})]],
    ['the backup does not preempt', [member(a, { priority: 90 }), member(b, {}, { was: { nopreempt: true } })]],
    ['the backup is in FAULT', [member(a, { priority: 90 }), member(b, {}, { isAble: false })]],
    ['what the backup tracks holds it down', [member(a, { priority: 90 }), member(b, {}, { tracked: -60 })]],
    ['nobody is master', [member(a, null, { isMaster: false }), member(b, {})]],
  ])('%s: it stays', (_, members) => expect(moves(members)).toEqual([]))

  it.each([
    ['a lower priority', [member(a, { priority: 90 }), member(b, {})], ['a>b']],
    ['a higher one on the backup', [member(a, {}), member(b, { priority: 200 })], ['a>b']],
    ['they change places', [member(a, { priority: 100 }), member(b, { priority: 150 })], ['a>b']],
    ['higher on both, but the backup first', [member(a, { priority: 250 }), member(b, { priority: 200 })], ['a>b', 'b>a']],
    ['what the master tracks has lowered it already', [member(a, { priority: 140 }, { tracked: -45 }), member(b, {})], ['a>b']],
    [
      'no more nopreempt on the backup',
      [member(a, {}, { tracked: -60 }), member(b, { nopreempt: false }, { was: { nopreempt: true } })],
      ['a>b'],
    ],
    ['the instance goes', [member(a, null), member(b, {})], ['a>b']],
    [
      'the instance goes, and nopreempt is no hindrance',
      [member(a, null), member(b, {}, { was: { nopreempt: true } })],
      ['a>b'],
    ],
    ['the instance goes from both', [member(a, null), member(b, null)], ['a>null']],
  ])('%s: it moves', (_, members, expected) => expect(moves(members)).toEqual(expected))

  it('knows addresses one by one', () => {
    const was = { addresses: ['198.18.0.10', '198.18.0.11'] }
    const both = [a, b].map((id) => member(id, { addresses: ['198.18.0.10', '198.18.0.12'] }, { was }))
    expect(vipMoves('VI', both, together)).toMatchObject([{ address: '198.18.0.11', from: a, to: null }])
  })
  it('a new id begins anew, with the addresses on nobody meanwhile', () => {
    expect(vipMoves('VI', [member(a, { vrid: 52 }), member(b, { vrid: 52 })], together)).toMatchObject([{ from: a, to: a }])
  })
  it('says why, with the priorities that count', () => {
    const [move] = vipMoves('VI', [member(a, { priority: 90 }), member(b, {}, { tracked: 5 })], standbyFirst)
    expect(move?.text).toBe('198.18.0.10 moves from a to b: VI has priority 90 on a and 105 on b.')
  })
})
