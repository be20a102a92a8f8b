import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrainView } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { pair } from './drain-exercise.ts'
import { drainTable, lostIn, measureHaproxy, measureNginx } from './drain-figures.ts'
import { ensureLab, type Lab } from './lab.ts'
import { loadClients, loadKinds, type LoadResult } from './steady-load.ts'

/** Of the shares of new work, as they are read once the server is empty: one poll of a few dozen requests. */
const maxShareError = 0.2

let lab: Lab
let place: Workplace
let console: ConsoleOnLab

const show = (table: string): void => void process.stdout.write(`${table}\n`)

/** What was foretold of a pool that shares by turns, beside what became of it: stored with the drain, and told in the history. */
async function expectForecast({ id, forecast, outcome, places }: DrainView): Promise<void> {
  const web = forecast.shares.filter(({ pool }) => pool === 'edge/haproxy/be_web')
  expect(web).toHaveLength(3 * pair.length)
  const left = places.find(({ pool }) => pool === 'be_web')?.server
  for (const { server, nodeId, after } of web) {
    expect(after, `${server} on ${nodeId}`).toBeCloseTo(server === left ? 0 : 0.5, 5)
    const became = outcome?.shares.find(
      (each) => each.pool === 'edge/haproxy/be_web' && each.server === server && each.nodeId === nodeId,
    )
    expect(Math.abs((became?.after ?? NaN) - after), `${server} on ${nodeId}`).toBeLessThan(maxShareError)
  }
  // Sessions take two seconds: the oldest is younger, and it takes no longer than that and what the console needs.
  expect(forecast.emptyInMs).toBeGreaterThanOrEqual(0)
  expect(forecast.emptyInMs).toBeLessThan(10_000)
  expect(outcome?.emptyInMs).toBeGreaterThan(0)
  expect(outcome?.emptyInMs).toBeLessThan(30_000)
  const told = await console.client.call('history.list', { limit: 2, subject: id, kinds: ['drain.empty', 'drain.ended'] })
  expect(told.map(({ data }) => data['text'])).toEqual([
    expect.stringMatching(/ The shares of new work were foretold to within \d+ %\.$/),
    expect.stringMatching(/ after \d+ s; \d+ s were foretold\.$/),
  ])
}

function expectWork(result: LoadResult): void {
  for (const kind of loadKinds) expect(result[kind].done, kind).toBeGreaterThan(10)
}

describeLab('draining under every kind of load', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
  })
  beforeEach(async () => {
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    console = await openConsole(place)
    await console.client.call('fleet.refresh', {})
  })
  afterEach(async () => {
    await console.close()
    place.clear()
    await lab.restoreAll()
  })
  afterAll(() => lab.restoreAll())

  it('loses nothing on HAProxy while every server is taken out of both balancers in turn; a cut does', async () => {
    const figures = await measureHaproxy({ lab, console, folder: place.home }, 1)
    show(drainTable([figures]))
    expectWork(figures.drained)
    expect(Object.keys(figures.drained.by).sort(), 'all took part').toEqual(
      expect.arrayContaining(['b1', 'b2', 'b3', 'b4', 'b5']),
    )
    expect(lostIn(figures.drained)).toBe(0)
    for (const drain of figures.drains) await expectForecast(drain)
    for (const kind of ['download', 'websocket', 'tcp'] as const) expect(figures.cut[kind].lost, kind).toBeGreaterThan(0)
  }, 180_000)

  it('loses no more on nginx than the same reloads by themselves, and no session at all; a cut does', async () => {
    const figures = await measureNginx({ lab, console, folder: place.home }, 1, 1)
    show(drainTable([figures]))
    const { drained, reloaded, reloads, cut } = figures
    expectWork(drained)
    expect(reloads, 'a turn takes two on each balancer at least').toBeGreaterThanOrEqual(2 * pair.length)
    // A reload closes idle keep-alive connections; whoever has just sent a request on one loses it. Nothing else is at stake.
    for (const kind of ['download', 'websocket', 'tcp'] as const) {
      expect(drained[kind].lost, kind).toBe(0)
      expect(reloaded?.[kind].lost, kind).toBe(0)
      expect(cut[kind].lost, kind).toBeGreaterThan(0)
    }
    const atStake = reloads * loadClients
    for (const result of [drained, reloaded]) {
      for (const kind of ['keep-alive', 'post'] as const) expect(result?.[kind].lost, kind).toBeLessThanOrEqual(atStake)
    }
  }, 240_000)
})
