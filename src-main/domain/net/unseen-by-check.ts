import { keyOf, overlap, type Endpoint, type NodeNetwork } from './endpoint.ts'

export interface WantedEndpoint extends Endpoint {
  path: string
  line: number
  /** it may be listened on although the node does not have the address (`transparent`, nginx never) */
  anyAddress: boolean
}

export interface Unseen {
  severity: 'error' | 'warning'
  message: string
  path: string
  line: number
}

/**
 * What a daemon's own check does not look at: whether what it would listen on can be had. `running`: what the files of now say, which the
 * daemon has already. `sharesOwn`: it may listen on a wildcard and on an address of it at once while it reloads (HAProxy sets SO_REUSEPORT;
 * nginx 1.22.1 does not, and stays with its old configuration).
 */
export function unseenByCheck(
  wanted: readonly WantedEndpoint[],
  running: readonly Endpoint[],
  network: NodeNetwork,
  own: { pids: ReadonlySet<number>; sharesOwn: boolean },
): Unseen[] {
  const had = new Set(running.map(keyOf))
  return wanted.flatMap((each): Unseen[] => {
    if (had.has(keyOf(each))) return []
    const { address, port, path, line } = each
    const shown = `${address.includes(':') ? `[${address}]` : address}:${port}`
    const holder = network.listeners.find((listener) => {
      if (!overlap(listener, each)) return false
      const isOwn = listener.owners.some(({ pid }) => own.pids.has(pid))
      return !isOwn || (!own.sharesOwn && keyOf(listener) !== keyOf(each))
    })
    if (holder !== undefined) {
      const [owner] = holder.owners
      const by = owner === undefined ? 'another process' : `${owner.name} (process ${owner.pid})`
      return [{ severity: 'error', message: `${shown} is in use by ${by}`, path, line }]
    }
    const isLocal = address === '*' || network.addresses.has(address) || address.startsWith('127.')
    if (isLocal || network.nonlocalBind || each.anyAddress) return []
    return [
      {
        severity: 'error',
        message: `this node does not have the address of ${shown}, and net.ipv4.ip_nonlocal_bind is 0`,
        path,
        line,
      },
    ]
  })
}
