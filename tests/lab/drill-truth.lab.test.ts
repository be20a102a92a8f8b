/**
 * What drills measure, held against packets that were captured on the link of the vantage, and against the arithmetic once it is known when the
 * last advert was sent. One fault of each pair always; EVENKEEL_EXHAUSTIVE=1: every fault five times, and the table.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FaultKind, type DrillView, type NodeId, type RouterId } from '#contract'
import { longestGap, type Probe } from '../../src-main/domain/drill/outage.ts'
import { exhaustive } from '../exhaustive.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { namespaceOf } from './network.ts'
import { waitUntil } from './run.ts'
import { instanceText, makeMembers, tellMembers, threeMembers, type Member } from './vrrp-members.ts'

const runs = exhaustive ? 5 : 1
/** of what a capture on the link says */
const allowedMs = 25
/** of the arithmetic, once the last advert is known */
const allowedOfTheoryMs = 150
/** A probe that has waited this long has failed, and waits no more (app/drills/watch-drill.ts). */
const probeTimeoutMs = 1000
/** a machine that does other things beside adds to both */
const roomMs = exhaustive ? 0 : 500

interface Lane {
  pair: 'edge' | 'core'
  holder: string
  /** of the other pair, where no fault is put */
  vantage: NodeId
  fault: FaultKind
}
const lanes: Lane[] = [
  { pair: 'edge', holder: 'lb1', vantage: 'lb4' as NodeId, fault: 'keepalived-stop' },
  { pair: 'core', holder: 'lb3', vantage: 'lb2' as NodeId, fault: 'link-down' },
]
/** Where both members are lost there is nothing to measure: a lost site has a case of its own. */
const faultsOfPairs = FaultKind.options.filter((kind) => kind !== 'site-loss')
/** Nothing but the master down timer of the standby decides when it takes over. */
const byTimerAlone: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'priority-drop',
  'keepalived-kill',
  'adverts-blocked',
  'link-down',
  'isolate',
  'site-loss',
])

let lab: Lab
let place: Workplace
let console: ConsoleOnLab

/** Packets that a machine's link carries, as tcpdump prints them, until it is ended. */
async function capture(machine: string, filter: string): Promise<() => Promise<string[]>> {
  const args = ['-i', 'eth0', '-n', '-tt', '-l', '--immediate-mode', filter]
  const child = spawn('nsenter', [`--net=/run/netns/${namespaceOf(lab.instance, machine)}`, '--', 'tcpdump', ...args])
  const closed = once(child, 'close')
  let [said, complained] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString()))
  await waitUntil('tcpdump listens', 20_000, () => complained.includes('listening on'))
  return async () => {
    child.kill('SIGINT')
    await closed
    return said.split('\n').filter((line) => /^\d/.test(line))
  }
}
const timeOf = (line: string): number => Number(line.slice(0, line.indexOf(' '))) * 1000

/**
 * Good answers to those who still waited for them, from a capture of these and of what opened their connections. A balancer that hung answers
 * afterwards also whoever has given up; and connections that were kept open answer many times.
 */
function goodAnswers(lines: readonly string[]): Probe[] {
  const openedAt = new Map<string, number>()
  const good: Probe[] = []
  for (const line of lines) {
    const at = timeOf(line)
    const [, from = '', to = ''] = /IP [\d.]+\.(\d+) > [\d.]+\.(\d+):/.exec(line) ?? []
    if (line.includes('Flags [S]')) openedAt.set(from, openedAt.get(from) ?? at)
    else if (at - (openedAt.get(to) ?? -Infinity) < probeTimeoutMs) {
      openedAt.delete(to)
      good.push({ at, tookMs: 0, ok: true })
    }
  }
  return good
}

async function planFor({ pair, vantage }: Lane, fault: FaultKind): Promise<string> {
  const router = `${pair}/VI_${pair.toUpperCase()}` as RouterId
  const { text } = await console.client.call('drills.template', { router, fault, port: 80 })
  return text
    .replace('kind: tcp', 'kind: http')
    .replace(/from:\n +- \w+/, `from:\n    - ${vantage}`)
    .replace(/forMs: \d+/, 'forMs: 2000')
    .replace(/failedPercent: 0$/m, 'failedPercent: 20')
    .replace(/p99Ms: \d+/, 'p99Ms: 2000')
    .replace(/otherAlarm: true/, 'otherAlarm: false')
}

async function drilled(lane: Lane, fault: FaultKind): Promise<DrillView> {
  await console.client.call('fleet.refresh', {})
  const { id } = await console.client.call('drills.start', { text: await planFor(lane, fault), reason: 'truth' })
  let view: DrillView | undefined
  await waitUntil('the drill has ended', 180_000, async () => {
    view = await console.client.call('drills.get', { drill: id })
    return view.record.endedAt !== null
  })
  return view ?? expect.fail('no drill')
}

