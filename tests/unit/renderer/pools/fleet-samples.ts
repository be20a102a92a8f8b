import * as v from 'valibot'
import {
  FleetSnapshot,
  NodeId,
  NodeView,
  PairId,
  PoolView,
  ServerView,
  type ServerOnBalancer,
  type ServerState,
} from '#contract'
import type { PoolFleet } from '../../../../src-renderer/features/pools/pool-rows.ts'

/** Parts of a fleet for tests of the Pools page. Parsed by the contract, so that they cannot drift from it. */
export const readAt = 1_700_000_000_000

export function cell(nodeId: string, state: ServerState = 'up', more: Partial<ServerOnBalancer> = {}): ServerOnBalancer {
  return {
    nodeId: v.parse(NodeId, nodeId),
    state,
    word: state === 'unknown' ? '' : state.toUpperCase(),
    weight: 1,
    backup: false,
    sessions: 4,
    sessionLimit: 64,
    queue: 0,
    rate: 1,
    errorRate: 0,
    totalSessions: 100,
    adminState: 0,
    check: { status: 'L7OK', code: 200, durationMs: 4, text: 'OK' },
    since: readAt - 60_000,
    ...more,
  }
}

export function server(pool: string, name: string, more: Partial<ServerView> = {}): ServerView {
  const state = more.state ?? 'up'
  return v.parse(ServerView, {
    id: `${pool}/${name}`,
    poolId: pool,
    name,
    address: `10.0.0.${Number(name.replaceAll(/\D/g, '') || '1')}:8080`,
    state,
    disagrees: false,
    on: [cell('lb1', state), cell('lb2', state)],
    ...more,
  })
}

export function pool(id: string, more: Partial<PoolView> = {}): PoolView {
  const [pair, kind, name] = id.split('/')
  return v.parse(PoolView, {
    id,
    name,
    kind,
    mode: 'http',
    algorithm: 'roundrobin',
    site: 'tyo',
    pair,
    nodes: ['lb1', 'lb2'],
    can: { setState: kind === 'haproxy' },
    ...more,
  })
}

export function node(id: string, more: Partial<NodeView> = {}): NodeView {
  return v.parse(NodeView, {
    id,
    name: `${id}.tyo`,
    site: 'tyo',
    pair: 'tyo-edge',
    address: '198.18.0.1',
    production: false,
    connection: { state: 'connected', since: readAt, error: null, attempts: 1, retryAt: null, roundTripMs: 1 },
    services: (['haproxy', 'nginx'] as const).map((kind) => ({
      kind,
      version: '2.6.12',
      readAt,
      error: null,
      uptimeS: 60,
      workers: [],
      costMs: 3,
      costBytes: 100,
    })),
    ...more,
  })
}

export function fleetOf(pools: readonly PoolView[], servers: readonly ServerView[]): PoolFleet {
  const nodes = ['lb1', 'lb2', 'lb3', 'lb4'].map((id) => node(id))
  const ids = (names: readonly string[]) => names.map((name) => v.parse(NodeId, name))
  return {
    servers,
    pools: new Map(pools.map((each) => [each.id, each])),
    nodes: new Map(nodes.map((each) => [each.id, each])),
    pairs: new Map([
      ['tyo-edge', { name: 'Tokyo edge', nodes: ids(['lb1', 'lb2']) }],
      ['osa-edge', { name: 'Osaka edge', nodes: ids(['lb3', 'lb4']) }],
    ]),
    sites: new Map([
      ['tyo', { name: 'Tokyo' }],
      ['osa', { name: 'Osaka' }],
    ]),
    drains: new Map(),
    pollMs: 2000,
  }
}

/** A whole snapshot, as `fleet.snapshot` answers it. */
export function snapshotOf(fleet: PoolFleet): FleetSnapshot {
  return v.parse(FleetSnapshot, {
    seq: 1,
    at: readAt,
    fleet: 'test',
    pollMs: fleet.pollMs,
    paused: false,
    sites: [...fleet.sites].map(([id, { name }]) => ({ id, name })),
    pairs: [...fleet.pairs].map(([id, { name, nodes }]) => ({ id: v.parse(PairId, id), name, nodes: [...nodes] })),
    nodes: [...fleet.nodes.values()],
    pools: [...fleet.pools.values()],
    servers: [...fleet.servers],
    routers: [],
    problems: [],
    totals: { at: readAt, sites: [] },
  })
}
