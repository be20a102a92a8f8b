import type { AddressSighting } from '../app/ports/recorder.ts'
import { canonicalAddress, parseNetlink } from './parse-netlink.ts'

/** Turns what one node's kernel says into what became of some addresses. */
export function createAddressFollower(addresses: readonly string[], tell: (sighting: AddressSighting) => void) {
  const wanted = new Map(addresses.map((address) => [canonicalAddress(address), address]))
  /** devices that have an address */
  const devices = new Map<string, Set<number>>()
  const lladdrs = new Map<string, string>()

  return {
    /** Gives the number of answers that ended in this message. */
    note(at: number, message: Buffer): number {
      let answers = 0
      for (const word of parseNetlink(message)) {
        if (word.kind === 'done') {
          answers += 1
          continue
        }
        const address = wanted.get(word.address)
        if (address === undefined) continue
        if (word.kind === 'neighbour') {
          const isNews = !word.listed && lladdrs.get(address) !== word.lladdr
          lladdrs.set(address, word.lladdr)
          if (isNews) tell({ at, address, kind: 'announced', lladdr: word.lladdr })
          continue
        }
        const having = devices.get(address) ?? new Set()
        const had = having.size > 0
        if (word.has) having.add(word.device)
        else having.delete(word.device)
        devices.set(address, having)
        if (had === having.size > 0) continue
        tell({ at, address, kind: had ? 'lost' : word.listed ? 'held' : 'gained', lladdr: null })
      }
      return answers
    },
  }
}
