import { describe, expect, it } from 'vitest'
import type { NodeId, RouterMember, RouterView } from '#contract'
import { handoverOf, handoverPriority } from '../../../../src-main/domain/push/handover.ts'

const member = (nodeId: string, priority: number, more: Partial<RouterMember> = {}): RouterMember =>
  ({
    nodeId,
    ...{ state: 'BACKUP', configuredPriority: priority, effectivePriority: priority, daemonRunning: true, nopreempt: false },
    ...more,
  }) as RouterMember
const router = (members: RouterMember[], more: Partial<RouterView> = {}): RouterView =>
  ({ id: 'edge/VI', holders: ['lb1'], verdict: 'held', members, ...more }) as RouterView
const [lb1, lb2, lb3] = [member('lb1', 150, { state: 'MASTER' }), member('lb2', 100), member('lb3', 120)]

describe('handing a virtual router over', () => {
  it('goes to who comes next, whom nobody else comes before', () => {
    expect(handoverOf(router([lb1, lb2, lb3]))).toEqual({ from: lb1, to: lb3 })
    expect(handoverOf(router([lb1, lb2, lb3]), 'lb3' as NodeId)).toEqual({ from: lb1, to: lb3 })
  })

  it.each<[RouterView, string | undefined, RegExp]>([
    [router([lb1, lb2, lb3]), 'lb2', /^lb3 has priority 120 and would take edge\/VI over before lb2/],
    [router([lb1, lb2]), 'lb1', /^lb1 has edge\/VI already/],
    [router([lb1, lb2]), 'lb9', /^lb9 is not a BACKUP/],
    [router([lb1, member('lb2', 100, { state: 'FAULT' })]), undefined, /^No other member is a BACKUP/],
    [router([lb1, member('lb2', 100, { daemonRunning: false })]), undefined, /^No other member is a BACKUP/],
    [router([lb1, member('lb2', 100, { nopreempt: true })]), undefined, /`nopreempt`/],
    [router([lb1, lb2], { verdict: 'split-brain', holders: ['lb1', 'lb2'] as NodeId[] }), undefined, /split-brain/],
    [router([lb1, lb2], { verdict: 'no-owner', holders: [] }), undefined, /no-owner/],
  ])('is refused with the reason: %#', (view, to, why) => {
    expect(handoverOf(view, to as NodeId | undefined)).toMatch(why)
  })

  it.each<[what: string, from: RouterMember, to: RouterMember, priority: number | RegExp]>([
    ['one less than the other', lb1, lb2, 99],
    ['a failed check taken into account', member('lb1', 150, { effectivePriority: 130 }), lb2, 119],
    ['a bonus taken into account', member('lb1', 150, { effectivePriority: 170 }), lb2, 79],
    [
      'a bonus that is more than the other has',
      member('lb1', 150, { effectivePriority: 250 }),
      member('lb2', 90),
      /none for lb1/,
    ],
    ['nothing below 1', lb1, member('lb2', 1), /Raise that of lb2 first/],
    ['the lowest', lb1, member('lb2', 2), 1],
  ])('takes %s', (_what, from, to, priority) => {
    const found = handoverPriority(from, to)
    if (typeof priority === 'number') expect(found).toBe(priority)
    else expect(found).toMatch(priority)
  })
})
