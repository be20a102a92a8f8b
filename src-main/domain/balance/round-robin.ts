import type { BalanceServer, Picker } from './picker.ts'

/** Each in turn, whatever the weights; only those of weight 0 are passed over. The turn goes on where it was when servers come or leave. */
export function createPlainRoundRobin(): Picker {
  let ids: readonly string[] = []
  let turn = 0
  return {
    setServers(servers) {
      const next = ids[turn]
      ids = servers.filter((server) => server.weight > 0).map((server) => server.id)
      turn = next === undefined ? 0 : Math.max(0, ids.indexOf(next))
    },
    pick() {
      const id = ids[turn] ?? null
      turn = turn + 1 < ids.length ? turn + 1 : 0
      return id
    },
  }
}

/** A server in nginx's smooth weighted round robin. */
export interface SmoothPeer {
  readonly id: string
  readonly weight: number
  /** grows by the weight at each choice, falls by the total when chosen */
  current: number
}

/**
 * Smooth weighted round robin, choice by choice as one nginx worker does it (ngx_http_upstream_round_robin.c, 1.22.1): over any window as
 * long as the sum of the weights each server is chosen exactly its weight's times. The lower effective weight that nginx gives a server
 * for a while after a failure is the caller's to give.
 */
export function createSmoothRoundRobin(): Picker {
  const peersOf = createSmoothPeers()
  let peers: readonly SmoothPeer[] = []
  return {
    setServers(servers) {
      peers = peersOf(servers)
    },
    pick: () => pickSmoothly(peers)?.id ?? null,
  }
}

/** Those that take work. One that nginx passes over for a while comes back where it was; a reload, which forgets, is a new picker. */
export function createSmoothPeers(): (servers: readonly BalanceServer[]) => SmoothPeer[] {
  let known = new Map<string, SmoothPeer>()
  return (servers) => {
    known = new Map(servers.map(({ id, weight }) => [id, { id, weight, current: known.get(id)?.current ?? 0 }]))
    return [...known.values()].filter(({ weight }) => weight > 0)
  }
}

/** One choice among these peers; nginx also breaks the ties of `least_conn` this way. The first of equals wins. */
export function pickSmoothly(peers: readonly SmoothPeer[]): SmoothPeer | null {
  let best: SmoothPeer | null = null
  let total = 0
  for (const peer of peers) {
    peer.current += peer.weight
    total += peer.weight
    if (best === null || peer.current > best.current) best = peer
  }
  if (best !== null) best.current -= total
  return best
}
