/**
 * `npm run screenshots`: pictures of every page over the lab, light and dark, wide and narrow, into docs/screenshots. Run it after
 * a build. The lab must be allowed here (root on Linux); one that runs is used as it is.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Page } from 'playwright-core'
import { ensureLab, type Lab } from '../lab/lab.ts'
import { whyNoLab } from '../lab/requirements.ts'
import { openPage, startChromium, startShell } from './launch.ts'
import { DrainSheet } from './pages/drain-sheet.ts'
import { DrillSheet } from './pages/drill-sheet.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { OperationSheet } from './pages/operation-sheet.ts'
import { PoolsPage } from './pages/pools-page.ts'
import { WindowPage, type PageName } from './pages/window-page.ts'

const folder = resolve(import.meta.dirname, '../../docs/screenshots')
const sizes = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
] as const
const themes = ['dark', 'light'] as const
const pages: readonly PageName[] = ['Overview', 'Nodes', 'VIPs', 'Config', 'History', 'Settings']
/** requests through both virtual addresses, so that there is something to see */
const trafficSeconds = 40
/** a few polls, so that a line is a line */
const readingsMs = 8_000

async function photograph(page: Page, name: string): Promise<void> {
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme })
    for (const size of sizes) {
      await page.setViewportSize(size)
      // two frames: one in which charts and tables measure the new size, one in which they are drawn
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${size.width}.png`) })
    }
  }
  await page.setViewportSize(sizes[0])
}

/** A few hundred requests a second at most, from the lab's client to the lab's balancers. */
async function sendTraffic(lab: Lab): Promise<void> {
  const { edge, core } = lab.topology.vips
  const urls = [`http://${edge}/`, `http://${edge}/shop`, `http://${edge}/api`, `http://${core}/`, `http://${core}/search`]
  const script = `end=$(( $(date +%s) + ${trafficSeconds} )); while [ $(date +%s) -lt $end ]; do curl -s -o /dev/null -m 2 ${urls.join(' -o /dev/null ')}; done`
  await lab.exec('client', ['sh', '-c', script], { timeoutMs: (trafficSeconds + 20) * 1000 })
}

/** Downloads through shop1, which their cookie leads to, that end one after the other: a drain of it has something to wait for. */
function startDownloads(lab: Lab): Promise<unknown> {
  const lengths = [18, 22, 26, 30, 36, 42, 50, 60].map((seconds) => seconds * 1000)
  const url = (ms: number) => `http://${lab.topology.vips.edge}/shop?ms=${ms}`
  return Promise.all(
    lengths.map((ms) => lab.exec('client', ['curl', '-s', '-o', '/dev/null', '-b', 'SRV=s1', url(ms)], { timeoutMs: 120_000 })),
  )
}

/** A drain before it is done, while it goes on, and on its page; put back in the end. */
async function photographDrain(page: Page, lab: Lab, window: WindowPage, pools: PoolsPage): Promise<void> {
  const sheet = new DrainSheet(page)
  const downloads = startDownloads(lab)
  await window.go('Pools')
  await pools.filterBy('pool:be_shop')
  await pools.state('shop2').getByText('up', { exact: true }).waitFor()
  await pools.select('shop1')
  await page.waitForTimeout(readingsMs)
  await page.keyboard.press('d')
  await sheet.commands.first().waitFor()
  await photograph(page, 'drain-plan')
  await sheet.start('kernel update, OPS-1412')
  await sheet.close()
  await pools.row('shop1').dblclick()
  await pools.drawer.getByRole('region', { name: /^Drain of / }).waitFor()
  await page.waitForTimeout(readingsMs)
  await photograph(page, 'drain-live')
  await page.keyboard.press('Escape')
  await pools.clearFilter()
  await window.go('Drains')
  await page.getByRole('row').getByRole('button', { name: /shop1/ }).click()
  const details = page.getByRole('complementary', { name: /^Drain of / })
  await details.getByText('Empty on every balancer, and kept out.').waitFor({ timeout: 120_000 })
  await photograph(page, 'drains')
  await details.getByRole('button', { name: 'Put back' }).click()
  await page.getByText('Nothing is drained now.').waitFor()
  await downloads
}

