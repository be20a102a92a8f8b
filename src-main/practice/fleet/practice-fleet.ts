/*
 * The practice fleet: two sites of balancers, servers and clients in this process. Model: everything listens on 127.N.x.y or, where the
 * system does not let it, on 127.0.0.1, and nowhere else; only keys and addresses are files, in the folder of the caller; closing cuts the
 * power of every machine first, so that nothing is left that could open a port again.
 */
import { createBackend, type Backend } from '../backends/backend.ts'
import { createMachine } from '../machine/create-machine.ts'
import type { Machine } from '../machine/machine.ts'
import { systemClock } from '../machine/system-clock.ts'
import { claimLoopback, type Loopback } from '../network/loopback.ts'
import { createSegment, type Segment } from '../network/segment.ts'
import { Inventory, type PracticeDeed, type PracticeFacts, type PracticeRepair, type PracticeSize } from '#contract'
import * as v from 'valibot'
import { createBalancer, type Balancer } from './balancer.ts'
import { startClients, type ClientSite } from './clients.ts'
import { openKeys, type FleetKeys } from './keys.ts'
import { practiceProgram } from './practice-program.ts'
import { createScenarioBoard } from './scenario-board.ts'
import { clientsHost, planFleet, ports, type FleetPlan, type SitePlan } from './site-plan.ts'

export interface OpenFleet {
  readonly inventory: Inventory
  readonly balancers: ReadonlyMap<string, Balancer>
  readonly backends: ReadonlyMap<string, Backend>
  facts(): PracticeFacts
  do(deed: PracticeDeed): Promise<PracticeFacts>
  revert(repair: PracticeRepair): Promise<PracticeFacts>
  close(): Promise<void>
}

export interface FleetOptions {
  folder: string
  size: PracticeSize
  /** a scenario was started or put right, by whomever */
  told: (facts: PracticeFacts) => void
}

export async function openFleet({ folder, size, told }: FleetOptions): Promise<OpenFleet> {
  const keys = await openKeys(folder, size)
  const plan = planFleet(definedOf(keys.size))
  const loopback = await claimLoopback()
  const sites: BuiltSite[] = []
  try {
    for (const [index, site] of plan.sites.entries()) sites.push(buildSite(site, plan, createSegment(loopback, index), keys))
    for (const { balancers } of sites) for (const balancer of balancers) await balancer.boot()
    const { inventory, knownHosts } = await describe(plan, sites, keys)
    await keys.keep(knownHosts)
    return run(sites, loopback, inventory, told)
  } catch (thrown) {
    await takeDown(sites, loopback)
    throw thrown
  }
}

interface BuiltSite extends ClientSite {
  readonly segment: Segment
  readonly balancers: readonly Balancer[]
  readonly backends: readonly Backend[]
  /** beside the balancers */
  readonly machines: readonly Machine[]
}

function buildSite(site: SitePlan, { checkMs }: FleetPlan, segment: Segment, keys: FleetKeys): BuiltSite {
  const spec = { clock: systemClock, segment }
  const address = (host: number): string => segment.address(host).address
  const [firstBackend] = site.backends
  const applications = createMachine({ ...spec, name: `${site.id}-servers`, address: segment.address(firstBackend?.host ?? 1) })
  const { pid } = applications.processes.spawn({ argv: ['/usr/bin/application'], exe: '/usr/bin/application' })
  const backends = site.backends.map(({ name, host }, index) => {
    if (index > 0) applications.network.addAddress(segment.address(host))
    const at = { address: address(host), port: ports.application, echoPort: null }
    return createBackend({ name, network: applications.network, clock: systemClock, pid, random: Math.random, ...at })
  })
  const balancers = site.pairs.flatMap((pair) =>
    pair.nodes.map((node) =>
      createBalancer(
        { ...spec, address: segment.address(node.host) },
        { user: keys.user.public, host: keys.hostKey(node.id) },
        node,
        { site, pair, checkMs, virtualAddress: segment.address(pair.host), address },
      ),
    ),
  )
  const machine = createMachine({ ...spec, name: `${site.id}-clients`, address: segment.address(clientsHost) })
  const [firstPair] = site.pairs
  const virtual = address(firstPair?.host ?? 1)
  const isServed = (): boolean =>
    balancers.some((each) => each.machine.network.addresses().some((own) => own.address === virtual))
  return {
    ...{ id: site.id, machine, address: virtual, isServed },
    ...{ segment, balancers, backends, machines: [applications, machine] },
  }
}

