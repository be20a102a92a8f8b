import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { FleetDelta, FleetSnapshot, serverStates, type Inventory } from '#contract'
import { applyDelta, deltaBetween, snapshotOf } from '../../../../src-main/domain/fleet/delta.ts'
import { fleetFrom, type Fleet, type FleetContext } from '../../../../src-main/domain/fleet/fleet-model.ts'
import type { NodeFacts } from '../../../../src-main/domain/fleet/service-facts.ts'
import { connected, factsMap, inventory, lost, nodeFacts, serviceFacts } from './facts.ts'
import { haproxy, instance, keepalived, master, pool, server } from './readings.ts'

const context: FleetContext = { now: 10_000, pollMs: 2_000, paused: false, operations: [] }

function fleetOf(facts: Record<string, NodeFacts>, previous: Fleet | null = null, over: Partial<FleetContext> = {}): Fleet {
  return fleetFrom(inventory, factsMap(facts), previous, { ...context, ...over })
}

const app = (...states: ('up' | 'down' | 'draining')[]) =>
  haproxy([
    pool(
      'app',
      states.map((state, index) => server(`w${index + 1}`, { state, sinceS: 2 })),
    ),
  ])

describe('the snapshot', () => {
  test('fits the contract, and shows nodes that were never read', () => {
    const facts = {
      lb1: nodeFacts([serviceFacts(app('up', 'down'), 9_000), serviceFacts(keepalived([master('VI_1')]), 9_000)]),
    }
    const snapshot = snapshotOf(fleetOf(facts), 1, 10_000)
    expect(v.parse(FleetSnapshot, snapshot)).toEqual(snapshot)
    expect(snapshot.nodes.map((node) => [node.id, node.pair, node.connection.state, node.services.length])).toEqual([
      ['lb1', 'edge', 'connected', 2],
      ['lb2', 'edge', 'idle', 0],
      ['lb3', null, 'idle', 0],
    ])
    expect(snapshot.pools[0]).toMatchObject({ id: 'edge/haproxy/app', site: 'tyo', pair: 'edge' })
  })

  test('a lost connection makes what it told unknown at once', () => {
    const services = [serviceFacts(app('up'), 9_000)]
    const before = fleetOf({ lb1: nodeFacts(services) })
    const after = fleetOf({ lb1: nodeFacts(services, lost) }, before)
    const server = (fleet: Fleet) => snapshotOf(fleet, 0, 0).servers[0]
    expect(server(before)?.state).toBe('up')
    expect(server(after)?.state).toBe('unknown')
    expect(after.nodes[0]?.services[0]?.readAt).toBe(9_000)
  })
})

describe('problems', () => {
  const kinds = (fleet: Fleet) => fleet.problems.map((problem) => problem.kind)

  test('worst first, each with its beginning', () => {
    const fleet = fleetOf({
      lb1: nodeFacts([serviceFacts(app('down', 'up'), 9_000)]),
      lb2: nodeFacts([], lost),
      lb3: nodeFacts([serviceFacts(app('down', 'down'), 9_000)]),
    })
    expect(kinds(fleet)).toEqual(['pool-empty', 'node-unreachable', 'servers-down'])
    expect(fleet.problems.map((problem) => problem.since)).toEqual([7_000, 5_000, 7_000])
  })

  test('says what the failing checks say, and what is left', () => {
    const down = (name: string, status: string) =>
      server(name, { state: 'down', check: { status, code: null, durationMs: 0, text: 'Connection refused' } })
    const servers = [down('w1', 'L4CON'), down('w2', 'L4TOUT'), down('w3', 'L4CON'), server('w4')]
    const fleet = fleetOf({ lb3: nodeFacts([serviceFacts(haproxy([pool('app', servers)]), 9_000)]) })
    expect(fleet.problems[0]?.data).toMatchObject({ check: 'L4CON Connection refused', left: 1, total: 4 })
  })

  test('a drained pool is empty too, since its last server left', () => {
    expect(kinds(fleetOf({ lb3: nodeFacts([serviceFacts(app('draining', 'draining'), 9_000)]) }))).toEqual(['pool-empty'])
    expect(kinds(fleetOf({ lb3: nodeFacts([serviceFacts(app('draining', 'up'), 9_000)]) }))).toEqual([])
  })

  test('a refused host key is not an ordinary outage', () => {
    const error = { code: 'ssh.host-key-mismatch' as const, message: 'another key', details: {} }
    const fleet = fleetOf({ lb1: nodeFacts([], { ...lost, state: 'refused', error }) })
    expect(kinds(fleet)).toEqual(['host-key'])
  })

  test('keeps its beginning while it lasts, and names what was done just before', () => {
    const facts = { lb3: nodeFacts([serviceFacts(app('down', 'up'), 900_000)]) }
    const operations = [
      { jobId: 'old', title: 'old', endedAt: 100 },
      { jobId: 'j1', title: 'Drain w1', endedAt: 890_000 },
      { jobId: 'later', title: 'later', endedAt: 899_000 },
    ]
    const first = fleetOf(facts, null, { now: 900_000, operations })
    const again = { lb3: nodeFacts([serviceFacts(app('down', 'down', 'up'), 960_000)]) }
    const second = fleetOf(again, first, { now: 960_000, operations })
    for (const fleet of [first, second]) {
      expect(fleet.problems[0]).toMatchObject({
        kind: 'servers-down',
        since: 898_000,
        changedBefore: { jobId: 'j1', at: 890_000 },
      })
    }
  })
})

