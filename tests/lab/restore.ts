import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defaultBehaviour, order } from './backend-orders.ts'
import type { Instance } from './instance.ts'
import { namespaceOf } from './network.ts'
import { filesOf, insideNode } from './node.ts'
import { firstProcess } from './processes.ts'
import { run, tryRun, waitUntil } from './run.ts'
import type { LabNode, Service, Topology } from './topology.ts'
import { addressesOn, controlSocket, up } from './up-down.ts'

/** Folders whose files belong to a service; more or other files than at the start mean that a test changed them. */
const configuration: readonly (readonly [Service, string])[] = [
  ['haproxy', 'etc/haproxy'],
  ['nginx', 'etc/nginx/conf.d'],
  ['keepalived', 'etc/keepalived'],
]
const singleFiles: readonly (readonly [Service, string])[] = [
  ['nginx', 'etc/nginx/nginx.conf'],
  ['sshd', 'etc/ssh/lab_host_key'],
  ['sshd', 'etc/ssh/sshd_config'],
]

/** Bring a lab back to where it was after `up`, restarting only what differs. */
export async function restore(instance: Instance, topology: Topology): Promise<void> {
  if (topology.nodes.some((node) => firstProcess(instance, node.id) === null)) await up(instance, { systemd: false })
  await order(controlSocket(instance), { running: true, behaviour: defaultBehaviour })
  await Promise.all(topology.nodes.map((node) => restoreNode(instance, node)))
  await waitUntil(`lab ${instance.name} is well again`, 30_000, async () => {
    const well = await Promise.all(topology.nodes.map((node) => isWell(instance, topology, node)))
    return well.every(Boolean)
  })
}

/** What pushes have left: their guards would put back files that are put back here. */
const endGuards = `
for dir in /var/lib/evenkeel/*/; do if [ -s "$dir/pid" ]; then kill -- "-$(cat "$dir/pid")" 2>/dev/null || :; fi; done
rm -rf /var/lib/evenkeel
`

async function restoreNode(instance: Instance, node: LabNode): Promise<void> {
  for (const leg of ['eth0', 'eth1'])
    await run(['ip', '-n', namespaceOf(instance, 'sw'), 'link', 'set', `${node.id}-${leg}`, 'up'])
  await tryRun(insideNode(instance, node.id, ['nft', 'delete', 'table', 'inet', 'evenkeel_lab']))
  await run(insideNode(instance, node.id, ['sh', '-c', 'echo 0 >/run/vrrp-maintenance']))
  await run(insideNode(instance, node.id, ['sh', '-c', endGuards]))
  const changed = new Set<Service>([
    ...configuration.filter(([, folder]) => restoreFolder(instance, node, folder)).map(([service]) => service),
    ...singleFiles.filter(([, file]) => restoreFile(instance, node, file)).map(([service]) => service),
  ])
  for (const service of ['haproxy', 'nginx', 'keepalived', 'sshd'] as const) {
    await run(insideNode(instance, node.id, ['/lab/service', service, changed.has(service) ? 'restart' : 'start']))
  }
  await waitUntil(
    `${node.id} has its HAProxy socket`,
    5000,
    async () => (await runtime(instance, node, 'show info')).code === 0,
  )
  await restoreServers(instance, node)
}

const liveRoot = (instance: Instance, node: LabNode): string => `/proc/${firstProcess(instance, node.id)}/root`

/** @returns true when something had to be put back */
function restoreFile(instance: Instance, node: LabNode, path: string): boolean {
  const original = join(filesOf(instance, node), path)
  const live = join(liveRoot(instance, node), path)
  if (existsSync(live) && readFileSync(live).equals(readFileSync(original))) return false
  copyFileSync(original, live)
  return true
}

function restoreFolder(instance: Instance, node: LabNode, folder: string): boolean {
  const wanted = readdirSync(join(filesOf(instance, node), folder))
  const surplus = readdirSync(join(liveRoot(instance, node), folder)).filter((name) => !wanted.includes(name))
  for (const name of surplus) rmSync(join(liveRoot(instance, node), folder, name), { recursive: true })
  const restored = wanted.filter((name) => restoreFile(instance, node, join(folder, name)))
  return surplus.length + restored.length > 0
}

function runtime(instance: Instance, node: LabNode, commands: string): Promise<{ code: number; stdout: string }> {
  return tryRun(insideNode(instance, node.id, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock']), {
    stdin: `${commands}\n`,
  })
}

/**
 * Undo what was told to servers at run time. `srv_admin_state` is a bit mask: 1 forced maintenance, 4 `disabled` in the
 * configuration, 8 forced drain; a server that is `disabled` starts with 5 and is in maintenance (HAProxy 2.6, measured).
 */
async function restoreServers(instance: Instance, node: LabNode): Promise<void> {
  const { stdout } = await runtime(instance, node, 'show servers state')
  const rows = stdout.split('\n').filter((line) => /^\d+ \S+ \d+ /.test(line))
  const orders = rows.flatMap((line) => {
    const [, backend, , server, , , mask, weight, initialWeight] = line.split(' ')
    const name = `${backend}/${server}`
    const wanted = Number(mask) & 4 ? 5 : 0
    return [
      ...(Number(mask) === wanted ? [] : [`set server ${name} state ${wanted === 5 ? 'maint' : 'ready'}`]),
      ...(weight === initialWeight ? [] : [`set server ${name} weight 100%`]),
    ]
  })
  if (orders.length > 0) await runtime(instance, node, orders.join(';'))
}

/** All servers are as they should be, and the node with the higher priority has the virtual address, the other one not. */
async function isWell(instance: Instance, topology: Topology, node: LabNode): Promise<boolean> {
  const { stdout } = await runtime(instance, node, 'show stat -1 4 -1')
  const states = stdout.split('\n').slice(1).filter(Boolean)
  const peer = topology.nodes.find((other) => other.pair === node.pair && other.id !== node.id)
  const shouldHold = node.priority > (peer?.priority ?? 0)
  const holds = (await addressesOn(instance, node)).includes(node.vip)
  return (
    states.length > 0 &&
    states.every((line) => /^[^,]*,[^,]*,(?:[^,]*,){15}(UP|no check|MAINT),/.test(line)) &&
    holds === shouldHold
  )
}