/** One drill beside its captures; answers a row of the table. */
async function compare(lane: Lane, fault: FaultKind): Promise<string> {
  const vip = lab.topology.vips[lane.pair]
  await waitUntil(
    `${lane.holder} holds ${lane.pair}`,
    60_000,
    async () => (await lab.holders(lane.pair)).join() === lane.holder,
  )
  const goodAnswer = 'tcp[((tcp[12]&0xf0)>>2):4] = 0x48545450 and tcp[((tcp[12]&0xf0)>>2)+9] = 0x32'
  const asked = `dst host ${vip} and tcp dst port 80 and tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn`
  const answers = await capture(lane.vantage, `(src host ${vip} and tcp src port 80 and ${goodAnswer}) or (${asked})`)
  const adverts = await capture(lane.holder, `ip proto 112 and src host ${lab.node(lane.holder).data}`)
  const { record } = await drilled(lane, fault)
  const [lines, sent] = [await answers(), await adverts()]
  expect(record, record.said).toMatchObject({ restored: true, differences: [] })
  const { injectedAt, revertedAt, takeoverMs, prediction, figures } = record
  if (injectedAt === null || revertedAt === null) return expect.fail(`there was no fault: ${record.said}`)

  const good = goodAnswers(lines)
  const truth = longestGap(good, injectedAt, revertedAt)?.ms ?? expect.fail('nothing was answered')
  const measured = figures[0]?.outageMs ?? expect.fail('nothing was measured')
  expect(Math.abs(measured - truth), `${fault}: measured ${measured} ms, on the wire ${truth} ms`).toBeLessThan(
    allowedMs + roomMs,
  )

  let theory: number | null = null
  if (takeoverMs !== null && prediction.takeover !== null) {
    expect(takeoverMs, fault).toBeGreaterThan(prediction.takeover.earliestMs - allowedMs - roomMs)
    expect(takeoverMs, fault).toBeLessThan(prediction.takeover.latestMs + allowedMs + 5 * roomMs)
    // the last that the standby took: a fault takes some milliseconds until it is in force
    const full = / prio (\d+)/.exec(sent[0] ?? '')?.[0] ?? expect.fail('no advert was sent')
    const taken = sent.filter((line) => line.includes(`${full},`)).map(timeOf)
    const last = taken.findLast((at) => at < injectedAt + takeoverMs) ?? injectedAt
    const part = (phase: string): number => prediction.phases.find((each) => each.phase === phase)?.latestMs ?? 0
    if (byTimerAlone.has(fault)) theory = part('detection') + part('election') - (injectedAt - last)
    if (theory !== null)
      expect(Math.abs(takeoverMs - theory), `${fault}, to the advert`).toBeLessThan(allowedOfTheoryMs + roomMs)
  }
  const text = (ms: number | null): string => (ms === null ? '–' : ms.toFixed(0))
  const predicted =
    prediction.takeover === null ? '–' : `${text(prediction.takeover.earliestMs)} to ${text(prediction.takeover.latestMs)}`
  return `| ${fault} | ${text(truth)} | ${text(measured)} | ${predicted} | ${text(theory)} | ${text(takeoverMs)} | ${record.verdict ?? ''} |`
}

describeLab('what drills measure', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    await lab.exec('lb4', ['sh', '-c', "echo 'ops ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/drill"])
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    console = await openConsole(place)
  }, 120_000)
  afterAll(async () => {
    await console?.close()
    place?.clear()
    await lab.exec('lb4', ['rm', '-f', '/etc/sudoers.d/drill'])
    await lab?.restoreAll()
  }, 120_000)

  it.concurrent.each(lanes)(
    'of the $pair pair is what the wire shows, and what the arithmetic says',
    { retry: exhaustive ? 0 : 2, timeout: exhaustive ? 3_600_000 : 180_000 },
    async (lane) => {
      const failures: string[] = []
      for (const fault of exhaustive ? faultsOfPairs : [lane.fault]) {
        for (let run = 1; run <= runs; run += 1) {
          const row = await compare(lane, fault).catch((error: Error) => (failures.push(`${lane.pair}, run ${run}: ${error.message}`), `| ${fault} | ${error.message.split('\n')[0] ?? ''} |`)) // prettier-ignore
          if (exhaustive) process.stdout.write(`${row}\n`)
        }
      }
      expect(failures).toEqual([])
    },
  )

  it.runIf(exhaustive)(
    'of a site that is lost, with a third member elsewhere, is the same',
    async () => {
      const text = (member: Member): string => instanceText('VI_EDGE', member, `${lab.topology.vips.edge}/24`)
      await makeMembers(lab, threeMembers, text, lab.topology.vips.edge)
      await tellMembers(console, threeMembers)
      const lane: Lane = { pair: 'edge', holder: 'lb1', vantage: 'lb4' as NodeId, fault: 'site-loss' }
      for (let run = 1; run <= runs; run += 1) process.stdout.write(`${await compare(lane, lane.fault)}\n`)
    },
    3_600_000,
  )
})
