/** Abort rules on real pairs: how long after their condition the fault is taken back; a split brain is seen, named and ended. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DrillView, FaultKind, NodeId, RouterId } from '#contract'
import { exhaustive } from '../exhaustive.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const runs = exhaustive ? 5 : 1
/** What another test does to the machine meanwhile is no rule's fault: it is tried again. */
const retry = exhaustive ? 0 : 2
/** after its condition */
const withinMs = 250
const roomMs = exhaustive ? 0 : 750
/** what the plans allow of either */
const allowedMs = 1500

let lab: Lab
let place: Workplace
let console: ConsoleOnLab

async function aborted(
  pair: 'edge' | 'core',
  fault: FaultKind,
  vantage: string,
): Promise<{ view: DrillView; named: Set<string> }> {
  const router = `${pair}/VI_${pair.toUpperCase()}` as RouterId
  await console.client.call('fleet.refresh', {})
  const { text } = await console.client.call('drills.template', { router, fault, port: 80 })
  const plan = text
    .replace('kind: tcp', 'kind: http')
    .replace(/from:\n +- \w+/, `from:\n    - ${vantage}`)
    .replace(/forMs: \d+/, 'forMs: 2000')
    .replace(/failedPercent: 0$/m, 'failedPercent: 20')
    .replace(/p99Ms: \d+/, 'p99Ms: 2000')
    .replace(/holdMs: \d+/, 'holdMs: 60000')
    .replace(/(abort:\n +outageMs): \d+/, `$1: ${allowedMs}`)
    .replace(/twoOwnersMs: \d+/, `twoOwnersMs: ${allowedMs}`)
    .replace('otherAlarm: true', 'otherAlarm: false')
  const { id } = await console.client.call('drills.start', { text: plan, reason: 'abort' })
  const named = new Set<string>()
  let view: DrillView | undefined
  await waitUntil('the drill has ended', 120_000, async () => {
    for (const { kind, router: of } of (await console.snapshot()).problems) if (of === router) named.add(kind)
    view = await console.client.call('drills.get', { drill: id })
    return view.record.endedAt !== null
  })
  return { view: view ?? expect.fail('no drill'), named }
}

/** The fault was taken back soon after the condition, and all is as before. */
function expectSoon(rule: string, { record, events }: DrillView, conditionAt: number): void {
  expect(record, record.said).toMatchObject({ ending: 'abort', restored: true, differences: [] })
  const abort = events.find(({ kind }) => kind === 'abort') ?? expect.fail('no abort')
  const [said, begun] = [abort.at - conditionAt, (record.revertedAt ?? Infinity) - conditionAt]
  if (exhaustive) process.stdout.write(`| ${rule} | ${said.toFixed(0)} ms | ${begun.toFixed(0)} ms |\n`)
  expect(begun, rule).toBeGreaterThan(-20)
  expect(begun, rule).toBeLessThan(withinMs + roomMs)
}

describeLab('abort rules', () => {
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

  it.concurrent('of the outage fires within 250 ms of its condition', async () => {
    for (let run = 1; run <= runs; run += 1) {
      const { view } = await aborted('edge', 'balancer-hang', 'lb4')
      const lastGoodAt = view.record.figures[0]?.lastGoodAt ?? expect.fail('nothing was answered')
      expectSoon('outage', view, lastGoodAt + allowedMs)
    }
  })

  it.concurrent(
    'of two owners fires within 250 ms of its condition; the split brain is named meanwhile, and ended',
    { retry, timeout: runs * 90_000 },
    async () => {
      for (let run = 1; run <= runs; run += 1) {
        const { view, named } = await aborted('core', 'adverts-blocked', 'lb2' as NodeId)
        const second = view.events.find(({ kind, nodeId }) => kind === 'vip-gained' && nodeId === 'lb4')
        expectSoon('two owners', view, (second?.at ?? expect.fail('lb4 never had it')) + allowedMs)
        expect([...named]).toContain('split-brain')
        expect(await lab.holders('core')).toEqual(['lb3'])
      }
    },
  )
})
