/**
 * Whole drills of pairs that are made otherwise than the lab's: `nopreempt`, three members, two virtual routers in a sync group, multicast, IPv6,
 * version 3 with adverts five times a second, a site of two that is lost. Two of them always; EVENKEEL_EXHAUSTIVE=1: all.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrillView, FaultKind, NodeId, PairId, RouterId } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const exhaustive = process.env['EVENKEEL_EXHAUSTIVE'] === '1'
const file = '/etc/keepalived/keepalived.conf'
const vip6 = 'fd51::10'
const roomMs = exhaustive ? 150 : 1500

let lab: Lab
let place: Workplace
let console: ConsoleOnLab

const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })).stdout

interface Member {
  node: string
  priority: number
}
/** One vrrp_instance as text; `more`: what differs from a plain one. */
const instance = (name: string, { priority }: Member, address: string, more = ''): string =>
  `vrrp_instance ${name} {\n state BACKUP\n interface eth0\n virtual_router_id 51\n priority ${priority}\n${more}\n virtual_ipaddress {\n ${address}\n }\n}\n`

interface Topology {
  what: string
  members: Member[]
  text: (member: Member) => string
  fault: FaultKind
  /** whose virtual router, and which address */
  router?: { name: string; host: string }
  /** what the plan says otherwise */
  plan?: (text: string) => string
  /** who holds the address while the fault stands, and who in the end */
  moves: { to: string; back: string }
  always?: true
}

const two: Member[] = [
  { node: 'lb1', priority: 150 },
  { node: 'lb2', priority: 100 },
]
const three: Member[] = [...two, { node: 'lb3', priority: 50 }]
const edge = (): string => `${lab.topology.vips.edge}/24`
const fast = ' version 3\n advert_int 0.2'
const group = 'vrrp_sync_group EDGE {\n group {\n VI_EDGE\n VI_EDGE6\n }\n}\n'
const both = (member: Member): string =>
  group + instance('VI_EDGE', member, edge(), fast) + instance('VI_EDGE6', member, `${vip6}/64`, fast)

const topologies: Topology[] = [
  {
    what: 'three members, by multicast',
    members: three,
    text: (member) => instance('VI_EDGE', member, edge()),
    fault: 'keepalived-stop',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'three members, by multicast',
    members: three,
    text: (member) => instance('VI_EDGE', member, edge()),
    fault: 'priority-drop',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'two virtual routers in a sync group, version 3 with fast adverts',
    members: two,
    text: both,
    fault: 'link-down',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'the address of version 6 of a sync group, version 3 with fast adverts',
    members: two,
    text: both,
    router: { name: 'VI_EDGE6', host: vip6 },
    fault: 'keepalived-stop',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'three members, two of them in a site that is lost',
    members: three,
    text: (member) => instance('VI_EDGE', member, edge()),
    fault: 'site-loss',
    moves: { to: 'lb3', back: 'lb1' },
    always: true,
  },
  {
    what: 'members that never take the address back',
    members: two,
    text: (member) => instance('VI_EDGE', member, edge(), ' nopreempt'),
    fault: 'keepalived-stop',
    moves: { to: 'lb2', back: 'lb1' },
    always: true,
  },
]

const holders = async (host: string): Promise<string[]> => {
  const all = ['lb1', 'lb2', 'lb3']
  const held = await Promise.all(all.map((node) => onNode(node, `ip -o addr show dev eth0 to ${host}`)))
  return all.filter((_, index) => held[index] !== '')
}

/** A third member has to be worth of it: what lb1 serves, it serves. */
async function serveLikeLb1(node: string): Promise<void> {
  const folders = ['haproxy', 'nginx']
  const kept = (await lab.exec('lb1', ['sh', '-c', `tar -C /etc -czf - ${folders.join(' ')} | base64`])).stdout
  const put = `rm -rf /etc/haproxy/* /etc/nginx/*; base64 -d | tar -C /etc -xzf -; kill -USR2 $(cat /run/haproxy.pid); nginx -s reload`
  await lab.exec(node, ['sh', '-c', put], { stdin: kept })
}

