/**
 * A drill whose console is killed, whose network is cut, or whose node loses its sshd, at the points that it passes. Two points of each pair are
 * tried always; EVENKEEL_EXHAUSTIVE=1 takes every point in all three ways and prints the table.
 */
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DrillRecord } from '#contract'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import { createFaultAdmin } from '../../src-main/drivers/linux/faults/fault-admin.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { exhaustive } from '../exhaustive.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { numbered, passFaults } from './kill-points.ts'
import { ensureLab, type Lab } from './lab.ts'
import { openSessions, type LabSessions } from './lab-sessions.ts'
import { namespaceOf } from './network.ts'
import { insideNode } from './node.ts'
import { tryRun, waitUntil } from './run.ts'

const child = resolve(import.meta.dirname, 'drill-child.ts')
const guardMs = 8000
/** the guard looks five times a second, and the commands take their time on a busy machine */
const restoredWithinMs = guardMs + 10_000
const waitMs = 60_000

const ways = ['killed', 'cut off', 'without sshd'] as const
interface Case {
  point: string
  way: (typeof ways)[number]
}
interface Lane {
  pair: 'edge' | 'core'
  /** who holds the address, and who takes it over */
  nodes: [string, string]
  cases: Case[]
}
const lanes: Lane[] = [
  {
    pair: 'edge',
    nodes: ['lb1', 'lb2'],
    cases: [
      { point: 'lb1 fault leaving', way: 'killed' },
      { point: 'lb1 fault made', way: 'without sshd' },
    ],
  },
  {
    pair: 'core',
    nodes: ['lb3', 'lb4'],
    cases: [
      { point: 'lb3 fault made', way: 'killed' },
      { point: 'lb3 taking back', way: 'cut off' },
    ],
  },
]

let lab: Lab
let sessions: LabSessions
/** A data folder into which the inventory was imported; every console works on a copy of it. */
let template: Workplace
const faults = createFaultAdmin({ clock: systemClock })

const limits = (): AdminLimits => ({ signal: new AbortController().signal, timeoutMs: 60_000, record: () => undefined })
const planFor = ({ pair, nodes }: Lane): string => `
name: crash test of ${pair}
hypothesis: The other member takes over.
router: ${pair}/VI_${pair.toUpperCase()}
fault: { kind: priority-drop }
probe: { host: ${lab.topology.vips[pair]}, port: 80, from: [${nodes[1]}] }
steadyState: { forMs: 1000, failedPercent: 20, p99Ms: 2000 }
expect: { moves: true, outageMs: 1000 }
abort: { outageMs: 20000 }
holdMs: 5000
guardMs: ${guardMs}
`
const holderIs = ({ pair, nodes: [one] }: Lane): Promise<void> =>
  waitUntil(`${one} holds ${pair}`, waitMs, async () => (await lab.holders(pair)).join() === one)
const snapshotOf = async (node: string): Promise<Record<string, string>> =>
  faults.snapshot(await sessions.to(node, { ...limits(), force: true }), limits())
const onNode = async (node: string, script: string): Promise<string> =>
  (await lab.exec(node, ['sh', '-c', script], { timeoutMs: 30_000 })).stdout.trim()

