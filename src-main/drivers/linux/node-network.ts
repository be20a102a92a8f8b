import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { parseListeners, type NodeNetwork } from '../../domain/net/endpoint.ts'
import { canonicalAddress } from '../../domain/net/ip-address.ts'
import { run, sectionsFrom } from './run.ts'

/** As root, for the owners of the sockets; they are empty otherwise. */
const script = `
PATH="$PATH:/usr/sbin:/sbin:/usr/bin:/bin"
part() { printf '%s\\0' "$1"; cat; printf '\\0'; }
ss -Hltnp | part listeners
ip -o addr | part addresses
ip -o link | part links
cat /proc/sys/net/ipv4/ip_nonlocal_bind | part nonlocal
`

export async function readNetwork(session: NodeSession, limits: CallLimits, privileged = true): Promise<NodeNetwork> {
  const options = { ...limits, privileged, maxBytes: 8 * 1024 * 1024 }
  const sections = sectionsFrom((await run(session, ['sh', '-c', script], options)).stdout)
  // `2: eth0@if3: <BROADCAST,…` and `2: eth0    inet 198.18.0.11/24 brd …`
  const lines = (sections.get('addresses') ?? '').split('\n').map((line) => line.trim().split(/\s+/))
  return {
    listeners: parseListeners(sections.get('listeners') ?? ''),
    addresses: new Set(lines.flatMap((words) => canonicalAddress((words[3] ?? '').replace(/\/\d+$/, '')) ?? [])),
    interfaces: new Set([...(sections.get('links') ?? '').matchAll(/^\d+: ([^:@]+)/gm)].map(([, name = '']) => name)),
    nonlocalBind: (sections.get('nonlocal') ?? '').trim() === '1',
  }
}
