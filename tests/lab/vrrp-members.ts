import type { NodeId, PairId } from '#contract'
import type { ConsoleOnLab } from './console-on-lab.ts'
import type { Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const file = '/etc/keepalived/keepalived.conf'

export interface Member {
  node: string
  priority: number
}
export const twoMembers: Member[] = [
  { node: 'lb1', priority: 150 },
  { node: 'lb2', priority: 100 },
]
/** lb3 stands at the other site. */
export const threeMembers: Member[] = [...twoMembers, { node: 'lb3', priority: 50 }]

/** One vrrp_instance as text; `more`: what differs from a plain one. */
export const instanceText = (name: string, { priority }: Member, address: string, more = ''): string =>
  `vrrp_instance ${name} {\n state BACKUP\n interface eth0\n virtual_router_id 51\n priority ${priority}\n${more}\n virtual_ipaddress {\n ${address}\n }\n}\n`

/** Which of the three have an address. */
export async function holdersOf(lab: Lab, host: string): Promise<string[]> {
  const all = threeMembers.map(({ node }) => node)
  const held = await Promise.all(all.map((node) => lab.exec(node, ['ip', '-o', 'addr', 'show', 'dev', 'eth0', 'to', host])))
  return all.filter((_, index) => held[index]?.stdout !== '')
}

/** A third member has to be worth of it: what lb1 serves, it serves. */
async function serveLikeLb1(lab: Lab, node: string): Promise<void> {
  const kept = (await lab.exec('lb1', ['sh', '-c', 'tar -C /etc -czf - haproxy nginx | base64'])).stdout
  const put = `rm -rf /etc/haproxy/* /etc/nginx/*; base64 -d | tar -C /etc -xzf -; kill -USR2 $(cat /run/haproxy.pid); nginx -s reload`
  await lab.exec(node, ['sh', '-c', put], { stdin: kept, timeoutMs: 30_000 })
}

/** The edge pair with these members, the first of which holds the address; of keepalived they have `text`. */
export async function makeMembers(
  lab: Lab,
  members: readonly Member[],
  text: (member: Member) => string,
  host: string,
): Promise<void> {
  for (const { node } of threeMembers) await lab.stopService(node, 'keepalived')
  for (const member of members) {
    const { node } = member
    await lab.exec(node, ['sh', '-c', `cat > ${file}`], { stdin: text(member) })
    if (node === 'lb3') await serveLikeLb1(lab, node)
    await lab.startService(node, 'keepalived')
    await waitUntil(`lb1 holds ${host}`, 30_000, async () => (await holdersOf(lab, host)).join() === 'lb1')
  }
}

/** Tells a console of a third member, which it takes from the other pair. */
export async function tellMembers({ client }: ConsoleOnLab, members: readonly Member[]): Promise<void> {
  if (members.length > 2) {
    await client.call('inventory.removePair', { pair: 'core' as PairId })
    const nodes = members.map(({ node }) => node as NodeId)
    await client.call('inventory.putPair', { id: 'edge' as PairId, name: 'edge', nodes })
  }
  await client.call('fleet.refresh', {})
}
