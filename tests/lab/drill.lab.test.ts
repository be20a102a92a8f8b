/** A drill from the command line on a real pair: what was measured is held against what was predicted. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DrillRecord } from '#contract'
import { makeWorkplace, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil } from './run.ts'

const waitMs = 30_000
/** the daemons of a slow and busy machine */
const roomMs = 1500
let lab: Lab
let place: Workplace

const planFor = (fault: string, holdMs: number): string => `
name: ${fault} of the edge
hypothesis: The other member takes over.
router: edge/VI_EDGE
fault: { kind: ${fault} }
probe: { host: ${lab.topology.vips.edge}, port: 80, from: [lb3] }
steadyState: { forMs: 2000, failedPercent: 5 }
expect: { moves: true, outageMs: 4000 }
abort: { outageMs: 10000 }
holdMs: ${holdMs}
guardMs: 8000
`
function planFile(fault: string, holdMs: number): string {
  const file = join(place.home, `${fault}.yaml`)
  writeFileSync(file, planFor(fault, holdMs))
  return file
}

const drills = async (): Promise<DrillRecord[]> =>
  JSON.parse((await place.evenkeel('drill', 'list', '--json')).stdout) as DrillRecord[]
const holderIs = (node: string): Promise<void> =>
  waitUntil(`${node} holds the edge`, waitMs, async () => (await lab.holders('edge')).join() === node)

describeLab('drills of a real pair', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    await holderIs('lb1')
    place = makeWorkplace()
    const { code, stderr } = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(code, stderr).toBe(0)
  }, 120_000)
  afterAll(async () => {
    await lab.restoreAll()
    place.clear()
  }, 120_000)

  it('is planned, blocked by the lever, carried out and reported', { timeout: 180_000 }, async () => {
    const file = planFile('keepalived-stop', 5000)
    const planned = await place.evenkeel('drill', 'plan', file)
    expect(planned.code, planned.stdout + planned.stderr).toBe(0)
    expect(planned.stdout).toContain('moves to lb2')

    expect((await place.evenkeel('drill', 'lever', 'block', '--reason', 'sales')).code).toBe(0)
    const blocked = await place.evenkeel('drill', 'run', file, '--reason', 'must not begin')
    expect([blocked.code, blocked.stderr]).toEqual([4, expect.stringContaining('sales')])
    expect(await drills(), 'nothing was begun').toEqual([])
    expect((await place.evenkeel('drill', 'lever', 'allow', '--reason', 'over')).code).toBe(0)

    const { code, stdout, stderr } = await place.evenkeel('drill', 'run', file, '--reason', 'lab', '--json')
    expect(code, stdout + stderr).toBe(0)
    const record = JSON.parse(stdout) as DrillRecord
    expect(record).toMatchObject({ verdict: 'proven', ending: 'time', restored: true, differences: [], node: 'lb1' })
    const { takeover, outage } = record.prediction
    const [seen] = record.figures
    expect(record.takeoverMs).toBeGreaterThan((takeover?.earliestMs ?? 0) - 50)
    expect(record.takeoverMs).toBeLessThan((takeover?.latestMs ?? 0) + roomMs)
    expect(seen?.outageMs, 'nobody answers until the standby has its turn').toBeGreaterThan((outage?.earliestMs ?? 0) - 50)
    expect(seen?.outageMs).toBeLessThan((outage?.latestMs ?? 0) + roomMs)
    expect(seen?.failed).toBeGreaterThan(0)
    await holderIs('lb1')

    const out = join(place.home, 'report.html')
    expect((await place.evenkeel('drill', 'report', record.id, '--format', 'html', '--out', out)).code).toBe(0)
    expect(readFileSync(out, 'utf8')).toContain('<svg')
    const data = (await place.evenkeel('drill', 'report', record.id, '--format', 'json')).stdout
    expect(createHash('sha256').update(data).digest('hex')).toBe(record.reportSha256)
    const pdf = join(place.home, 'report.pdf')
    const printed = await place.evenkeel('drill', 'report', record.id, '--format', 'pdf', '--out', pdf)
    expect(printed.code, printed.stderr).toBe(0)
    expect(readFileSync(pdf).subarray(0, 5).toString()).toBe('%PDF-')
    const kept = join(place.home, 'report.json')
    expect((await place.evenkeel('drill', 'report', record.id, '--format', 'json', '--out', kept)).code).toBe(0)
    expect(await place.evenkeel('drill', 'verify', kept)).toMatchObject({ code: 0 })
    writeFileSync(kept, data.replace('"proven"', '"refuted"'))
    expect(await place.evenkeel('drill', 'verify', kept)).toMatchObject({ code: 1 })
    expect((await place.evenkeel('history')).stdout, 'the hash stands in the history').toContain(record.reportSha256)
    expect((await place.evenkeel('drill', 'list', '--trend')).stdout).toMatch(/edge\/VI_EDGE .* ago/)
  })
})