async function drilled({ fault, router: named, plan = (text) => text }: Topology): Promise<DrillView> {
  const router = `edge/${named?.name ?? 'VI_EDGE'}` as RouterId
  const { text } = await console.client.call('drills.template', { router, fault, port: 80 })
  const edited = text
    .replace(/from:\n +- \w+/, 'from:\n    - lb4')
    .replace(/forMs: \d+/, 'forMs: 2000')
    .replace(/failedPercent: 0$/m, 'failedPercent: 20')
    .replace(/p99Ms: \d+/, 'p99Ms: 2000')
    .replace('otherAlarm: true', 'otherAlarm: false')
  const check = await console.client.call('drills.check', { text: plan(edited) })
  expect(check.obstacles.filter(({ blocking }) => blocking)).toEqual([])
  const { id } = await console.client.call('drills.start', { text: plan(edited), reason: 'topology' })
  let view: DrillView | undefined
  await waitUntil('the drill has ended', 180_000, async () => {
    view = await console.client.call('drills.get', { drill: id })
    return view.record.endedAt !== null
  })
  return view ?? expect.fail('no drill')
}

describeLab('drills of pairs of every kind', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await onNode('lb4', 'ip -6 addr replace fd51::4/64 dev eth0 nodad')
  }, 120_000)
  beforeEach(async () => {
    await lab.restoreAll()
    // an address of version 6 has to be answered as well
    for (const node of ['lb1', 'lb2']) {
      await onNode(
        node,
        "sed -i 's/bind \\*:80$/bind :::80 v4v6/' /etc/haproxy/haproxy.cfg; kill -USR2 $(cat /run/haproxy.pid)",
      )
    }
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterEach(async () => {
    await console?.close()
    place.clear()
  })
  afterAll(async () => {
    await onNode('lb4', 'ip -6 addr del fd51::4/64 dev eth0')
    await lab?.restoreAll()
  }, 120_000)

  it.each(topologies.filter(({ always }) => exhaustive || always === true))(
    '$what: $fault is measured as predicted, and all is as before',
    { retry: exhaustive ? 0 : 2, timeout: 240_000 },
    async (topology) => {
      const { members, text, moves, router } = topology
      const host = router?.host ?? lab.topology.vips.edge
      for (const node of ['lb1', 'lb2', 'lb3']) await lab.stopService(node, 'keepalived')
      for (const member of members) {
        const { node } = member
        await lab.exec(node, ['sh', '-c', `cat > ${file}`], { stdin: text(member) })
        if (node === 'lb3') await serveLikeLb1(node)
        await lab.startService(node, 'keepalived')
        await waitUntil(`lb1 holds ${host}`, 30_000, async () => (await holders(host)).join() === 'lb1')
      }
      console = await openConsole(place)
      if (members.length > 2) {
        await console.client.call('inventory.removePair', { pair: 'core' as PairId })
        await console.client.call('inventory.putPair', { id: 'edge' as PairId, name: 'edge', nodes: members.map(({ node }) => node as NodeId) }) // prettier-ignore
      }
      await console.client.call('fleet.refresh', {})

      const { record } = await drilled(topology)
      expect(record, record.said).toMatchObject({ ending: 'time', restored: true, differences: [] })
      const { takeover, to } = record.prediction
      const due = record.lastAdvert ?? expect.fail('no advert was heard')
      expect(due.heardBy).toBe(moves.to)
      expect(Math.abs((record.takeoverMs ?? Infinity) - due.dueMs)).toBeLessThan(150 + roomMs)
      expect(to).toBe(moves.to)
      expect(record.takeoverMs).toBeGreaterThan((takeover?.earliestMs ?? 0) - 50)
      expect(record.takeoverMs).toBeLessThan((takeover?.latestMs ?? 0) + roomMs)
      expect(await holders(host)).toEqual([moves.back])
    },
  )
})