describe('totals', () => {
  test('by site, from what can be read', () => {
    const sessions = (count: number) => serviceFacts(haproxy([pool('app', [], { sessions: count })]), 9_000)
    const { totals } = fleetOf({
      lb1: nodeFacts([sessions(3)]),
      lb2: nodeFacts([sessions(4)]),
      lb3: nodeFacts([sessions(9)], lost),
    })
    expect(totals.sites.map(({ site, sessions: sum }) => [site, sum])).toEqual([
      ['tyo', 7],
      [null, null],
    ])
  })
})

test('an owner whose services were not read again is taken over as it is', () => {
  const lb3 = nodeFacts([serviceFacts(app('up'), 9_000)])
  const first = fleetOf({ lb1: nodeFacts([serviceFacts(app('up'), 9_000)]), lb3 })
  const second = fleetOf({ lb1: nodeFacts([serviceFacts(app('down'), 9_500)]), lb3 }, first)
  expect(second.owners.get('lb3')).toBe(first.owners.get('lb3'))
  expect(second.owners.get('edge')).not.toBe(first.owners.get('edge'))
})

describe('deltas', () => {
  const arbitraryService = fc
    .array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), state: fc.constantFrom(...serverStates), sessions: fc.nat(2) }), {
      maxLength: 4,
    })
    .map((servers) =>
      haproxy([
        pool(
          'app',
          servers.map(({ name, ...over }) => server(name, over)),
        ),
      ]),
    )
  const arbitraryVrrp = fc.boolean().map((holds) => keepalived([holds ? master('VI_1') : instance('VI_1')]))
  const arbitraryNode = fc
    .record({
      balancer: fc.option(arbitraryService),
      vrrp: fc.option(arbitraryVrrp),
      lost: fc.boolean(),
      at: fc.integer({ min: 1, max: 9_000 }),
    })
    .map(({ balancer, vrrp, lost: isLost, at }) =>
      nodeFacts(
        [balancer, vrrp].flatMap((reading) => (reading === null ? [] : [serviceFacts(reading, at)])),
        isLost ? lost : connected,
      ),
    )
  const arbitraryFacts = fc.dictionary(fc.constantFrom('lb1', 'lb2', 'lb3'), arbitraryNode)
  const arbitraryInventory = fc.constantFrom<Inventory>(
    inventory,
    { ...inventory, pairs: [] },
    { ...inventory, fleet: 'renamed', nodes: inventory.nodes.slice(1), pairs: [], sites: [] },
  )
  const arbitraryStep = fc.record({ inventory: arbitraryInventory, facts: arbitraryFacts, paused: fc.boolean() })

  /** The order of entities carries no meaning, except that of problems. */
  const sorted = (snapshot: FleetSnapshot) => ({
    ...snapshot,
    ...Object.fromEntries(
      (['nodes', 'pools', 'servers', 'routers'] as const).map((list) => [
        list,
        [...snapshot[list]].sort((one, other) => (one.id < other.id ? -1 : 1)),
      ]),
    ),
  })

  test('applied one after the other they give the newest snapshot', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { minLength: 2, maxLength: 5 }), (steps) => {
        let fleet: Fleet | null = null
        let snapshot: FleetSnapshot | null = null
        steps.forEach((step, index) => {
          const next = fleetFrom(step.inventory, factsMap(step.facts), fleet, {
            ...context,
            now: 10_000 + index,
            paused: step.paused,
          })
          const delta = fleet === null ? null : deltaBetween(fleet, next, index, index)
          if (delta !== null && snapshot !== null) snapshot = applyDelta(snapshot, v.parse(FleetDelta, delta))
          snapshot ??= snapshotOf(next, index, index)
          fleet = next
          const { seq, at, ...expected } = snapshotOf(next, snapshot.seq, snapshot.at)
          expect(sorted(snapshot)).toEqual(sorted({ seq, at, ...expected }))
        })
      }),
      { numRuns: 300 },
    )
  })

  test('nothing is told when nothing changed', () => {
    const facts = { lb1: nodeFacts([serviceFacts(app('up'), 9_000)]) }
    const first = fleetOf(facts)
    expect(deltaBetween(first, fleetOf(facts, first, { now: 11_000 }), 1, 11_000)).toBeNull()
  })

  test('only the server that changed is in it', () => {
    const first = fleetOf({ lb1: nodeFacts([serviceFacts(app('up', 'up'), 9_000)]) })
    const second = fleetOf({ lb1: nodeFacts([serviceFacts(app('up', 'down'), 9_100)]) }, first)
    const delta = deltaBetween(first, second, 1, 9_100)
    expect(delta?.servers.map((each) => each.id)).toEqual(['edge/haproxy/app/w2'])
    expect(delta?.pools).toEqual([])
  })
})
