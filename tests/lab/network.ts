import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, tryRun } from './run.ts'
import type { Instance } from './instance.ts'
import type { Topology } from './topology.ts'

/*
 * A switch namespace holds two bridges, `mgmt` and `data`. Every other namespace has one or two legs in it, and this machine has a
 * leg in `mgmt` alone: it reaches the nodes' sshd and nothing else of the lab. What is sent to its data network from here ends here, for
 * by the default route it would go to whoever is out there.
 */

export const namespaceOf = (instance: Instance, machine: string): string => `${instance.name}-${machine}`
const namespaceFile = (instance: Instance, machine: string): string => `/run/netns/${namespaceOf(instance, machine)}`
const hostInterface = (instance: Instance): string => `${instance.name}-host`

const strayRoute = ({ dataNet }: Instance): [string, string] => ['unreachable', `${dataNet}.0/24`]

interface Leg {
  machine: string
  interface: 'eth0' | 'eth1'
  bridge: 'data' | 'mgmt'
  addresses: readonly string[]
}

function legsOf(topology: Topology): Leg[] {
  return [
    ...topology.nodes.flatMap((node): Leg[] => [
      { machine: node.id, interface: 'eth0', bridge: 'data', addresses: [node.data] },
      { machine: node.id, interface: 'eth1', bridge: 'mgmt', addresses: [node.management] },
    ]),
    { machine: 'be', interface: 'eth0', bridge: 'data', addresses: topology.backends.map((backend) => backend.address) },
    { machine: 'client', interface: 'eth0', bridge: 'data', addresses: [topology.client] },
  ]
}

/** The switch's end of a leg. */
const portOf = (leg: Leg): string => `${leg.machine}-${leg.interface}`

/** Every namespace a lab of this name can have, whether or not it has it now. */
const allMachines = ['sw', 'lb1', 'lb2', 'lb3', 'lb4', 'sd', 'be', 'client'] as const

/** Says that a machine's namespace is complete; without it, what is there is the rest of an interrupted run. */
const readyFile = (instance: Instance, machine: string): string => join(instance.stateDir, `${machine}.network`)
const isReady = (instance: Instance, machine: string): boolean =>
  existsSync(readyFile(instance, machine)) && existsSync(namespaceFile(instance, machine))

/** Bring the network up; complete parts that are there already stay as they are. */
export async function networkUp(instance: Instance, topology: Topology): Promise<void> {
  if (!isReady(instance, 'sw')) {
    await networkDown(instance)
    await addSwitch(instance, topology)
  }
  const legs = legsOf(topology)
  for (const machine of new Set(legs.map((leg) => leg.machine))) {
    if (isReady(instance, machine)) continue
    const own = legs.filter((leg) => leg.machine === machine)
    await removeNamespace(instance, machine)
    // The kernel takes the cables of a removed namespace away in its own time; their other ends are in the way until then.
    for (const leg of own) await tryRun(['ip', '-n', namespaceOf(instance, 'sw'), 'link', 'del', portOf(leg)])
    await addMachine(instance, machine, own)
  }
}

async function addSwitch(instance: Instance, topology: Topology): Promise<void> {
  const sw = namespaceOf(instance, 'sw')
  await batch(null, [
    `netns add ${sw}`,
    `link add ${hostInterface(instance)} type veth peer name host netns ${sw}`,
    `addr add ${topology.host}/24 dev ${hostInterface(instance)}`,
    `link set ${hostInterface(instance)} up`,
    `route replace ${strayRoute(instance).join(' ')}`,
  ])
  await batch(sw, [
    'link set lo up',
    ...['mgmt', 'data'].flatMap((bridge) => [
      `link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${bridge} up`,
    ]),
    'link set host master mgmt up',
  ])
  writeFileSync(readyFile(instance, 'sw'), '')
}

async function addMachine(instance: Instance, machine: string, legs: readonly Leg[]): Promise<void> {
  const sw = namespaceOf(instance, 'sw')
  const own = namespaceOf(instance, machine)
  await batch(null, [
    `netns add ${own}`,
    ...legs.map((leg) => `link add ${leg.interface} netns ${own} type veth peer name ${portOf(leg)} netns ${sw}`),
  ])
  await batch(own, [
    'link set lo up',
    ...legs.flatMap((leg) => [
      ...leg.addresses.map((address) => `addr add ${address}/24 dev ${leg.interface}`),
      `link set ${leg.interface} up`,
    ]),
  ])
  await batch(
    sw,
    legs.map((leg) => `link set ${portOf(leg)} master ${leg.bridge} up`),
  )
  writeFileSync(readyFile(instance, machine), '')
}

/** Pids of all processes in the lab's namespaces: nothing else can be in them, so nothing else is ever ended. */
export async function processesInside(instance: Instance): Promise<number[]> {
  const pids: number[] = []
  for (const machine of allMachines) {
    if (!existsSync(namespaceFile(instance, machine))) continue
    // fails for a file left by an interrupted `ip netns add`, which has no namespace behind it and hence no processes
    const { stdout } = await tryRun(['ip', 'netns', 'pids', namespaceOf(instance, machine)])
    pids.push(...stdout.split('\n').filter(Boolean).map(Number))
  }
  return pids
}

/** Take all of it away. Processes inside must be gone already, or they would keep a nameless namespace alive. */
export async function networkDown(instance: Instance): Promise<void> {
  await tryRun(['ip', 'route', 'del', ...strayRoute(instance)])
  if (await exists(hostInterface(instance))) await run(['ip', 'link', 'del', hostInterface(instance)])
  for (const machine of allMachines) await removeNamespace(instance, machine)
}

async function removeNamespace(instance: Instance, machine: string): Promise<void> {
  rmSync(readyFile(instance, machine), { force: true })
  if (existsSync(namespaceFile(instance, machine))) await run(['ip', 'netns', 'del', namespaceOf(instance, machine)])
}

async function exists(link: string): Promise<boolean> {
  return (await tryRun(['ip', 'link', 'show', 'dev', link])).code === 0
}

async function batch(namespace: string | null, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  await run(['ip', ...(namespace === null ? [] : ['-n', namespace]), '-batch', '-'], { stdin: `${lines.join('\n')}\n` })
}
