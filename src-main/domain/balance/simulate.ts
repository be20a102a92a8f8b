import { createPicker, type Algorithm } from './create-picker.ts'
import type { BalanceServer, ServerLoad } from './picker.ts'

/** A pool without a daemon: requests are placed one after the other and end in the order in which they came. */
export interface Simulation {
  setServers(servers: readonly BalanceServer[]): void
  /** the server the next request goes to; null when none takes work */
  place(key: string): string | null
}

/**
 * @param inFlight requests at work while the next one is placed; the oldest ends when there would be more. 0: each ends before the next
 * comes
 * @param random the same numbers every time unless given, so that the same question has the same answer
 */
export function createSimulation(
  algorithm: Algorithm,
  servers: readonly BalanceServer[],
  inFlight: number,
  random: () => number = seededRandom(),
): Simulation {
  const picker = createPicker(algorithm, random)
  picker.setServers(servers)
  const active = new Map<string, number>()
  const load: ServerLoad = { active: (id) => active.get(id) ?? 0, responseMs: () => null }
  const placed: (string | null)[] = []
  const add = (id: string | null | undefined, difference: 1 | -1): void => {
    if (id != null) active.set(id, load.active(id) + difference)
  }
  return {
    setServers: (changed) => picker.setServers(changed),
    place(key) {
      if (placed.length > inFlight) add(placed[placed.length - inFlight - 1], -1)
      const id = picker.pick({ key }, load)
      placed.push(id)
      add(id, 1)
      return id
    },
  }
}

/** Keys of no particular client: IPv4 addresses for what hashes addresses, paths for the rest. */
export function sampleKeys(algorithm: Algorithm, count: number): string[] {
  const byAddress = algorithm.kind === 'nginx-ip-hash' || ('of' in algorithm && algorithm.of === 'address')
  const random = seededRandom()
  const byte = (): number => Math.floor(random() * 256)
  return Array.from({ length: count }, (_, at) => (byAddress ? [byte(), byte(), byte(), byte()].join('.') : `/item/${at}`))
}

/** Evenly between 0 and 1, the same numbers every time (mulberry32). */
export function seededRandom(seed = 1): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