/** A drill before it begins, while its fault stands, and over; the readiness of a standby. */
async function photographDrill(page: Page, window: WindowPage): Promise<void> {
  const drill = new DrillSheet(page)
  await window.go('VIPs')
  const router = page.getByRole('region', { name: 'VI_EDGE' })
  await router.getByText('Readiness of the standby').click()
  await router.getByRole('list', { name: 'Readiness of the standby' }).waitFor({ timeout: 60_000 })
  await photograph(page, 'readiness')
  await window.go('Drills')
  await drill.open()
  await drill.choose(/^VI_EDGE/, 'keepalived stopped')
  await drill.edit((plan) =>
    plan
      .replace('kind: tcp', 'kind: http')
      .replace(/failedPercent: 0$/m, 'failedPercent: 5')
      .replace(/holdMs: \d+/, 'holdMs: 20000'),
  )
  await drill.sheet.getByLabel('Type lb1 to put the fault there').waitFor({ timeout: 60_000 })
  await photograph(page, 'drill-catalogue')
  await drill.sheet.getByText('Carry it out at set times instead').scrollIntoViewIfNeeded()
  await photograph(page, 'drill-plan')
  await drill.start('lb1', 'every quarter, OPS-1500')
  await page.getByText('held by lb2').waitFor({ timeout: 60_000 })
  await photograph(page, 'drill-live')
  const details = page.getByRole('complementary', { name: /^Drill keepalived-stop/ })
  await details.getByText('Everything is as it was before.').waitFor({ timeout: 120_000 })
  await photograph(page, 'drill-over')
  await details.getByText('What became of open connections').scrollIntoViewIfNeeded()
  await photograph(page, 'drill-evidence')
  await details.getByRole('button', { name: 'Close' }).click()
  await drill.open()
  await drill.choose(/^VI_EDGE/, 'priority drop')
  await drill.sheet.getByLabel('Type lb1 to put the fault there').waitFor({ timeout: 60_000 })
  await drill.schedule({ cron: '0 10 * * 2', blocked: '0 9 28 * * for 3h: month-end closing', reason: 'every Tuesday' })
  await drill.sheet.waitFor({ state: 'detached' })
  await page.getByRole('region', { name: 'At set times' }).waitFor()
  await photograph(page, 'drills')
}

async function photographAll(lab: Lab): Promise<void> {
  const shell = await startShell()
  const browser = await startChromium()
  try {
    const { page } = await openPage(browser)
    const window = new WindowPage(page)
    const inventory = new InventoryPages(page)
    const pools = new PoolsPage(page)
    const sheet = new OperationSheet(page)

    await window.open(shell.url)
    await inventory.firstRun.waitFor()
    await photograph(page, 'first-run')
    await window.go('Settings')
    await inventory.importText(readFileSync(lab.inventoryFile, 'utf8'), dirname(lab.inventoryFile))
    await window.status.getByText('4 fresh').waitFor()

    const traffic = sendTraffic(lab)
    await lab.stopBackend('b2')
    await window.go('Pools')
    await pools.state('web2').getByText('down', { exact: true }).waitFor()
    await pools.select('web3')
    await page.keyboard.press('m')
    await sheet.commands.first().waitFor()
    await photograph(page, 'operation-plan')
    await sheet.start('Set maintenance')
    await sheet.ended()
    await sheet.close()
    await pools.state('web3').getByText('maintenance', { exact: true }).waitFor()
    await traffic

    await pools.table.press('Home')
    await photograph(page, 'pools')
    await pools.row('web2').dblclick()
    await pools.drawer.getByRole('img').first().waitFor()
    await page.waitForTimeout(readingsMs)
    await photograph(page, 'server')
    for (const name of pages) {
      await window.go(name)
      await photograph(page, name.toLowerCase())
    }
    await lab.startBackend('b2')
    await photographDrain(page, lab, window, pools)
    await photographDrill(page, window)
  } finally {
    await browser.close()
    await shell.stop()
    await lab.restoreAll()
  }
}

const reason = await whyNoLab({ browser: true })
if (reason !== null) throw new Error(reason)
mkdirSync(folder, { recursive: true })
await photographAll(await ensureLab())
