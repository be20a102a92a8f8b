/** What the files of a node's balancers take for granted: servers to connect to, endpoints to listen on, certificates. */
import type { ConfigText, ServiceKind } from '#contract'
import { bindEndpoints } from '../haproxy/bind-endpoints.ts'
import { parseConfig as parseHaproxy } from '../haproxy/config/tree.ts'
import { viewOf, type HaproxyView } from '../haproxy/config/view.ts'
import { certificateUses } from '../lint/certificate-uses.ts'
import type { WantedEndpoint } from '../net/unseen-by-check.ts'
import { listenEndpoints } from '../nginx/listen-endpoints.ts'
import { parseConfig as parseNginx, type Directive } from '../nginx/parse-config.ts'
import { findUpstreams } from '../nginx/upstreams.ts'

export interface Backend {
  host: string
  port: number
  /** `be_web/web1`; every server with this address */
  servers: string[]
}

export interface Needs {
  backends: Backend[]
  listens: (WantedEndpoint & { kind: ServiceKind })[]
  /** absolute paths of files or folders */
  certificates: string[]
}

export function needsOf(files: readonly ConfigText[]): Needs {
  const of = (kind: ServiceKind) => files.filter((file) => file.kind === kind)
  const haproxy = viewOf(of('haproxy').map(({ path, text }) => ({ path, tree: parseHaproxy(text) })))
  const nginx = parseNginx(of('nginx')).directives
  const backends = new Map<string, Backend>()
  for (const { host, port, server } of [...haproxyServers(haproxy), ...nginxServers(nginx)]) {
    const known = backends.get(`${host} ${port}`)
    if (known === undefined) backends.set(`${host} ${port}`, { host, port, servers: [server] })
    else known.servers.push(server)
  }
  return {
    backends: [...backends.values()],
    listens: [
      ...bindEndpoints(of('haproxy')).map((each) => ({ ...each, kind: 'haproxy' as const })),
      ...listenEndpoints(of('nginx')).map((each) => ({ ...each, kind: 'nginx' as const })),
    ],
    certificates: [...new Set(certificateUses(files).map(({ path }) => path))],
  }
}

/** Names and addresses with a port; sockets and variables cannot be tried. */
function endpointFrom(text: string): { host: string; port: number } | null {
  const [, bracketed, bare = '', port = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d+)$/.exec(text) ?? []
  const host = bracketed ?? bare
  return host === '' || Number(port) < 1 || Number(port) > 65_535 ? null : { host, port: Number(port) }
}

function* haproxyServers({ proxies }: HaproxyView) {
  for (const { name, servers } of proxies) {
    for (const { name: server, address, options } of servers) {
      const endpoint = endpointFrom(address.replace(/^(ipv4|ipv6|tcp|tcp4|tcp6)@/, ''))
      const isOut = options.has('disabled') && !options.has('enabled')
      if (endpoint !== null && !isOut) yield { ...endpoint, server: `${name}/${server}` }
    }
  }
}

function* nginxServers(directives: readonly Directive[]) {
  for (const { name, servers } of findUpstreams(directives)) {
    for (const { address, down } of servers) {
      const endpoint = endpointFrom(address)
      if (endpoint !== null && !down) yield { ...endpoint, server: `${name}/${address}` }
    }
  }
}
