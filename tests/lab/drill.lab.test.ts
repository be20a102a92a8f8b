/** Drills from the command line on a real pair: what was measured is held against what was predicted; a console that is killed meanwhile. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { DrillRecord, DrillView } from '#contract'
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
    expect((await place.evenkeel('history')).stdout, 'the hash stands in the history').toContain(record.reportSha256)
    expect((await place.evenkeel('drill', 'list', '--trend')).stdout).toMatch(/edge\/VI_EDGE .* ago/)
  })

  it('is taken back by the node when the console is killed, and the next console says so', { timeout: 180_000 }, async () => {
    const program = resolve(import.meta.dirname, '../../src-main/shells/cli/index.ts')
    const args = ['drill', 'run', planFile('priority-drop', 120_000), '--reason', 'killed']
    const child = spawn(process.execPath, [program, ...args], { env: place.environment, stdio: ['ignore', 'ignore', 'pipe'] })
    const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()))
    let said = ''
    child.stderr.on('data', (piece: Buffer) => (said += piece.toString('utf8')))
    try {
      await waitUntil('the fault stands', 60_000, async () => said.includes('holding:'))
      await holderIs('lb2')
    } finally {
      child.kill('SIGKILL')
      await gone
    }
    await holderIs('lb1')

    const stopped = await place.evenkeel('drill', 'stop', '--json')
    expect(stopped.code, stopped.stdout + stopped.stderr).toBe(0)
    const [record] = await drills()
    expect(record).toMatchObject({ ending: 'interrupted', verdict: 'untested', restored: true, differences: [] })
    const data = (await place.evenkeel('drill', 'report', record?.id ?? '', '--format', 'json')).stdout
    const { commands } = JSON.parse(data) as DrillView
    expect(
      commands.filter(({ command }) => command.startsWith('arm guard')),
      'the fault was made once',
    ).toHaveLength(1)
  })
})
