import { avalanche, crc32, utf8 } from './hash-functions.ts'
import { hashHaproxyKey, type HaproxyKey } from './haproxy-key.ts'
import { haproxyHighestWeight, haproxyWeight } from './haproxy-round-robin.ts'
import type { BalanceServer, Picker, ServerLoad } from './picker.ts'

/**
 * Consistent hashing: every server owns some points of a circle of 32 bits, a key belongs to the point next to its hash, and whoever
 * comes or leaves moves only the keys around its own points.
 */
interface Ring {
  readonly servers: readonly BalanceServer[]
  /** ascending; each is its place on the circle times 2^20 plus the index of its server, so that sorting needs no objects */
  readonly points: Float64Array
}

const ownerRange = 2 ** 20
const emptyRing: Ring = { servers: [], points: new Float64Array() }

function ringOf(
  servers: readonly BalanceServer[],
  placesOf: (server: BalanceServer, position: number) => readonly number[],
): Ring {
  const places = servers.map((server, position) => (server.weight > 0 ? placesOf(server, position) : []))
  const points = new Float64Array(places.reduce((sum, own) => sum + own.length, 0))
  let end = 0
  for (const [owner, own] of places.entries()) for (const place of own) points[end++] = place * ownerRange + owner
  points.sort()
  return { servers, points }
}

/** Index of the first point at or after the hash; the circle closes behind the last. */
function indexFrom({ points }: Ring, hash: number): number {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((points[middle] ?? 0) < hash * ownerRange) low = middle + 1
    else high = middle
  }
  return low === points.length ? 0 : low
}

const placeAt = (ring: Ring, index: number): number => Math.floor((ring.points[index] ?? 0) / ownerRange)

function ownerAt({ servers, points }: Ring, index: number): BalanceServer | undefined {
  const point = points[index]
  return point === undefined ? undefined : servers[point % ownerRange]
}

/**
 * As many points for each unit of weight as there are virtual nodes. With replicas a key belongs to that many different servers, and the
 * one with the least work for its weight takes the request, the nearer one on a tie.
 */
export function createConsistentHash(virtualNodes: number, replicas: number): Picker {
  let ring = emptyRing
  let usable = 0

  function holders(hash: number): BalanceServer[] {
    const found = new Set<BalanceServer>()
    const start = indexFrom(ring, hash)
    for (let step = 0; step < ring.points.length && found.size < Math.min(replicas, usable); step += 1) {
      const owner = ownerAt(ring, (start + step) % ring.points.length)
      if (owner !== undefined) found.add(owner)
    }
    return [...found]
  }

  return {
    setServers(servers) {
      usable = servers.filter((server) => server.weight > 0).length
      ring = ringOf(servers, ({ id, hashedBy = id, weight }) =>
        Array.from({ length: Math.ceil(virtualNodes * weight) }, (_, node) => avalanche(crc32(utf8(`${hashedBy}#${node}`)))),
      )
    },
    pick: ({ key }, load) =>
      holders(avalanche(crc32(utf8(key)))).reduce<BalanceServer | null>((best, server) => lighter(best, server, load), null)
        ?.id ?? null,
  }
}

/** The one with less work for its weight; the first on a tie. */
function lighter(best: BalanceServer | null, server: BalanceServer, load: ServerLoad): BalanceServer {
  if (best === null) return server
  return load.active(server.id) * best.weight < load.active(best.id) * server.weight ? server : best
}

/** `hash … consistent` as nginx does it (ngx_http_upstream_hash_module.c, 1.22.1): ketama, 160 points for each unit of weight. */
export function createNginxConsistentHash(): Picker {
  let ring = emptyRing
  return {
    setServers(servers) {
      ring = ringOf(servers, ketamaPlaces)
    },
    pick: ({ key }) => ownerAt(ring, indexFrom(ring, crc32(utf8(key))))?.id ?? null,
  }
}

/** CRC-32 of host, a zero byte, port and the point before, which is 0 at first, lowest byte first. */
function ketamaPlaces({ id, hashedBy = id, weight }: BalanceServer): number[] {
  const unix = /^unix:(.*)$/i.exec(hashedBy)
  const [, host = hashedBy, port = ''] = unix ?? /^(.*):(\d*)$/.exec(hashedBy) ?? []
  const name = crc32([...utf8(host), 0, ...utf8(port)])
  const places: number[] = []
  let before = 0
  while (places.length < weight * 160) {
    before = crc32([before & 255, (before >>> 8) & 255, (before >>> 16) & 255, before >>> 24], name)
    places.push(before)
  }
  return places
}

/**
 * `hash-type consistent` as HAProxy does it (lb_chash.c, 2.6; default function and modifier): 16 points for each unit of weight, placed
 * by the server's number; a key belongs to the nearer of the points before and after it.
 */
export function createHaproxyConsistentHash(key: HaproxyKey): Picker {
  let ring = emptyRing
  return {
    setServers(servers) {
      ring = ringOf(servers, haproxyPlaces)
    },
    pick: (request) => nearest(ring, avalanche(hashHaproxyKey(key, request.key)))?.id ?? null,
  }
}

/**
 * `balance random(draws)` as HAProxy does it (backend.c, 2.6; two draws by default): random places on the same circle, so that shares
 * follow the servers' arcs and only on average the weights; of the servers drawn the one with the least work for its weight, the later on
 * a tie.
 */
export function createHaproxyRandom(draws: number, random: () => number): Picker {
  let ring = emptyRing
  return {
    setServers(servers) {
      ring = ringOf(servers, haproxyPlaces)
    },
    pick(_request, load) {
      let best: BalanceServer | null = null
      for (let draw = 0; draw < draws; draw += 1) {
        const server = nearest(ring, Math.floor(random() * 2 ** 32))
        if (server !== undefined) best = best === null ? server : lighter(server, best, load)
      }
      return best?.id ?? null
    },
  }
}

function haproxyPlaces(server: BalanceServer, position: number): number[] {
  const number = Number(server.hashedBy ?? position + 1)
  return Array.from({ length: haproxyWeight(server) }, (_, node) => avalanche(number * haproxyHighestWeight + node))
}

function nearest(ring: Ring, hash: number): BalanceServer | undefined {
  const next = indexFrom(ring, hash)
  const previous = (next === 0 ? ring.points.length : next) - 1
  const closer = (hash - placeAt(ring, previous)) >>> 0 <= (placeAt(ring, next) - hash) >>> 0 ? previous : next
  return ownerAt(ring, closer)
}
