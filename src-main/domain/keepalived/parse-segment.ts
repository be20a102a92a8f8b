import { canonicalAddress } from '../net/ip-address.ts'

/** An address of the segment, and the interface that answers for it. */
export interface Neighbour {
  /** canonical, see canonicalAddress */
  address: string
  /** lower case */
  mac: string
}

/** Output of `ip -j neigh` (iproute2 6.1): entries that the kernel has confirmed lately. One that is only STALE may be years old. */
export function parseIpNeigh(stdout: string): Neighbour[] {
  let entries: unknown
  try {
    entries = JSON.parse(stdout)
  } catch {
    return [] // an ip that cannot print JSON, or knows no neighbours: nothing is seen
  }
  return (Array.isArray(entries) ? entries : []).flatMap((entry: unknown) => {
    if (!isRecord(entry)) return []
    const { dst, lladdr, state } = entry
    const address = typeof dst === 'string' ? canonicalAddress(dst) : null
    if (address === null || typeof lladdr !== 'string' || !Array.isArray(state) || !state.includes('REACHABLE')) return []
    return [{ address, mac: lladdr.toLowerCase() }]
  })
}

/** Output of iputils' `arping` (20221126): `Unicast reply from 198.18.9.100 [6A:3D:5A:D4:7C:75]  0.547ms`, a line for every answer. */
export function parseArping(stdout: string): Neighbour[] {
  const found = new Map<string, Neighbour>()
  for (const [, text = '', mac = ''] of stdout.matchAll(/ reply from (\S+) \[([0-9a-f:]{17})\]/gi)) {
    const address = canonicalAddress(text)
    if (address !== null) found.set(`${address} ${mac}`, { address, mac: mac.toLowerCase() })
  }
  return [...found.values()]
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
