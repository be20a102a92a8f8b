import { describe, expect, test } from 'vitest'
import type { NodeId, SiteId } from '#contract'
import { dueTakeover, type HeardAdvert } from '../../../../src-main/domain/drill/adverts.ts'
import { lostWith } from '../../../../src-main/domain/drill/lost-with.ts'
import type { VrrpMember } from '../../../../src-main/domain/drill/prediction.ts'

const [lb1, lb2, lb3] = ['lb1' as NodeId, 'lb2' as NodeId, 'lb3' as NodeId]
const member = (nodeId: NodeId, priority: number, changes: Partial<VrrpMember> = {}): VrrpMember => ({
  nodeId,
  version: 2,
  advertMs: 1000,
  downAdverts: 3,
  priority,
  basePriority: priority,
  nopreempt: false,
  preemptDelayMs: 0,
  holds: nodeId === lb1,
  out: false,
  check: null,
  ...changes,
})
const due = (heard: HeardAdvert[], changes: Partial<VrrpMember> = {}, takenAt = 9000) =>
  dueTakeover([member(lb1, 150), member(lb2, 100, changes)], lb1, lb2, heard, takenAt)
const skew = (156 / 256) * 1000

describe('when a member was to take over', () => {
  test('is three adverts and its skew after the last one that came', () => {
    const heard = [1000, 2000, 3000].map((at) => ({ at, priority: 150 }))
    expect(due(heard)).toEqual({ heardAt: 3000, farewell: false, knownAt: 6000, dueAt: 6000 + skew })
  })
  test('is its skew after a farewell', () => {
    expect(due([{ at: 1000, priority: 150 }, { at: 1300, priority: 0 }])).toEqual({ heardAt: 1300, farewell: true, knownAt: 1300, dueAt: 1300 + skew }) // prettier-ignore
  })
  test('does not count adverts that are lower than its own, unless it never preempts', () => {
    const heard = [{ at: 1000, priority: 150 }, { at: 2000, priority: 1 }, { at: 3000, priority: 1 }] // prettier-ignore
    expect(due(heard)).toMatchObject({ heardAt: 1000 })
    expect(due(heard, { nopreempt: true })).toMatchObject({ heardAt: 3000 })
  })
  test('does not count what came after it had taken over', () => {
    const heard = [{ at: 1000, priority: 150 }, { at: 7000, priority: 150 }] // prettier-ignore
    expect(due(heard, {}, 4700)).toMatchObject({ heardAt: 1000 })
  })
  test('takes the interval of who sends, in version 3', () => {
    const members = [member(lb1, 150, { version: 3, advertMs: 200 }), member(lb2, 100, { version: 3, advertMs: 1000 })]
    const found = dueTakeover(members, lb1, lb2, [{ at: 1000, priority: 150 }], 9000)
    expect(found?.dueAt).toBeCloseTo(1000 + 600 + (156 / 256) * 200, 1)
  })
  test('is not known where nothing came, or lower adverts are taken for a while', () => {
    expect(due([])).toBeNull()
    const heard = [{ at: 1000, priority: 150 }, { at: 2000, priority: 1 }] // prettier-ignore
    expect(due(heard, { preemptDelayMs: 5000 })).toBeNull()
    expect(dueTakeover([], lb1, lb2, heard, 9000)).toBeNull()
  })
})

test('a lost site takes its other members with it, and nothing else does', () => {
  const nodes = [
    { id: lb1, site: 'tyo' as SiteId },
    { id: lb2, site: 'tyo' as SiteId },
    { id: lb3, site: 'osa' as SiteId },
  ]
  expect(lostWith('site-loss', lb1, [lb1, lb2, lb3], nodes)).toEqual([lb2])
  expect(lostWith('isolate', lb1, [lb1, lb2, lb3], nodes)).toEqual([])
  expect(lostWith('site-loss', lb1, [lb1, lb2], [])).toEqual([])
})
