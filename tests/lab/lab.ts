import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { order, type BackendState, type Behaviour } from './backend-orders.ts'
import { currentInstance, type Instance } from './instance.ts'
import { inventoryFile } from './inventory.ts'
import { knownHosts, makeKey, publicPart, userKey } from './keys.ts'
import { namespaceOf } from './network.ts'
import { insideNode } from './node.ts'
import { firstProcess, runningPid } from './processes.ts'
import { restore } from './restore.ts'
import { run, tryRun, type RunResult } from './run.ts'
import type { BackendName, LabNode, Service, Topology } from './topology.ts'
import { addressesOn, controlSocket, down, knownTopology, up } from './up-down.ts'

/** A running lab, told what to do. Everything takes effect before the promise resolves, unless said otherwise. */
export interface Lab {
  readonly instance: Instance
  readonly topology: Topology
  /** what `evenkeel inventory import` takes */
  readonly inventoryFile: string
  readonly userKey: string
  readonly knownHosts: string
  node(id: string): LabNode
  /** Run a command as root in a node (`lb1` …), or in the namespace of the backends (`be`) or the client (`client`). */
  exec(
    machine: string,
    argv: readonly [string, ...string[]],
    options?: { stdin?: string; timeoutMs?: number },
  ): Promise<RunResult>
  /** Change how a backend behaves; what is left out stays. Daemons notice by their own checks, a moment later. */
  backend(name: BackendName, behaviour: Partial<Behaviour>): Promise<BackendState>
  stopBackend(name: BackendName): Promise<void>
  startBackend(name: BackendName): Promise<void>
  /** Resolves when the processes are gone. Stopping sshd ends the open connections as well. */
  stopService(node: string, service: Service): Promise<void>
  startService(node: string, service: Service): Promise<void>
  /** Drop VRRP in both directions on this node: its pair splits, and both hold the address after 3 to 4 seconds. */
  cutAdverts(node: string): Promise<void>
  healAdverts(node: string): Promise<void>
  /** Pull or plug a node's cable. Packets vanish; nobody gets a reset. */
  cutCable(node: string, leg: 'management' | 'data'): Promise<void>
  healCable(node: string, leg: 'management' | 'data'): Promise<void>
  /** Give sshd another host key; known_hosts keeps the old one. Gives back the new public key as `ssh-ed25519 AAAA…`. */
  replaceHostKey(node: string): Promise<string>
  /** Ids of the nodes whose kernel has the pair's virtual address: none, one or several. */
  holders(pair: 'edge' | 'core'): Promise<string[]>
  /** Undo all of the above, and what a test changed in the configuration or at run time; resolves when all is well again. */
  restoreAll(): Promise<void>
  down(): Promise<void>
}

/** True when the lab of this name is up with all its nodes. */
export function isUp(instance: Instance): boolean {
  return (
    runningPid(instance, 'be') !== null &&
    knownTopology(instance).nodes.every((node) => firstProcess(instance, node.id) !== null)
  )
}

/** The lab of this checkout, brought up first where it is not. Meant for tests: `const lab = await ensureLab()`. */
export async function ensureLab(instance: Instance = currentInstance()): Promise<Lab> {
  if (!isUp(instance)) await up(instance, { systemd: false })
  return openLab(instance, knownTopology(instance))
}

/** Handle to a lab that is up. */
export function openLab(instance: Instance, topology: Topology): Lab {
  const control = controlSocket(instance)
  const node = (id: string): LabNode => {
    const found = topology.nodes.find((one) => one.id === id)
    if (!found)
      throw new Error(`Lab ${instance.name} has no node ${id}; it has ${topology.nodes.map((one) => one.id).join(', ')}.`)
    return found
  }
  const command = (machine: string, argv: readonly string[]): [string, ...string[]] =>
    machine === 'be' || machine === 'client'
      ? ['nsenter', `--net=/run/netns/${namespaceOf(instance, machine)}`, '--', ...argv]
      : insideNode(instance, node(machine).id, argv)
  const service = async (id: string, name: Service, verb: 'start' | 'stop' | 'restart'): Promise<void> => {
    await run(insideNode(instance, node(id).id, ['/lab/service', name, verb]))
  }
  const cable = async (id: string, leg: 'management' | 'data', state: 'up' | 'down'): Promise<void> => {
    const port = `${node(id).id}-${leg === 'data' ? 'eth0' : 'eth1'}`
    await run(['ip', '-n', namespaceOf(instance, 'sw'), 'link', 'set', port, state])
  }
  const state = async (
    name: BackendName,
    what: { running?: boolean; behaviour?: Partial<Behaviour> },
  ): Promise<BackendState> => {
    const reply = (await order(control, { backend: name, ...what }))[name]
    if (!reply) throw new Error(`The backends said nothing about ${name}.`)
    return reply
  }

  return {
    instance,
    topology,
    inventoryFile: inventoryFile(instance),
    userKey: userKey(instance),
    knownHosts: knownHosts(instance),
    node,
    exec: (machine, argv, options) => tryRun(command(machine, argv), options),
    backend: (name, behaviour) => state(name, { behaviour }),
    stopBackend: async (name) => void (await state(name, { running: false })),
    startBackend: async (name) => void (await state(name, { running: true })),
    stopService: (id, name) => service(id, name, 'stop'),
    startService: (id, name) => service(id, name, 'start'),
    async cutAdverts(id) {
      const rules = ['input', 'output'].map(
        (hook) => `chain ${hook} {\n type filter hook ${hook} priority 0;\n ip protocol 112 drop\n }\n`,
      )
      await run(insideNode(instance, node(id).id, ['nft', '-f', '-']), {
        stdin: `table inet evenkeel_lab {\n${rules.join('')}}\n`,
      })
    },
    async healAdverts(id) {
      await tryRun(insideNode(instance, node(id).id, ['nft', 'delete', 'table', 'inet', 'evenkeel_lab']))
    },
    cutCable: (id, leg) => cable(id, leg, 'down'),
    healCable: (id, leg) => cable(id, leg, 'up'),
    async replaceHostKey(id) {
      const path = join(instance.stateDir, `replaced_host_${node(id).id}`)
      for (const half of [path, `${path}.pub`]) rmSync(half, { force: true })
      await makeKey(path, `${id}-replaced`)
      const root = `/proc/${firstProcess(instance, id)}/root`
      await run(['install', '-m', '600', path, `${root}/etc/ssh/lab_host_key`])
      await service(id, 'sshd', 'restart')
      return publicPart(path)
    },
    async holders(pair) {
      const members = topology.nodes.filter((one) => one.pair === pair)
      const held = await Promise.all(members.map(async (one) => (await addressesOn(instance, one)).includes(one.vip)))
      return members.filter((_, index) => held[index]).map((one) => one.id)
    },
    restoreAll: () => restore(instance, topology),
    down: () => down(instance),
  }
}