/** Where everything is this time, as the console's inventory says it. */
async function describe(
  plan: FleetPlan,
  sites: readonly BuiltSite[],
  keys: FleetKeys,
): Promise<{ inventory: Inventory; knownHosts: string[] }> {
  const knownHosts: string[] = []
  const nodes: unknown[] = []
  for (const { id: site, segment, balancers } of sites) {
    for (const { id, hostKey, machine } of balancers) {
      const own = machine.network.addresses()[0]?.address ?? ''
      const found = await segment.locate(own, ports.ssh)
      if (found === null) throw new Error(`The system lets nobody listen for ${id} at ${own}, nor at 127.0.0.1.`)
      const { address: host, port } = found
      knownHosts.push(`[${host}]:${port} ssh-ed25519 ${hostKey.toString('base64')}`)
      const access = { identityFile: keys.identityFile, knownHostsFile: keys.knownHostsFile, auth: 'key', proxyJump: 'none' }
      nodes.push({ id, name: id, site, ssh: { host, port, user: 'ops', sudo: true, ...access } })
    }
  }
  const pairs = plan.sites.flatMap((site) =>
    site.pairs.map(({ id, name, nodes: members }) => ({ id, name, nodes: members.map((node) => node.id) })),
  )
  const named = plan.sites.map(({ id, name }) => ({ id, name }))
  return { inventory: v.parse(Inventory, { version: 1, fleet: 'Practice fleet', sites: named, nodes, pairs }), knownHosts }
}

function run(sites: readonly BuiltSite[], loopback: Loopback, inventory: Inventory, told: FleetOptions['told']): OpenFleet {
  const balancers = new Map(sites.flatMap((site) => site.balancers.map((each) => [each.id, each])))
  const backends = new Map(sites.flatMap((site) => site.backends.map((each) => [each.name, each])))
  const clients = startClients(sites, Math.random)
  const board = createScenarioBoard({ balancers, backends, clients, sites: sites.map(({ id }) => id) }, systemClock.now)
  const targets = { backend: [...backends.keys()], node: [...balancers.keys()], site: sites.map(({ id }) => id) }
  const facts = (): PracticeFacts => ({ targets, scenarios: board.list(), load: clients.figures() })
  const after = (done: Promise<void>): Promise<PracticeFacts> => done.finally(() => told(facts())).then(() => facts())

  const fleet: OpenFleet = {
    ...{ inventory, balancers, backends, facts },
    do: (deed) => after(board.do(deed)),
    revert: (repair) => after(board.revert(repair)),
    async close() {
      clients.stop()
      await takeDown(sites, loopback)
    },
  }
  for (const { machine } of balancers.values()) machine.programs.install('/usr/local/bin/practice', practiceProgram(fleet))
  return fleet
}

async function takeDown(sites: readonly BuiltSite[], loopback: Loopback): Promise<void> {
  for (const { balancers, backends, machines, segment } of sites) {
    for (const backend of backends) backend.close()
    for (const balancer of balancers) await balancer.powerOff()
    for (const machine of machines) await machine.powerOff()
    await segment.close()
  }
  await loopback.close()
}

function definedOf({ nodes, servers }: PracticeSize): { nodes?: number; servers?: number } {
  return { ...(nodes === undefined ? {} : { nodes }), ...(servers === undefined ? {} : { servers }) }
}
