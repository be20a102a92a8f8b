import { canonicalAddress } from './ip-address.ts'

/** Where something listens, or wants to. */
export interface Endpoint {
  /** canonical, see canonicalAddress; `*` = every address */
  address: string
  port: number
}

export interface Listener extends Endpoint {
  /** empty where the account may not see them */
  owners: readonly { name: string; pid: number }[]
}

/** What the network of a node has, as far as it decides whether an address can be listened on. */
export interface NodeNetwork {
  listeners: readonly Listener[]
  /** canonical */
  addresses: ReadonlySet<string>
  interfaces: ReadonlySet<string>
  /** net.ipv4.ip_nonlocal_bind and its IPv6 sister: addresses that are not there (yet) may be listened on */
  nonlocalBind: boolean
}

export const keyOf = ({ address, port }: Endpoint): string => `${address} ${port}`

const wildcards = new Set(['', '*', '0.0.0.0', '::', '[::]'])

/** Null: a host name, a variable, or no address at all. */
export function endpointOf(host: string, port: string): Endpoint | null {
  if (!/^\d{1,5}$/.test(port)) return null
  const address = wildcards.has(host) ? '*' : canonicalAddress(host)
  return address === null ? null : { address, port: Number(port) }
}

/** Output of `ss -Hltnp` (iproute2 6.1): `LISTEN 0 4096 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=7,fd=6))`. */
export function parseListeners(stdout: string): Listener[] {
  return stdout.split('\n').flatMap((line) => {
    const [, , , local = '', , ...rest] = line.trim().split(/\s+/)
    const split = /^(.*):(\d+)$/.exec(local)
    const endpoint = endpointOf(split?.[1] ?? '', split?.[2] ?? '')
    if (endpoint === null) return []
    const owners = [...rest.join(' ').matchAll(/\("([^"]*)",pid=(\d+),/g)].map(([, name = '', pid]) => ({
      name,
      pid: Number(pid),
    }))
    return [{ ...endpoint, owners }]
  })
}

export const overlap = (one: Endpoint, other: Endpoint): boolean =>
  one.port === other.port && (one.address === other.address || one.address === '*' || other.address === '*')
