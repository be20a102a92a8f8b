import { canonicalAddress } from '../net/ip-address.ts'

/** One established TCP connection as a process of the node holds it. */
export interface Connection {
  pids: number[]
  /** our end as `ss` writes it, for a filter that means this connection alone */
  local: string
  /** canonical, see canonicalAddress */
  peerAddress: string
  peerPort: number
}

/**
 * Output of `ss -Htnp state established` (iproute2 6.1): `recv-q send-q local peer users:(("nginx",pid=1,fd=2),…)`.
 * Peers are `198.18.0.1:80`, `[::1]:80`, `[::ffff:198.18.0.1]:80` or `[fe80::1]%eth0:80`. Connections whose process may not be
 * seen (no privilege) have no `users:` and are left out, as are lines of any other shape.
 */
export function parseConnections(stdout: string): Connection[] {
  return stdout.split('\n').flatMap((line) => {
    const [, , local = '', peer = '', ...users] = line.trim().split(/\s+/)
    const split = /^(.+):(\d+)$/.exec(peer)
    const peerAddress = canonicalAddress((split?.[1] ?? '').replace(/%[^\]]*$/, ''))
    const pids = [...users.join(' ').matchAll(/,pid=(\d+),fd=/g)].map((match) => Number(match[1]))
    if (split === null || peerAddress === null || pids.length === 0) return []
    return [{ pids: [...new Set(pids)], local, peerAddress, peerPort: Number(split[2]) }]
  })
}

/** The filter for exactly these connections. */
export function exactFilter(connections: readonly Connection[]): string {
  const terms = connections.map(
    ({ local, peerAddress, peerPort }) =>
      `( src ${local} and dst ${peerAddress.includes(':') ? `[${peerAddress}]` : peerAddress}:${peerPort} )`,
  )
  return `( ${terms.join(' or ')} )\n`
}

/** The filter expression for `ss -F` that lets only connections to these endpoints through. */
export function connectionFilter(endpoints: readonly { address: string; port: number }[]): string {
  const terms = endpoints.map(({ address, port }) => `dst ${address.includes(':') ? `[${address}]` : address}:${port}`)
  return `( ${[...new Set(terms)].join(' or ')} )\n`
}
