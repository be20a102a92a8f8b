import { describe, expect, test } from 'vitest'
import { FLAPPING, type InventoryNode, type NodeId, type PairId, type SiteId } from '#contract'
import type { VrrpReading } from '../../../../src-main/domain/fleet/reading.ts'
import {
  routersOf,
  type RouterOwner,
  type RouterSource,
  type TrackedRouter,
} from '../../../../src-main/domain/fleet/routers.ts'
import { segmentFrom, type Segment } from '../../../../src-main/domain/fleet/segment.ts'
import { nodeFacts, serviceFacts } from './facts.ts'
import { instance, keepalived, master } from './readings.ts'

const up = keepalived([master('VI_1')])
const standby = keepalived([instance('VI_1')])
const edge: RouterOwner = { id: 'edge', pair: 'edge' as PairId, site: null }
const noSegment: Segment = { nodesOf: new Map(), holders: new Map(), sightings: new Map() }
const dead = { running: false, daemonAnswered: false }

function source(node: string, reading: VrrpReading | null, readAt = 0, readable = true): RouterSource {
  const nodeId = node as NodeId
  return { nodeId, vrrp: reading === null ? null : { nodeId, facts: serviceFacts(reading, readAt), readable } }
}

/** One call after the other, as rounds come in; each entry is what was last read of lb1 and of lb2. */
function after(rounds: [VrrpReading, number, VrrpReading, number][]): TrackedRouter {
  let routers: TrackedRouter[] = []
  for (const [one, oneAt, other, otherAt] of rounds) {
    const sources = [source('lb1', one, oneAt), source('lb2', other, otherAt)]
    routers = routersOf(edge, sources, noSegment, routers, Math.max(oneAt, otherAt))
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

  test('a zombie stays one when another member has taken over, and is a split brain only beside two that live', () => {
    const killed = keepalived([master('VI_1', { state: null })], dead)
    const beside: [VrrpReading, number, VrrpReading, number][] = [
      [up, 0, standby, 1],
      [killed, 2_000, standby, 1],
      [killed, 2_000, up, 3_000],
    ]
    expect(shown(after(beside))).toEqual(['zombie', 'lb1', 'lb2'])
    expect(shown(after([...beside, [killed, 4_000, up, 3_000]]))).toEqual(['zombie', 'lb1', 'lb2'])
    const sources = [source('lb1', up, 9), source('lb2', killed, 9), source('lb3', up, 9)]
    expect(routersOf(edge, sources, noSegment, [], 9)[0]?.view.verdict).toBe('split-brain')
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
    const [held] = routersOf(edge, [source('lb1', up), source('lb2', standby, 0, false)], noSegment, [], 0)
    expect(held?.view.verdict).toBe('held')
    expect(held?.view.members[1]).toMatchObject({ state: null, kernelReadAt: null, kernelAddresses: [], interface: 'eth0' })
    const [unknown] = routersOf(edge, [source('lb1', up, 0, false), source('lb2', standby)], noSegment, [], 0)
    expect(unknown?.view).toMatchObject({ verdict: 'unknown', holders: [] })
  })

  test('a node that was never probed may hold it', () => {
    const [router] = routersOf(edge, [source('lb1', standby), source('lb2', null)], noSegment, [], 0)
    expect(router?.view.verdict).toBe('unknown')
    expect(router?.view.members.map((member) => member.nodeId)).toEqual(['lb1', 'lb2'])
  })
})

describe('which instances are one router', () => {
  test('the same address under another name is the same router', () => {
    const other = keepalived([master('VI_EDGE')])
    const routers = routersOf(edge, [source('lb1', standby), source('lb2', other)], noSegment, [], 0)
    expect(routers.map((router) => [router.view.id, router.view.members.length])).toEqual([['edge/VI_1', 2]])
  })

  test('two VRIDs are two routers, also under one name', () => {
    const other = keepalived([instance('VI_1', { vrid: 99 })])
    const routers = routersOf(edge, [source('lb1', up), source('lb2', other)], noSegment, [], 0)
    expect(routers.map((router) => router.view.id)).toEqual(['edge/VI_1', 'edge/VI_1#99'])
  })
})

