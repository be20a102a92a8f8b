import { endpointOf } from '../net/endpoint.ts'
import type { WantedEndpoint } from '../net/unseen-by-check.ts'
import { parseConfig } from './config/tree.ts'
import { viewOf, type BindView } from './config/view.ts'

/** a range of more ports than this is looked at by its ends alone */
const maxRange = 64

/** TCP endpoints of every `bind` line. */
export function bindEndpoints(files: readonly { path: string; text: string }[]): WantedEndpoint[] {
  const { proxies } = viewOf(files.map(({ path, text }) => ({ path, tree: parseConfig(text) })))
  return proxies.flatMap(({ binds }) => binds.flatMap(endpointsOf))
}

/** Unix sockets, inherited descriptors, UDP and names or variables are left out. */
export const endpointsOf = ({ addresses, options, file, line }: BindView): WantedEndpoint[] =>
  addresses.flatMap((address) => {
    const split = /^(?:(?:ipv4|ipv6|tcp|tcp4|tcp6)@)?(.*):(\d+)(?:-(\d+))?$/.exec(address)
    if (split === null || address.startsWith('/') || /^(unix|abns|fd|sockpair|udp|quic)[^:]*@/.test(address)) return []
    const [, host = '', from = '', to = from] = split
    return portsOf(Number(from), Number(to)).flatMap((port) => {
      const endpoint = endpointOf(host, String(port))
      return endpoint === null ? [] : [{ ...endpoint, path: file, line, anyAddress: options.includes('transparent') }]
    })
  })

function portsOf(from: number, to: number): number[] {
  if (to - from >= maxRange) return [from, to]
  return Array.from({ length: Math.max(0, to - from) + 1 }, (_, index) => from + index)
}
