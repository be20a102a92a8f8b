import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { order } from './backend-orders.ts'
import { cgroupOf, removeCgroups } from './cgroup.ts'
import { claim, type Instance } from './instance.ts'
import { writeInventory } from './inventory.ts'
import { makeKeys } from './keys.ts'
import { takeLock } from './lock.ts'
import { networkDown, networkUp } from './network.ts'
import { insideNode, renderFiles, startNode, startServices } from './node.ts'
import { endAll, firstProcess, logFile, runningPid, startInside } from './processes.ts'
import { tryRun, waitUntil } from './run.ts'
import { topologyOf, type LabNode, type Topology } from './topology.ts'

export const controlSocket = (instance: Instance): string => join(instance.stateDir, 'backends.sock')
const optionsFile = (instance: Instance): string => join(instance.stateDir, 'options.json')

/** The lab as it was last told to be; the default when there is none. */
export function knownTopology(instance: Instance): Topology {
  const file = optionsFile(instance)
  const options = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { systemd: boolean }) : { systemd: false }
  return topologyOf(instance, options)
}

/**
 * Bring the lab up, or complete what is there: running parts are left alone, missing ones are started. Resolves when every service
 * answers and each pair has a holder of its virtual address.
 */
export async function up(instance: Instance, options: { systemd: boolean }): Promise<Topology> {
  const release = await takeLock(`${instance.name}/up-down`, 60_000)
  try {
    const topology = topologyOf(instance, {
      systemd: options.systemd || knownTopology(instance).nodes.some(({ id }) => id === 'sd'),
    })
    claim(instance)
    writeFileSync(optionsFile(instance), JSON.stringify({ systemd: topology.nodes.some(({ id }) => id === 'sd') }))
    await Promise.all([networkUp(instance, topology), makeKeys(instance, topology)])
    await startBackends(instance, topology)
    const missing = topology.nodes.filter(({ id }) => firstProcess(instance, id) === null)
    // before any of them starts: they start with scripts that are written anew here
    for (const node of missing) renderFiles(instance, topology, node)
    await Promise.all(topology.nodes.map((node) => (missing.includes(node) ? startNode : startServices)(instance, node)))
    await Promise.all(topology.nodes.map((node) => nodeAnswers(instance, node)))
    await waitUntil('each pair has one holder of its virtual address', 20_000, () => vipsHeld(instance, topology))
    writeInventory(instance, topology)
    return topology
  } finally {
    await release()
  }
}

/** Take the lab away, whatever state it is in. Nothing remains: processes, mounts, namespaces, links, files. */
export async function down(instance: Instance): Promise<void> {
  const release = await takeLock(`${instance.name}/up-down`, 60_000)
  try {
    await endAll(instance)
    await removeCgroups(cgroupOf(instance))
    await networkDown(instance)
    removeFiles(instance.outputDir)
    removeIfEmpty(dirname(instance.outputDir))
    rmSync(instance.stateDir, { recursive: true, force: true })
    removeIfEmpty(dirname(instance.stateDir))
  } finally {
    await release()
  }
}

/** Data addresses of a node as its kernel has them. */
export async function addressesOn(instance: Instance, node: LabNode): Promise<string[]> {
  const { stdout } = await tryRun(insideNode(instance, node.id, ['ip', '-o', '-4', 'addr', 'show', 'dev', 'eth0']))
  return [...stdout.matchAll(/inet ([0-9.]+)\//g)].map((match) => match[1] ?? '')
}

async function vipsHeld(instance: Instance, topology: Topology): Promise<boolean> {
  const held = await Promise.all(
    topology.nodes.map(async (node) => ((await addressesOn(instance, node)).includes(node.vip) ? [node.vip] : [])),
  )
  const wanted = new Set(topology.nodes.map(({ vip }) => vip))
  return held.flat().length === wanted.size && new Set(held.flat()).size === wanted.size
}

async function startBackends(instance: Instance, topology: Topology): Promise<void> {
  if (runningPid(instance, 'be') === null) {
    const specs = topology.backends.map(({ name, address }) => `${name}=${address}`)
    const program = join(import.meta.dirname, 'backend-process.ts')
    await startInside(instance, 'be', [process.execPath, program, controlSocket(instance), ...specs])
  }
  await waitUntil(`the backends answer (${logFile(instance, 'be')})`, 10_000, async () => {
    try {
      return Object.keys(await order(controlSocket(instance), {})).length === topology.backends.length
    } catch {
      return false
    }
  })
}

async function nodeAnswers(instance: Instance, node: LabNode): Promise<void> {
  const script = [
    '[ -S /run/haproxy/admin.sock ]',
    '[ -S /run/haproxy-master.sock ]',
    '[ -s /run/nginx.pid ]',
    '[ -s /run/keepalived.pid ]',
    `ss -Hltn 'src ${node.management}:22' | grep -q .`,
  ].join(' && ')
  await waitUntil(
    `${node.id} runs sshd, haproxy, nginx and keepalived (${logFile(instance, node.id)})`,
    20_000,
    async () =>
      firstProcess(instance, node.id) !== null &&
      (await tryRun(insideNode(instance, node.id, ['sh', '-c', script]))).code === 0,
  )
}

/** The folder of the default lab holds those of the others: what is a folder stays. */
function removeFiles(folder: string): void {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isFile()) rmSync(join(folder, entry.name))
  removeIfEmpty(folder)
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder)
}
