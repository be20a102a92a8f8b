// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia'
import { createApp } from 'vue'
import { beforeEach, describe, expect, it } from 'vitest'
import type { FleetDelta, FleetSnapshot, NodeView, ServerView } from '#contract'
import { clientKey, type Client } from '../../../../src-renderer/bridge/client.ts'
import { useFleetStore } from '../../../../src-renderer/stores/fleet.ts'

const server = (name: string, state: ServerView['state'] = 'up'): ServerView =>
  ({ id: `p/${name}`, poolId: 'p', name, address: '', state, disagrees: false, on: [] }) as unknown as ServerView
const totals = { at: 1, sites: [] }
const snapshotOf = (seq: number, servers: ServerView[]): FleetSnapshot => ({
  seq,
  at: 1,
  fleet: 'lab',
  pollMs: 2_000,
  paused: false,
  sites: [],
  pairs: [],
  nodes: [],
  pools: [],
  servers,
  routers: [],
  problems: [],
  totals,
})
const deltaOf = (seq: number, servers: ServerView[], removed: string[] = []): FleetDelta => ({
  seq,
  at: seq,
  pollMs: 2_000,
  paused: false,
  nodes: [],
  pools: [],
  servers,
  routers: [],
  problems: [],
  totals: null,
  removed: { nodes: [], pools: [], servers: removed as FleetDelta['removed']['servers'], routers: [] },
})

function rig() {
  const waiting: ((snapshot: FleetSnapshot) => void)[] = []
  let onDelta: (delta: FleetDelta) => void = () => undefined
  let onLink: (state: 'open' | 'lost') => void = () => undefined
  const client = {
    call: () => new Promise((resolve) => waiting.push(resolve as (snapshot: FleetSnapshot) => void)),
    on: (_name: string, listener: (delta: FleetDelta) => void) => {
      onDelta = listener
      return () => undefined
    },
    onLink: (listener: (state: 'open' | 'lost') => void) => {
      onLink = listener
      return () => undefined
    },
  } as unknown as Client
  const pinia = createPinia()
  createApp({}).provide(clientKey, client).use(pinia)
  setActivePinia(pinia)
  const store = useFleetStore()
  const stop = store.follow()
  return {
    store,
    stop,
    delta: (delta: FleetDelta) => onDelta(delta),
    link: (state: 'open' | 'lost') => onLink(state),
    asked: () => waiting.length,
    async answer(snapshot: FleetSnapshot) {
      waiting.shift()?.(snapshot)
      await new Promise((resolve) => setTimeout(resolve))
    },
  }
}
const names = (store: ReturnType<typeof useFleetStore>) =>
  [...store.servers.values()].map(({ name, state }) => `${name} ${state}`)

describe('fleet store', () => {
  let fleet: ReturnType<typeof rig>
  beforeEach(() => {
    fleet = rig()
    return () => fleet.stop()
  })

  it('keeps what arrives before the snapshot, drops what the snapshot already has', async () => {
    fleet.link('open')
    fleet.delta(deltaOf(4, [server('old', 'down')]))
    fleet.delta(deltaOf(6, [server('a', 'down')]))
    await fleet.answer(snapshotOf(5, [server('a'), server('b')]))
    expect(fleet.store.phase).toBe('ready')
    expect(names(fleet.store)).toEqual(['a down', 'b up'])
  })

  it('fetches a new snapshot when a delta is missing, and loses nothing meanwhile', async () => {
    fleet.link('open')
    await fleet.answer(snapshotOf(1, [server('a')]))
    fleet.delta(deltaOf(3, [server('a', 'down')]))
    expect(fleet.asked()).toBe(1)
    fleet.delta(deltaOf(4, [server('c')]))
    await fleet.answer(snapshotOf(3, [server('a', 'down')]))
    expect(names(fleet.store)).toEqual(['a down', 'c up'])
  })

  it('starts from a fresh snapshot after the link was lost, even when the host counts from the beginning', async () => {
    fleet.link('open')
    await fleet.answer(snapshotOf(90, [server('a')]))
    fleet.link('lost')
    fleet.link('open')
    await fleet.answer(snapshotOf(1, [server('b')]))
    fleet.delta(deltaOf(2, [server('b', 'down')]))
    expect(names(fleet.store)).toEqual(['b down'])
  })

  it('keeps the lists by pool in the daemon’s order and makes only touched ones anew', async () => {
    fleet.link('open')
    await fleet.answer(snapshotOf(1, [server('a'), server('b'), server('c')]))
    const before = fleet.store.serversByPool
    fleet.delta(deltaOf(2, [server('b', 'down')], ['p/a']))
    expect(fleet.store.serversByPool).not.toBe(before)
    expect([...fleet.store.serversByPool.values()].flat().map((one) => one.name)).toEqual(['b', 'c'])
    const untouched = fleet.store.servers
    fleet.delta(deltaOf(3, []))
    expect(fleet.store.servers).toBe(untouched)
  })

  it('counts a connected node whose facts are older than three polls as stale, an undialled one as unreachable', async () => {
    fleet.link('open')
    const node = (id: string, state: string, readAt: number) =>
      ({ id, name: id, connection: { state, error: null }, services: [{ readAt }] }) as unknown as NodeView
    const now = Date.now()
    await fleet.answer({
      ...snapshotOf(1, []),
      nodes: [node('fresh', 'connected', now), node('old', 'connected', now - 7_000), node('gone', 'waiting', now)],
    })
    expect(fleet.store.nodeCounts).toEqual({ fresh: 1, stale: 1, unreachable: 1 })
  })
})
