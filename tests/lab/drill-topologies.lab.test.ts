/**
 * Whole drills of pairs that are made otherwise than the lab's: `nopreempt`, three members, two virtual routers in a sync group, multicast, IPv6,
 * version 3 with adverts five times a second, a site of two that is lost. The site always; EVENKEEL_EXHAUSTIVE=1: all.
 */
import { resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrillRecord, DrillView, FaultKind, RouterId } from '#contract'
import { exhaustive } from '../exhaustive.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { tryRun, waitUntil } from './run.ts'
import { holdersOf, instanceText, makeMembers, tellMembers, threeMembers, twoMembers, type Member } from './vrrp-members.ts'

const child = resolve(import.meta.dirname, 'drill-child.ts')
const vip6 = 'fd51::10'
const roomMs = exhaustive ? 150 : 1500

let lab: Lab
let place: Workplace
let console: ConsoleOnLab

const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })).stdout

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

const edge = (): string => `${lab.topology.vips.edge}/24`
const fast = ' version 3\n advert_int 0.2'
const group = 'vrrp_sync_group EDGE {\n group {\n VI_EDGE\n VI_EDGE6\n }\n}\n'
const both = (member: Member): string =>
  group + instanceText('VI_EDGE', member, edge(), fast) + instanceText('VI_EDGE6', member, `${vip6}/64`, fast)

const topologies: Topology[] = [
  {
    what: 'three members, by multicast',
    members: threeMembers,
    text: (member) => instanceText('VI_EDGE', member, edge()),
    fault: 'keepalived-stop',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'three members, by multicast',
    members: threeMembers,
    text: (member) => instanceText('VI_EDGE', member, edge()),
    fault: 'priority-drop',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'two virtual routers in a sync group, version 3 with fast adverts',
    members: twoMembers,
    text: both,
    fault: 'link-down',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'the address of version 6 of a sync group, version 3 with fast adverts',
    members: twoMembers,
    text: both,
    router: { name: 'VI_EDGE6', host: vip6 },
    fault: 'keepalived-stop',
    moves: { to: 'lb2', back: 'lb1' },
  },
  {
    what: 'three members, two of them in a site that is lost',
    members: threeMembers,
    text: (member) => instanceText('VI_EDGE', member, edge()),
    fault: 'site-loss',
    moves: { to: 'lb3', back: 'lb1' },
    always: true,
  },
  {
    what: 'members that never take the address back',
    members: twoMembers,
    text: (member) => instanceText('VI_EDGE', member, edge(), ' nopreempt'),
    fault: 'keepalived-stop',
    moves: { to: 'lb2', back: 'lb1' },
  },
]

/** Of a drill that loses a site: with nothing done, with one of two faults, with both, and on the way back. */
const siteKillPoints = [
  'lb2 fault made',
  'lb2 fault leaving',
  'lb1 fault leaving',
  'lb1 fault made',
  'lb1 taking back',
  'lb2 taking back',
]

const holders = (host: string): Promise<string[]> => holdersOf(lab, host)

/** A pair like this, and what Evenkeel knows of it. */
async function make({ members, text, router }: Topology): Promise<void> {
  const host = router?.host ?? lab.topology.vips.edge
  await makeMembers(lab, members, text, host)
  console = await openConsole(place)
  await tellMembers(console, members)
}

async function planFor({ fault, router: named, plan = (text) => text }: Topology): Promise<string> {
  const router = `edge/${named?.name ?? 'VI_EDGE'}` as RouterId
  const { text } = await console.client.call('drills.template', { router, fault, port: 80 })
  const edited = text
    .replace(/from:\n +- \w+/, 'from:\n    - lb4')
    .replace(/forMs: \d+/, 'forMs: 2000')
    .replace(/failedPercent: 0$/m, 'failedPercent: 20')
    .replace(/p99Ms: \d+/, 'p99Ms: 2000')
    .replace('otherAlarm: true', 'otherAlarm: false')
  return plan(edited)
}

async function drilled(topology: Topology): Promise<DrillView> {
  const text = await planFor(topology)
  const check = await console.client.call('drills.check', { text })
  expect(check.obstacles.filter(({ blocking }) => blocking)).toEqual([])
  const { id } = await console.client.call('drills.start', { text, reason: 'topology' })
  return ended(id)
}

async function ended(id: DrillRecord['id']): Promise<DrillView> {
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
      const { moves, router } = topology
      const host = router?.host ?? lab.topology.vips.edge
      await make(topology)
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

  it.runIf(exhaustive).each(siteKillPoints)(
    'a site that is lost comes back by itself when the console is killed at "%s"',
    { timeout: 240_000 },
    async (point) => {
      const topology = topologies.find(({ fault }) => fault === 'site-loss') ?? expect.fail('no site is lost')
      await make(topology)
      const plan = (await planFor(topology)).replace(/guardMs: \d+/, 'guardMs: 8000')
      await console.close()
      const { stdout } = await tryRun([...place.node, child, place.home, place.dataFolder, point, plan], { timeoutMs: 180_000 })
      expect(stdout.trim().split('\n').at(-1)).toBe(point)
      for (const node of ['lb1', 'lb2']) {
        await waitUntil(`${node} has taken it back by itself`, 18_000, async () =>
          ['', '0'].includes((await onNode(node, 'cat /var/lib/evenkeel/drill/done 2>/dev/null || ls -d /var/lib/evenkeel/drill 2>/dev/null')).trim()),
        ) // prettier-ignore
      }
      await waitUntil('lb1 holds it', 30_000, async () => (await holders(lab.topology.vips.edge)).join() === 'lb1')
      console = await openConsole(place)
      const [drill] = await console.client.call('drills.list', { limit: 1 })
      const { record } = await ended(drill?.id ?? expect.fail('the drill is not known any more'))
      expect(record, record.said).toMatchObject({ ending: 'interrupted', restored: true, differences: [] })
      for (const node of ['lb1', 'lb2']) expect(await onNode(node, 'ls -d /var/lib/evenkeel/drill 2>/dev/null')).toBe('')
    },
  )
})