describe('somebody who is no member', () => {
  const vip = '198.18.0.100'
  const mac = (last: number) => `02:00:00:00:00:0${last}`
  const on = (reading: VrrpReading, last: number, segment: Partial<VrrpReading['segment']> = {}): VrrpReading => ({
    ...reading,
    instances: reading.instances.map((each) => ({
      ...each,
      addresses: [vip],
      kernelAddresses: each.kernelAddresses.length > 0 ? [vip] : [],
    })),
    segment: { macs: [mac(last)], addresses: [], sightings: [], ...segment },
  })
  const sees = (last: number, how: 'arp' | 'neighbour' = 'arp') => ({
    sightings: [{ address: vip, mac: mac(last), how, ageMs: 5 }],
  })
  const alone = keepalived([])

  /** lb1 and lb2 are a pair; the others are not in it */
  function judged(readings: Record<string, VrrpReading>, sites: Record<string, string> = {}) {
    const nodes = Object.keys(readings).map((id): InventoryNode => ({
      id: id as NodeId,
      name: id,
      ssh: { host: id },
      ...(sites[id] === undefined ? {} : { site: sites[id] as SiteId }),
    }))
    const facts = Object.entries(readings).map(([id, reading]) => [id, nodeFacts([serviceFacts(reading, 1_000)])] as const)
    const segment = segmentFrom(nodes, (id) => new Map(facts).get(id) ?? nodeFacts([]))
    const sources = ['lb1', 'lb2'].map((id) => source(id, readings[id] ?? null, 1_000))
    const [router] = routersOf(edge, sources, segment, [], 1_000)
    return router?.view ?? expect.fail('no router')
  }

  test('answers for the address on the segment: a stranger, by his link-layer address', () => {
    const view = judged({ lb1: on(up, 1), lb2: on(standby, 2, sees(9)) })
    expect(view).toMatchObject({ verdict: 'duplicate', holders: ['lb1'] })
    expect(view.outsiders).toEqual([{ address: vip, nodeId: null, mac: mac(9) }])
    expect(view.sightings).toEqual([{ address: vip, mac: mac(9), nodeId: null, seenFrom: 'lb2', how: 'arp', at: 995 }])
  })

  test('is called by name where the fleet knows the interface', () => {
    const readings = { lb1: on(up, 1), lb2: on(standby, 2, sees(3, 'neighbour')), lb3: on(alone, 3) }
    expect(judged(readings).outsiders).toEqual([{ address: vip, nodeId: 'lb3', mac: mac(3) }])
  })

  test('is not a member, whichever of them answers, nor the virtual router itself', () => {
    expect(judged({ lb1: on(up, 1), lb2: on(standby, 2, sees(1)) }).verdict).toBe('held')
    expect(judged({ lb1: on(standby, 1, sees(2)), lb2: on(up, 2) }).verdict).toBe('held')
    const virtual = { sightings: [{ address: vip, mac: '00:00:5e:00:01:33', how: 'arp' as const, ageMs: 0 }] }
    expect(judged({ lb1: on(up, 1), lb2: on(standby, 2, virtual) }).verdict).toBe('held')
  })

  test('cannot be told from a member whose interfaces were never read', () => {
    const readings: Record<string, VrrpReading> = { lb1: on(up, 1), lb3: on(alone, 3, sees(9)) }
    expect(judged(readings)).toMatchObject({ verdict: 'held', outsiders: [] })
  })

  test('has it in his kernel at the same site; another site may use the same addresses', () => {
    const has = on(alone, 3, { addresses: [vip] })
    expect(judged({ lb1: on(up, 1), lb2: on(standby, 2), lb3: has })).toMatchObject({
      verdict: 'duplicate',
      outsiders: [{ address: vip, nodeId: 'lb3', mac: null }],
    })
    expect(judged({ lb1: on(up, 1), lb2: on(standby, 2), lb3: has }, { lb3: 'osa' }).verdict).toBe('held')
    const byItsOwnRouter = on(up, 3, { addresses: [vip] })
    expect(judged({ lb1: on(up, 1), lb2: on(standby, 2), lb3: byItsOwnRouter }).verdict).toBe('held')
  })
})

describe('flapping', () => {
  const rounds = (count: number): [VrrpReading, number, VrrpReading, number][] =>
    Array.from({ length: count + 1 }, (_, index) => {
      const at = index * 10_000
      return index % 2 === 0 ? [up, at, standby, at] : [standby, at, up, at]
    })

  test('is counted by certain changes of the holder, and forgotten after a while', () => {
    const times = rounds(FLAPPING.moves)
    const router = after(times)
    expect(router.view.moves).toEqual(times.slice(1).map(([, at]) => at))
    const later = FLAPPING.withinMs + 15_000
    expect(after([...times, [standby, later, up, later]]).view.moves).toHaveLength(FLAPPING.moves - 1)
  })

  test('is not what a reading in between looks like', () => {
    const between: [VrrpReading, number, VrrpReading, number][] = [
      [up, 0, standby, 0],
      [up, 0, up, 1_000],
      [standby, 2_000, up, 1_000],
    ]
    expect(after(between).view.moves).toEqual([2_000])
  })
})
