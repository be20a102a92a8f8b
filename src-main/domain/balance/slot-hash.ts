import { addressBytes, crc32, utf8 } from './hash-functions.ts'
import { hashHaproxyKey, type HaproxyKey } from './haproxy-key.ts'
import type { BalanceServer, Picker } from './picker.ts'
import { createSmoothPeers, pickSmoothly, type SmoothPeer } from './round-robin.ts'

const keptWeightOf = (server: BalanceServer): number => (server.weight > 0 ? server.weight : (server.keptWeight ?? 0))

/**
 * `hash-type map-based` as HAProxy does it (lb_map.c, 2.6): the hash modulo a map in which each server that takes work has as many places
 * as its weight, spread evenly. Whoever comes or leaves moves nearly everybody.
 */
export function createHaproxyMapHash(key: HaproxyKey): Picker {
  let map: readonly string[] = []
  return {
    setServers(servers) {
      map = haproxyMap(servers)
    },
    pick: (request) => map[hashHaproxyKey(key, request.key) % map.length] ?? null,
  }
}

function haproxyMap(servers: readonly BalanceServer[]): string[] {
  // slow start does not apply to a map: whole weights only
  const divisor = servers.map((server) => Math.ceil(keptWeightOf(server))).reduce(greatestCommonDivisor, 0)
  const usable = servers
    .filter(({ weight }) => weight > 0)
    .map(({ id, weight }) => ({ id, weight: Math.ceil(weight) / divisor, score: 0 }))
  const total = usable.reduce((sum, { weight }) => sum + weight, 0)
  return Array.from({ length: total }, () => {
    let best: (typeof usable)[number] | null = null
    let bestRank = 0
    for (const server of usable) {
      server.score += server.weight
      // the daemon compares these whole numbers, not the scores: nearly equal servers take turns in the order of the configuration
      const rank = Math.trunc((server.score + total) / total)
      if (best !== null && rank <= bestRank) continue
      best = server
      bestRank = rank
    }
    if (best !== null) best.score -= total
    return best?.id ?? ''
  })
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other)
}

/**
 * `ip_hash` as nginx does it (ngx_http_upstream_ip_hash_module.c, 1.22.1): the first three bytes of an IPv4 address, all of an IPv6 one,
 * modulo the sum of the weights. A server that is `down` keeps its places, and only its clients are hashed again.
 */
export function createNginxIpHash(): Picker {
  return createSlotWalk((key) => {
    const address = addressBytes(key)
    const bytes = address.length === 4 ? address.slice(0, 3) : address
    let hash = 89
    return () => {
      for (const byte of bytes) hash = (hash * 113 + byte) % 6271
      return hash
    }
  })
}

/** `hash` without `consistent` (ngx_http_upstream_hash_module.c, 1.22.1): modulo, places kept by `down` as in `ip_hash`. */
export function createNginxHash(): Picker {
  return createSlotWalk((key) => {
    let hash = 0
    let round = 0
    return () => {
      hash = (hash + ((crc32(utf8(round === 0 ? key : `${round}${key}`)) >>> 16) & 0x7fff)) >>> 0
      round += 1
      return hash
    }
  })
}

/** nginx hashes again when the place's server takes no work, this often; then it takes the next in the round robin. */
const mostTries = 21

/** @param hashesOf a function that gives the hash of the key, then the hash of each further try */
function createSlotWalk(hashesOf: (key: string) => () => number): Picker {
  let slots: readonly BalanceServer[] = []
  let total = 0
  const peersOf = createSmoothPeers()
  let peers: readonly SmoothPeer[] = []
  const slotAt = (place: number): BalanceServer | undefined => {
    let left = place
    return slots.find((server) => (left -= keptWeightOf(server)) < 0)
  }
  return {
    setServers(servers) {
      slots = servers.filter((server) => keptWeightOf(server) > 0)
      total = slots.reduce((sum, server) => sum + keptWeightOf(server), 0)
      peers = peersOf(servers)
    },
    pick({ key }) {
      const nextHash = hashesOf(key)
      for (let tried = 0; tried < mostTries && peers.length > 0 && slots.length > 1; tried += 1) {
        const server = slotAt(nextHash() % total)
        if (server !== undefined && server.weight > 0) return server.id
      }
      return pickSmoothly(peers)?.id ?? null
    },
  }
}
