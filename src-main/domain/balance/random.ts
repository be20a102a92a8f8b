import type { Picker, ServerLoad } from './picker.ts'
import { createSmoothPeers, pickSmoothly, type SmoothPeer } from './round-robin.ts'

/** nginx gives up drawing after this many misses and takes the next in the round robin */
const mostMisses = 20

/**
 * `random` (one choice) and `random two` (two) as nginx does them (ngx_http_upstream_random_module.c, 1.22.1): drawn by weight; of two
 * different ones the one with fewer connections for its weight, on a tie the second. Two choices are the power of two choices.
 */
export function createRandom(choices: 1 | 2, random: () => number): Picker {
  const peersOf = createSmoothPeers()
  let peers: readonly SmoothPeer[] = []
  let total = 0

  function draw(): SmoothPeer | undefined {
    let left = random() * total
    return peers.find((peer) => (left -= peer.weight) < 0)
  }

  return {
    setServers(servers) {
      peers = peersOf(servers)
      total = peers.reduce((sum, peer) => sum + peer.weight, 0)
    },
    pick(_request, load) {
      if (choices === 1 || peers.length < 2) return draw()?.id ?? null
      const first = draw()
      for (let miss = 0; miss < mostMisses && first !== undefined; miss += 1) {
        const second = draw()
        if (second !== undefined && second !== first) return (isBusier(second, first, load) ? first : second).id
      }
      return pickSmoothly(peers)?.id ?? null
    },
  }
}

function isBusier(one: SmoothPeer, other: SmoothPeer, load: ServerLoad): boolean {
  return load.active(one.id) * other.weight > load.active(other.id) * one.weight
}
