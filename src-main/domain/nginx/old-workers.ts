import { parseConnections } from './parse-ss.ts'
import type { UpstreamServer } from './upstreams.ts'

/**
 * Whom workers of before a reload may still send to a member that is out. They go by the configuration of before: until they have ended, a client
 * that has connected to one and not asked yet (browsers do so ahead of time), that is still sending its request (nginx reads it wholly first)
 * or whose server fails (`proxy_next_upstream`) can be given to the member, although no connection to it shows that.
 */
export interface OldClients {
  /** connections to the member, those that are being opened included */
  onMember: number
  /** clients for whom no server has begun to answer */
  undecided: number
}

/**
 * $1: ss, $2: process ids separated by `|`. The first local port of outgoing connections, the ports that are listened on, and the connections of
 * these processes with what the kernel counted of each. `end` says that ss did not fail halfway.
 */
export const oldClientsScript = `
read -r first last < /proc/sys/net/ipv4/ip_local_port_range && echo "$first"
"$1" -Hltn && echo &&
{ "$1" -Htnpi state established state syn-sent state close-wait && echo end; } |
awk -v "own=,pid=($2)," '/^[^ \\t]/ { keep = $0 ~ own || $0 == "end" } keep'
`

/**
 * The script's output for one endpoint (iproute2 6.1). A connection is a client's when its port is listened on or none that outgoing connections
 * get. Each connection to another server that has sent something (`bytes_received`) stands for a client who will not be sent elsewhere. Over
 * HTTP/2 one client can have several; what it asks for after the reload, an old worker does not answer. Null: not what the script prints.
 */
export function parseOldClients(stdout: string, endpoint: NonNullable<UpstreamServer['endpoint']>): OldClients | null {
  if (!/(^|\n)end\n$/.test(stdout)) return null
  const [head = '', tail = ''] = stdout.split(/\n\n/, 2)
  const [first, ...listening] = head.split('\n')
  const firstLocal = Number(first)
  const ports = new Set(listening.map((line) => portOf(line.trim().split(/\s+/)[3] ?? '')))
  const perWorker = new Map<number, { clients: number; answered: number }>()
  let onMember = 0
  // What the kernel counted stands on a line of its own, indented.
  for (const text of tail.split(/\n(?=\S)/)) {
    const [connection] = parseConnections(text.replace(/^\S+\s+/, ''))
    const [pid] = connection?.pids ?? []
    if (connection === undefined || pid === undefined) continue
    const worker = perWorker.get(pid) ?? { clients: 0, answered: 0 }
    perWorker.set(pid, worker)
    const port = portOf(connection.local)
    if (port < firstLocal || ports.has(port)) worker.clients += 1
    else if (connection.peerAddress === endpoint.address && connection.peerPort === endpoint.port) onMember += 1
    else if (/\bbytes_received:[1-9]/.test(text)) worker.answered += 1
  }
  const undecided = [...perWorker.values()].map(({ clients, answered }) => Math.max(0, clients - answered))
  return { onMember, undecided: undecided.reduce((total, count) => total + count, 0) }
}

const portOf = (local: string): number => Number(local.slice(local.lastIndexOf(':') + 1))
