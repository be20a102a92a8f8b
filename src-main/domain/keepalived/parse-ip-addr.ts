import { canonicalAddress } from '../net/ip-address.ts'

/** One address that the kernel of a node has. */
export interface KernelAddress {
  interface: string
  /** canonical, see canonicalAddress */
  address: string
  prefixLength: number
}

export interface KernelNetwork {
  addresses: KernelAddress[]
  /** link-layer addresses of the interfaces that have one, lower case */
  macs: string[]
}

/** of the loopback interface */
const noMac = '00:00:00:00:00:00'

/** Output of `ip -j addr` (iproute2 6.1). Null when it is not that; the tool prints `{}` for interfaces that are filtered out. */
export function parseIpAddr(stdout: string): KernelNetwork | null {
  const links = parseArray(stdout)
  if (links === null) return null
  const network: KernelNetwork = { addresses: [], macs: [] }
  for (const link of links) {
    if (!isRecord(link) || typeof link['ifname'] !== 'string') continue
    const name = link['ifname']
    const mac = typeof link['address'] === 'string' ? link['address'].toLowerCase() : ''
    if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) && mac !== noMac) network.macs.push(mac)
    for (const info of Array.isArray(link['addr_info']) ? link['addr_info'] : []) {
      if (!isRecord(info)) continue
      const address = typeof info['local'] === 'string' ? canonicalAddress(info['local']) : null
      if (address !== null) network.addresses.push({ interface: name, address, prefixLength: Number(info['prefixlen']) })
    }
  }
  return network
}

function parseArray(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : null
  } catch {
    // Old iproute2 without -j, or a shell's error text: no answer from the kernel.
    return null
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
