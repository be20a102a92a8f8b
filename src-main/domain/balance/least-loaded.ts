import { haproxyHighestWeight, haproxyWeight } from './haproxy-round-robin.ts'
import type { Picker, ServerLoad } from './picker.ts'
import { createSmoothPeers, pickSmoothly, type SmoothPeer } from './round-robin.ts'

/**
 * `least_conn` as one nginx worker does it (ngx_http_upstream_least_conn_module.c, 1.22.1): fewest connections for the weight, ties by
 * smooth weighted round robin. Unweighted: fewest connections, ties in turn.
 */
export function createLeastConnections(weighted: boolean): Picker {
  return createLeast((load) => (peer) => load.active(peer.id) / peer.weight, weighted)
}

/**
 * Least response time: the product of the recent average and the requests at work, this one included, for the weight. A server not yet
 * heard from is taken for as fast as the fastest, so that it is tried and not flooded.
 */
export function createLeastResponseTime(): Picker {
  return createLeast((load, peers) => {
    const known = peers.map(({ id }) => load.responseMs(id)).filter((ms) => ms !== null)
    const fastestMs = known.length === 0 ? 1 : Math.min(...known)
    return ({ id, weight }) => ((load.responseMs(id) ?? fastestMs) * (load.active(id) + 1)) / weight
  }, true)
}

function createLeast(
  costNow: (load: ServerLoad, peers: readonly SmoothPeer[]) => (peer: SmoothPeer) => number,
  weighted: boolean,
): Picker {
  const peersOf = createSmoothPeers()
  let peers: readonly SmoothPeer[] = []
  return {
    setServers(servers) {
      peers = peersOf(weighted ? servers : servers.map(({ id, weight }) => ({ id, weight: weight > 0 ? 1 : 0 })))
    },
    pick(_request, load) {
      const costs = peers.map(costNow(load, peers))
      const lowest = Math.min(...costs)
      return pickSmoothly(peers.filter((_, at) => costs[at] === lowest))?.id ?? null
    },
  }
}

/**
 * `balance leastconn` as HAProxy does it (lb_fwlc.c, 2.6): idle servers first, whatever their weight; then the lowest load the server would
 * have with one more connection, for its weight. Equals in the order in which they came to that load, which is how they take turns.
 * HAProxy sees each connection end; here that is seen at the next choice, so several that ended since then count as ended in the order in
 * which they were chosen.
 */
export function createHaproxyLeastconn(): Picker {
  interface Entry {
    readonly id: string
    weight: number
    key: number
    arrival: number
  }
  let entries: Entry[] = []
  let arrivals = 0
  const keyOf = (inFlight: number, weight: number): number =>
    inFlight === 0 ? 0 : Math.floor(((inFlight + 1) * haproxyHighestWeight) / haproxyWeight({ weight }))

  return {
    setServers(servers) {
      const before = new Map(entries.map((entry) => [entry.id, entry]))
      entries = servers
        .filter((server) => server.weight > 0)
        .map(({ id, weight }) => {
          const known = before.get(id)
          return known?.weight === weight ? known : { id, weight, key: 0, arrival: arrivals++ }
        })
    },
    pick(_request, load) {
      entries.sort((one, other) => one.arrival - other.arrival)
      for (const entry of entries) {
        const key = keyOf(load.active(entry.id), entry.weight)
        if (key !== entry.key) Object.assign(entry, { key, arrival: arrivals++ })
      }
      let best: Entry | null = null
      for (const entry of entries) {
        if (best === null || entry.key < best.key || (entry.key === best.key && entry.arrival < best.arrival)) best = entry
      }
      if (best === null) return null
      Object.assign(best, { key: keyOf(load.active(best.id) + 1, best.weight), arrival: arrivals++ })
      return best.id
    },
  }
}