function atOnce(argv: readonly [string, ...string[]]): void {
  const [program, ...args] = argv
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`)
}
const cable = (node: string, state: 'up' | 'down'): void =>
  atOnce(['ip', '-n', namespaceOf(lab.instance, 'sw'), 'link', 'set', `${node}-eth1`, state])
const sshd = (node: string, verb: 'start' | 'stop'): void =>
  atOnce(insideNode(lab.instance, node, ['/lab/service', 'sshd', verb]))

/** Runs a console that drills, until it ends or is killed. Answers the points that it passed. */
async function drillUntil(place: Workplace, lane: Lane, point: string): Promise<string[]> {
  const argv = [...place.node, child, place.home, place.dataFolder, point, planFor(lane)] as const
  const { stdout, stderr } = await tryRun(argv, { timeoutMs: 180_000 })
  const points = stdout.trim().split('\n')
  if (point !== '') expect(points.at(-1), `the last point it passed\n${stderr}`).toBe(point)
  return points
}

/** The node goes back without any console: no fault stands there. */
async function restoredByItself(lane: Lane): Promise<void> {
  const done = 'cd /var/lib/evenkeel/drill 2>/dev/null || exit 0; cat done 2>/dev/null || echo stands'
  await waitUntil('the node has taken it back by itself', restoredWithinMs, async () =>
    ['', '0'].includes(await onNode(lane.nodes[0], done)),
  )
  await holderIs(lane)
}

async function lastDrill({ client }: ConsoleOnLab): Promise<DrillRecord | undefined> {
  let drill: DrillRecord | undefined
  await waitUntil('the drill has ended', 2 * waitMs, async () => {
    drill = (await client.call('drills.list', { limit: 1 }))[0]
    return drill === undefined || drill.endedAt !== null
  })
  await waitUntil('no job is left', waitMs, async () =>
    (await client.call('job.list', { limit: 10 })).every(({ state }) => state === 'ended'),
  )
  const told = drill === undefined ? [] : await client.call('history.list', { limit: 50, subject: drill.id })
  const kinds = told.map(({ kind }) => kind).filter((kind) => kind.startsWith('drill.'))
  expect(kinds.sort(), 'told once').toEqual(drill === undefined ? [] : ['drill.ended', 'drill.started'])
  return drill
}

/** The console is killed, and the next one finds what there is. */
async function killed(place: Workplace, lane: Lane, point: string): Promise<DrillRecord | undefined> {
  const points = await drillUntil(place, lane, point)
  await restoredByItself(lane)
  const next = await openConsole(place)
  try {
    const drill = await lastDrill(next)
    expect(drill === undefined, 'there is no drill only where it had not been written down').toBe(point === 'drill.started')
    const made = points.includes(`${lane.nodes[0]} fault made`)
    if (drill !== undefined) expect(drill.injectedAt !== null, 'it says whether there was a fault').toBe(made)
    return drill
  } finally {
    await next.close()
  }
}

/** What the console, or the node, loses at a point comes back when the node must have gone back by itself. */
async function lost(place: Workplace, lane: Lane, { point, way }: Case): Promise<DrillRecord | undefined> {
  const [node] = lane.nodes
  const act = way === 'cut off' ? { lose: () => cable(node, 'down'), mend: () => cable(node, 'up') } : { lose: () => sshd(node, 'stop'), mend: () => sshd(node, 'start') } // prettier-ignore
  let isLost = false
  const pass = numbered((passed) => {
    if (passed !== point || isLost) return
    isLost = true
    act.lose()
  })
  const console = await openConsole(place, { faults: passFaults(faults, pass) })
  try {
    await console.client.call('fleet.refresh', {})
    await console.client.call('drills.start', { text: planFor(lane), reason: 'crash test' })
    await waitUntil('it comes so far', waitMs, () => isLost)
    await new Promise((resolve) => setTimeout(resolve, guardMs))
    await restoredByItself(lane)
    act.mend()
    return await lastDrill(console)
  } finally {
    if (isLost) act.mend()
    await console.close()
  }
}

/** Answers what the record says in the end. */
async function check(lane: Lane, each: Case): Promise<string> {
  const place = makeWorkplace()
  cpSync(template.dataFolder, place.dataFolder, { recursive: true })
  try {
    const before = await Promise.all(lane.nodes.map(snapshotOf))
    const drill = each.way === 'killed' ? await killed(place, lane, each.point) : await lost(place, lane, each)
    expect(await Promise.all(lane.nodes.map(snapshotOf)), 'the pair is as it was').toEqual(before)
    expect(
      await onNode(lane.nodes[0], "ls -d /var/lib/evenkeel/drill 2>/dev/null; ps -eo args | grep 'drill/[g]uard.sh'"),
    ).toBe('')
    if (drill !== undefined) expect(drill).toMatchObject({ restored: true, differences: [] })
    return drill === undefined ? 'no drill' : `${drill.ending}: ${drill.said}`
  } finally {
    place.clear()
    await holderIs(lane)
  }
}

/** The first of two lanes takes one half, the other the rest. */
async function everyCase(lane: Lane, half: number): Promise<Case[]> {
  const place = makeWorkplace()
  cpSync(template.dataFolder, place.dataFolder, { recursive: true })
  const all = await drillUntil(place, lane, '')
  place.clear()
  const points = all.slice(all.indexOf('drill.started'))
  const cases = ways.flatMap((way) =>
    points
      .filter((point) => way === 'killed' || (point.startsWith(`${lane.nodes[0]} `) && !point.includes('journaled')))
      .map((point) => ({ point, way })),
  )
  return cases.filter((_, index) => index % lanes.length === half)
}

describeLab('a drill that is cut short', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    sessions = openSessions(lab, { user: 'root' })
    template = makeWorkplace()
    const imported = await template.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    // an ordinary account, which may do all by sudo
    await lab.exec('lb4', ['sh', '-c', "echo 'ops ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/drill"])
    for (const lane of lanes) await holderIs(lane)
  }, 120_000)
  afterAll(async () => {
    template.clear()
    await sessions.close()
    await lab.exec('lb4', ['rm', '-f', '/etc/sudoers.d/drill'])
    await lab.restoreAll()
  }, 120_000)

  it.concurrent.each(lanes.map((lane, half) => ({ ...lane, half })))(
    "leaves the $pair pair as it was, within its guard's time, and the console knows",
    async ({ half, ...lane }) => {
      const failures: string[] = []
      for (const each of exhaustive ? await everyCase(lane, half) : lane.cases) {
        const said = await check(lane, each).catch(
          (error: Error) => (failures.push(`${each.point}, ${each.way}: ${error.message}`), error.message),
        )
        if (exhaustive) process.stdout.write(`| ${each.point} | ${each.way} | ${said} |\n`)
      }
      expect(failures).toEqual([])
    },
    exhaustive ? 3_600_000 : 300_000,
  )
})
