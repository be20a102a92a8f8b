import { describe, expect, test } from 'vitest'
import type { NodeId, PairId } from '#contract'
import type { VrrpReading } from '../../../../src-main/domain/fleet/reading.ts'
import { routersOf, type RouterSource, type TrackedRouter } from '../../../../src-main/domain/fleet/routers.ts'
import { serviceFacts } from './facts.ts'
import { instance, keepalived, master } from './readings.ts'

const up = keepalived([master('VI_1')])
const standby = keepalived([instance('VI_1')])

function source(node: string, reading: VrrpReading | null, readAt = 0, readable = true): RouterSource {
  const nodeId = node as NodeId
  return { nodeId, vrrp: reading === null ? null : { nodeId, facts: serviceFacts(reading, readAt), readable } }
}

/** One call after the other, as rounds come in; each entry is what was last read of lb1 and of lb2. */
function after(rounds: [VrrpReading, number, VrrpReading, number][]): TrackedRouter {
  let routers: TrackedRouter[] = []
  for (const [one, oneAt, other, otherAt] of rounds) {
    const sources = [source('lb1', one, oneAt), source('lb2', other, otherAt)]
    routers = routersOf('edge', 'edge' as PairId, sources, routers, Math.max(oneAt, otherAt))
  }
  const [router] = routers
  if (router === undefined) throw new Error('no router came out')
  return router
}

const shown = ({ view }: TrackedRouter) => [view.verdict, ...view.holders]

describe('who holds the addresses', () => {
  test('the kernel says so, not the daemon', () => {
    const boasting = keepalived([instance('VI_1', { state: 'MASTER' })])
    expect(shown(after([[boasting, 0, up, 1]]))).toEqual(['held', 'lb2'])
  })

  test('two holders are two holders, once both were seen at the same time', () => {
    expect(shown(after([[up, 0, standby, 1]]))).toEqual(['held', 'lb1'])
    const split = after([
      [up, 0, standby, 1],
      [up, 2_000, up, 1_000],
      [up, 2_000, up, 3_000],
    ])
    expect(shown(split)).toEqual(['split-brain', 'lb1', 'lb2'])
    expect(split.view.verdictSince).toBe(2_000)
  })

  test('a failover between two readings is neither a split brain nor an outage', () => {
    const tookOver: [VrrpReading, number, VrrpReading, number][] = [
      [up, 0, standby, 500],
      [up, 0, up, 1_500],
    ]
    // lb1 was last seen with the address: only its next reading tells a failover from a second holder
    expect(shown(after(tookOver))).toEqual(['unknown', 'lb2'])
    expect(shown(after([...tookOver, [standby, 2_000, up, 1_500]]))).toEqual(['held', 'lb2'])
    const gaveUpFirst: [VrrpReading, number, VrrpReading, number][] = [
      [up, 0, standby, 500],
      [standby, 1_000, standby, 500],
    ]
    expect(shown(after(gaveUpFirst))).toEqual(['unknown'])
    expect(shown(after([...gaveUpFirst, [standby, 1_000, up, 1_500]]))).toEqual(['held', 'lb2'])
  })

  test('nobody holds it, when both were asked after the last one let go', () => {
    const router = after([
      [up, 0, standby, 500],
      [standby, 1_000, standby, 500],
      [standby, 1_000, standby, 1_500],
    ])
    expect(shown(router)).toEqual(['no-owner'])
  })

  test('an address where keepalived does not run is a zombie', () => {
    const killed = keepalived([master('VI_1', { state: null })], { running: false, daemonAnswered: false })
    expect(shown(after([[killed, 0, standby, 1]]))).toEqual(['zombie', 'lb1'])
  })

  test('an address where keepalived says BACKUP is a zombie at the second reading, not at the first', () => {
    const odd = keepalived([master('VI_1', { state: 'BACKUP' })])
    expect(shown(after([[odd, 0, standby, 1]]))).toEqual(['held', 'lb1'])
    const twice = after([
      [odd, 0, standby, 1],
      [odd, 2_000, standby, 1],
    ])
    expect(shown(twice)).toEqual(['zombie', 'lb1'])
  })

  test('a verdict keeps its beginning while it stands', () => {
    const held = after([
      [up, 1_000, standby, 1_000],
      [up, 3_000, standby, 3_000],
    ])
    expect(held.view.verdictSince).toBe(1_000)
  })
})

describe('members that cannot be read', () => {
  test('the known holder stands; without one nothing is claimed', () => {
    const [held] = routersOf('edge', null, [source('lb1', up), source('lb2', standby, 0, false)], [], 0)
    expect(held?.view.verdict).toBe('held')
    expect(held?.view.members[1]).toMatchObject({ state: null, kernelReadAt: null, kernelAddresses: [], interface: 'eth0' })
    const [unknown] = routersOf('edge', null, [source('lb1', up, 0, false), source('lb2', standby)], [], 0)
    expect(unknown?.view).toMatchObject({ verdict: 'unknown', holders: [] })
  })

  test('a node that was never probed may hold it', () => {
    const [router] = routersOf('edge', null, [source('lb1', standby), source('lb2', null)], [], 0)
    expect(router?.view.verdict).toBe('unknown')
    expect(router?.view.members.map((member) => member.nodeId)).toEqual(['lb1', 'lb2'])
  })
})

describe('which instances are one router', () => {
  test('the same address under another name is the same router', () => {
    const other = keepalived([master('VI_EDGE')])
    const routers = routersOf('edge', null, [source('lb1', standby), source('lb2', other)], [], 0)
    expect(routers.map((router) => [router.view.id, router.view.members.length])).toEqual([['edge/VI_1', 2]])
  })

  test('two VRIDs are two routers, also under one name', () => {
    const other = keepalived([instance('VI_1', { vrid: 99 })])
    const routers = routersOf('edge', null, [source('lb1', up), source('lb2', other)], [], 0)
    expect(routers.map((router) => router.view.id)).toEqual(['edge/VI_1', 'edge/VI_1#99'])
  })
})
