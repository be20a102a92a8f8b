import type { PracticeScenario, PracticeScenarioId, PracticeTargetKind } from '#contract'
import type { Backend } from '../backends/backend.ts'
import type { Balancer } from './balancer.ts'
import { haproxyFile } from './balancer.ts'
import { normalLoad, type Clients } from './clients.ts'

/** What the scenarios pull at. */
export interface Levers {
  readonly backends: ReadonlyMap<string, Backend>
  readonly balancers: ReadonlyMap<string, Balancer>
  readonly sites: readonly string[]
  readonly clients: Clients
}

export type Undo = () => Promise<void> | void

export interface Scenario {
  readonly id: PracticeScenarioId
  readonly on: PracticeTargetKind
  /** the English sentence of what it does */
  readonly text: string
  /** of two that pull at the same thing only one can be; `power` is pulled before all the others */
  readonly lever: string
  readonly value: PracticeScenario['value']
  start(levers: Levers, target: string, value: number): Promise<Undo> | Undo
}

/** A target of a scenario that is not there. */
export class NoSuchTarget extends Error {}

export const scenarios: readonly Scenario[] = [
  onBackend('backend-stop', 'presence', 'The server refuses connections, as when its program was stopped.', (backend) => {
    backend.change({ presence: 'stopped' })
    return () => backend.change({ presence: 'running' })
  }),
  onBackend(
    'backend-slow',
    'latency',
    'The server takes this much longer for every answer, health checks included.',
    (backend, latencyMs) => {
      backend.change({ latencyMs })
      return () => backend.change({ latencyMs: 0 })
    },
    { unit: 'ms', minimum: 1, maximum: 60_000, normal: 800 },
  ),
  onBackend(
    'backend-flap',
    'health',
    'The health of the server goes and comes back, each for this long.',
    (backend, seconds) => {
      backend.change({ health: 'failing', flapMs: seconds * 1000 })
      return () => backend.change({ health: 'well', flapMs: null })
    },
    { unit: 's', minimum: 1, maximum: 600, normal: 10 },
  ),
  onBackend(
    'backend-degraded',
    'health',
    'Something that the server depends on fails: it answers, and says that it is degraded.',
    (backend) => {
      backend.change({ health: 'degraded' })
      return () => backend.change({ health: 'well' })
    },
  ),
  {
    id: 'fill-pool',
    on: 'site',
    text: 'So many downloads a second, of ten seconds each, that the web servers reach their limits and clients wait in line.',
    lever: 'fill',
    value: { unit: 'per-second', minimum: 1, maximum: 100, normal: 30 },
    start: ({ clients }, site, perSecond) => clients.fill(site, perSecond),
  },
  onNode('crash-haproxy', 'haproxy', 'HAProxy is killed, and nobody starts it again.', (balancer) => {
    balancer.kill('haproxy')
    return () => balancer.start('haproxy')
  }),
  onNode('kill-keepalived', 'keepalived', 'keepalived is killed: its virtual address stays behind on the node.', (balancer) => {
    balancer.kill('keepalived')
    return () => balancer.start('keepalived')
  }),
  onNode(
    'cut-adverts',
    'adverts',
    'VRRP adverts of the node are lost both ways: two nodes believe they are master.',
    ({ machine }) => {
      machine.network.setAdvertsBlocked(true)
      return () => machine.network.setAdvertsBlocked(false)
    },
  ),
  onNode('ssh-refuse', 'ssh', 'The SSH port of the node is closed, and every connection is cut.', (balancer) => {
    balancer.setSshFault('refuse')
    return () => balancer.setSshFault(null)
  }),
  onNode('ssh-hang', 'ssh', 'SSH connections to the node stand, and nothing ever answers.', (balancer) => {
    balancer.setSshFault('hang')
    return () => balancer.setSshFault(null)
  }),
  onNode('ssh-new-key', 'ssh', 'The node shows another host key, as if it were another machine.', (balancer) => {
    balancer.setForeignHostKey(true)
    return () => balancer.setForeignHostKey(false)
  }),
  onNode('power-off', 'power', 'The power cable of the node is pulled.', async (balancer) => {
    await balancer.powerOff()
    return () => balancer.boot()
  }),
  onNode('hand-edit', 'file', 'Somebody lowers a weight in haproxy.cfg on the node, reloads, and tells nobody.', (balancer) => {
    const { files } = balancer.machine
    const before = files.read(haproxyFile)
    const edited = before.toString('utf8').replace(/ weight 100(?= )/, ' weight 10')
    files.write(haproxyFile, `${edited}# weight of the first one lowered by hand, 3 am, see me\n`)
    balancer.reloadHaproxy()
    const left = files.read(haproxyFile)
    return async () => {
      // What somebody else wrote since is theirs.
      if (!files.read(haproxyFile).equals(left)) return
      files.write(haproxyFile, before)
      balancer.reloadHaproxy()
    }
  }),
  {
    id: 'load',
    on: 'fleet',
    text: 'Clients ask this often, over all sites, through the virtual addresses.',
    lever: 'load',
    value: { unit: 'per-second', minimum: 0, maximum: 500, normal: normalLoad.perSecond },
    start({ clients }, _target, perSecond) {
      clients.setRate(perSecond)
      return () => clients.setRate(normalLoad.perSecond)
    },
  },
  {
    id: 'sticky-share',
    on: 'fleet',
    text: 'This share of the requests comes from clients that keep their cookies.',
    lever: 'sticky',
    value: { unit: 'percent', minimum: 0, maximum: 100, normal: normalLoad.stickyPercent },
    start({ clients }, _target, percent) {
      clients.setStickyPercent(percent)
      return () => clients.setStickyPercent(normalLoad.stickyPercent)
    },
  },
]

function onBackend(
  id: PracticeScenarioId,
  lever: string,
  text: string,
  start: (backend: Backend, value: number) => Undo,
  value: Scenario['value'] = null,
): Scenario {
  return {
    ...{ id, on: 'backend', text, lever, value },
    start({ backends }, target, figure) {
      const backend = backends.get(target)
      if (backend === undefined) throw new NoSuchTarget(`The practice fleet has no server "${target}".`)
      return start(backend, figure)
    },
  }
}

/** While the power is off nothing else can happen to a node, nor be undone: it boots as it was. */
function onNode(
  id: PracticeScenarioId,
  lever: string,
  text: string,
  start: (balancer: Balancer) => Promise<Undo> | Undo,
): Scenario {
  return {
    ...{ id, on: 'node', text, lever, value: null },
    start({ balancers }, target) {
      const balancer = balancers.get(target)
      if (balancer === undefined) throw new NoSuchTarget(`The practice fleet has no balancer "${target}".`)
      if (!balancer.isOn) throw new NoSuchTarget(`${target} has no power. Revert "power-off" first.`)
      return start(balancer)
    },
  }
}
