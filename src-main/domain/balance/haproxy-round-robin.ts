import type { BalanceServer, Picker } from './picker.ts'

/** HAProxy counts weights in sixteenths so that slow start can raise them smoothly (BE_WEIGHT_SCALE). */
const weightScale = 16
export const haproxyHighestWeight = 256 * weightScale

/** The weight as HAProxy reckons with it: whole sixteenths, 0 only when there is none. */
export function haproxyWeight({ weight }: Pick<BalanceServer, 'weight'>): number {
  return Math.ceil(weight * weightScale)
}

interface Entry {
  readonly id: string
  /** sixteenths of the configured weight */
  weight: number
  /** taking no work, waiting for the first turn of this round, placed in this round, or put off to the next */
  queue: 'out' | 'first' | 'placed' | 'later'
  lastPosition: number
  nextPosition: number
  /** what integer division left over, so that positions do not drift */
  remainder: number
  /** order in its queue; equal keys in order of arrival */
  key: number
  arrival: number
}

/**
 * `balance roundrobin` as HAProxy does it (lb_fwrr.c, 2.6): a round has as many positions as the weights sum up to; a chosen server is
 * placed again a round divided by its weight further on. Same choices in the same order as one HAProxy thread. Servers may come, leave
 * and change weight within a round, and the others keep their positions.
 */
export function createHaproxyRoundRobin(): Picker {
  const entries = new Map<string, Entry>()
  let roundWeight = 0
  let nextWeight = 0
  let position = 0
  let arrivals = 0

  function enqueue(entry: Entry, queue: 'first' | 'later'): void {
    entry.queue = queue
    entry.key = haproxyHighestWeight - entry.weight
    entry.arrival = arrivals++
  }

  function place(entry: Entry): void {
    if (entry.nextPosition >= 2 * roundWeight || entry.nextPosition >= roundWeight + nextWeight) {
      entry.nextPosition -= roundWeight
      enqueue(entry, 'later')
      return
    }
    entry.queue = 'placed'
    entry.key = 256 * entry.nextPosition + Math.floor((haproxyHighestWeight + entry.remainder - entry.weight) / weightScale)
    entry.arrival = arrivals++
  }

  /** What it had left over when it was taken out is still its own when it comes back. */
  function comeIn(entry: Entry, weight: number, started: boolean): void {
    entry.weight = weight
    nextWeight += weight
    if (!started) return enqueue(entry, 'first')
    entry.nextPosition = position + Math.floor(Math.max(0, nextWeight + roundWeight - position) / weight)
    place(entry)
  }

  function goOut(entry: Entry): void {
    nextWeight -= entry.weight
    entry.weight = 0
    entry.queue = 'out'
  }

  function reweigh(entry: Entry, weight: number): void {
    nextWeight += weight - entry.weight
    entry.weight = weight
    if (entry.queue === 'first') return enqueue(entry, 'first')
    if (entry.queue === 'later') entry.nextPosition += roundWeight
    const step = Math.floor(nextWeight / weight)
    entry.nextPosition = Math.min(entry.lastPosition + step, entry.nextPosition)
    if (entry.nextPosition < position + 2) entry.nextPosition = position + step
    entry.remainder = 0
    place(entry)
  }

  function first(queue: Entry['queue']): Entry | null {
    let best: Entry | null = null
    for (const entry of entries.values()) {
      if (entry.queue !== queue) continue
      if (best === null || entry.key < best.key || (entry.key === best.key && entry.arrival < best.arrival)) best = entry
    }
    return best
  }

  /** Whose position has come; else one that had no turn yet; else, the round has a hole, who comes soonest. */
  function take(): Entry | null {
    const placed = first('placed')
    if (placed !== null && placed.nextPosition <= position) return placed
    const fresh = first('first')
    if (fresh === null) return placed
    fresh.nextPosition = 0
    fresh.remainder = 0
    return fresh
  }

  function nextRound(): void {
    for (const entry of entries.values()) if (entry.queue === 'later') entry.queue = 'first'
    roundWeight = nextWeight
    position = roundWeight
  }

  return {
    setServers(servers: readonly BalanceServer[]) {
      const started = roundWeight > 0
      const weights = new Map(servers.map((server) => [server.id, haproxyWeight(server)]))
      for (const entry of entries.values()) {
        if (entry.weight > 0 && !weights.get(entry.id)) goOut(entry)
        if (!weights.has(entry.id)) entries.delete(entry.id)
      }
      for (const [id, weight] of weights) {
        const entry = entries.get(id) ?? newEntry(id)
        entries.set(id, entry)
        if (entry.weight === weight) continue
        if (entry.queue === 'out') comeIn(entry, weight, started)
        else reweigh(entry, weight)
      }
    },
    pick() {
      if (nextWeight === 0) return null
      if (roundWeight === 0) nextRound()
      let entry = take()
      if (entry === null) {
        nextRound()
        entry = take()
      }
      if (entry === null) return null
      if (entry.nextPosition === 0) entry.nextPosition = position
      entry.lastPosition = entry.nextPosition
      entry.nextPosition += Math.floor(nextWeight / entry.weight)
      entry.remainder += nextWeight % entry.weight
      if (entry.remainder >= entry.weight) {
        entry.remainder -= entry.weight
        entry.nextPosition += 1
      }
      position += 1
      place(entry)
      return entry.id
    },
  }
}

function newEntry(id: string): Entry {
  return { id, weight: 0, queue: 'out', lastPosition: 0, nextPosition: 0, remainder: 0, key: 0, arrival: 0 }
}
