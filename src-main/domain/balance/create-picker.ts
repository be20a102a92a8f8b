import {
  createConsistentHash,
  createHaproxyConsistentHash,
  createHaproxyRandom,
  createNginxConsistentHash,
} from './hash-ring.ts'
import type { HaproxyKey } from './haproxy-key.ts'
import { createHaproxyRoundRobin } from './haproxy-round-robin.ts'
import { createHaproxyLeastconn, createLeastConnections, createLeastResponseTime } from './least-loaded.ts'
import type { Picker } from './picker.ts'
import { createRandom } from './random.ts'
import { createPlainRoundRobin, createSmoothRoundRobin } from './round-robin.ts'
import { createHaproxyMapHash, createNginxHash, createNginxIpHash } from './slot-hash.ts'

/** What is chosen by. Those that bear a daemon's name choose as that daemon does. */
export type Algorithm =
  | { readonly kind: 'round-robin' }
  | { readonly kind: 'nginx-round-robin' }
  | { readonly kind: 'haproxy-roundrobin' }
  | { readonly kind: 'least-connections' }
  | { readonly kind: 'nginx-least-conn' }
  | { readonly kind: 'haproxy-leastconn' }
  | { readonly kind: 'least-response-time' }
  | { readonly kind: 'random'; readonly choices: 1 | 2 }
  | { readonly kind: 'haproxy-random'; readonly draws: number }
  | { readonly kind: 'haproxy-hash'; readonly of: HaproxyKey }
  | { readonly kind: 'haproxy-consistent-hash'; readonly of: HaproxyKey }
  | { readonly kind: 'nginx-ip-hash' }
  | { readonly kind: 'nginx-hash' }
  | { readonly kind: 'nginx-consistent-hash' }
  | { readonly kind: 'consistent-hash'; readonly virtualNodes: number; readonly replicas: number }

/** @param random evenly between 0 (included) and 1, like `Math.random` */
export function createPicker(algorithm: Algorithm, random: () => number): Picker {
  switch (algorithm.kind) {
    case 'round-robin':
      return createPlainRoundRobin()
    case 'nginx-round-robin':
      return createSmoothRoundRobin()
    case 'haproxy-roundrobin':
      return createHaproxyRoundRobin()
    case 'least-connections':
      return createLeastConnections(false)
    case 'nginx-least-conn':
      return createLeastConnections(true)
    case 'haproxy-leastconn':
      return createHaproxyLeastconn()
    case 'least-response-time':
      return createLeastResponseTime()
    case 'random':
      return createRandom(algorithm.choices, random)
    case 'haproxy-random':
      return createHaproxyRandom(algorithm.draws, random)
    case 'haproxy-hash':
      return createHaproxyMapHash(algorithm.of)
    case 'haproxy-consistent-hash':
      return createHaproxyConsistentHash(algorithm.of)
    case 'nginx-ip-hash':
      return createNginxIpHash()
    case 'nginx-hash':
      return createNginxHash()
    case 'nginx-consistent-hash':
      return createNginxConsistentHash()
    case 'consistent-hash':
      return createConsistentHash(algorithm.virtualNodes, algorithm.replicas)
  }
}
