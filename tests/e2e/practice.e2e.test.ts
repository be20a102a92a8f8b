import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, openPage, startChromium, startShell, type Shell } from './launch.ts'
import { DrainSheet } from './pages/drain-sheet.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { PoolsPage } from './pages/pools-page.ts'
import { PracticePage } from './pages/practice-page.ts'
import { VipsPage } from './pages/vips-page.ts'
import { WindowPage } from './pages/window-page.ts'

/** A first walk takes a person under two minutes; what is waited for here is all that this program does not decide. */
const walkLimitMs = 100_000

const hasBrowser = findChromium() !== null
if (!hasBrowser) console.warn('SKIPPED the walk through the practice fleet: no Chromium was found.')

/**
 * The first-time walk, in order: from an empty data folder through the practice fleet's door to a drained server and a watched
 * failover, and back to the empty folder. Needs neither root nor the lab: everything it talks to is inside the application.
 */
describe.skipIf(!hasBrowser)('the practice fleet', () => {
  let shell: Shell
  let browser: Browser
  let page: Page
  let complaints: string[]
  let window: WindowPage
  let inventory: InventoryPages
  let practice: PracticePage
  let pools: PoolsPage
  let vips: VipsPage
  let begun: number
  let watchedMs: number

  beforeAll(async () => {
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    window = new WindowPage(page)
    inventory = new InventoryPages(page)
    practice = new PracticePage(page)
    pools = new PoolsPage(page)
    vips = new VipsPage(page)
  })
  afterAll(async () => {
    await browser?.close()
    await shell?.stop()
  })

  it('opens from the first run by one click, and says what it waits for', async () => {
    await window.open(shell.url)
    await inventory.firstRun.waitFor()
    expect(await window.graveFindings()).toEqual([])
    begun = Date.now()
    await practice.door.click()
    await practice.opening.getByText('Read the balancers over SSH').waitFor()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await practice.bar.getByText('nothing here is real production').waitFor()
    await window.status.getByText('4 fresh').waitFor()
    await window.status.getByText('16 up').waitFor()
  })

  it('has clients that ask as often as they are told', async () => {
    const menu = await practice.openLoad()
    expect(await window.graveFindings()).toEqual([])
    const clients = menu.getByRole('switch')
    await clients.click()
    await practice.load.getByText('off').waitFor()
    await clients.click()
    await menu.getByRole('slider', { name: 'Requests a second' }).fill('80')
    await practice.load.getByText('80/s').waitFor()
    await page.keyboard.press('Escape')
    const before = await practice.answered()
    await expect.poll(() => practice.answered(), { timeout: 20_000 }).toBeGreaterThan(before + 100)
  })

  it('drains a server, and it takes no more requests', async () => {
    await practice.bar.getByText('Drain a server').waitFor()
    await practice.bar.getByRole('button', { name: 'Go to Pools' }).click()
    await pools.state('tyo-web2').getByText('up', { exact: true }).waitFor()
    await pools.select('tyo-web2')
    await page.keyboard.press('d')
    const sheet = new DrainSheet(page)
    await sheet.start('practice')
    await sheet.close()
    // customers come back to it by their cookie while it is only drained, so in the end it is closed to them
    await pools.state('tyo-web2').getByText('maintenance', { exact: true }).waitFor({ timeout: 90_000 })
    // it was tried: the next thing is offered
    await practice.bar.getByText(/^Kill HAProxy on /).waitFor()
    expect(await window.graveFindings()).toEqual([])
  })

  it('kills HAProxy on the master, and the address moves to its neighbour', async () => {
    await window.go('VIPs')
    await vips.holder('VI_TYO', 'lb-t1').waitFor()
    await practice.makeTrouble('Kill HAProxy', 'lb-t1')
    await vips.holder('VI_TYO', 'lb-t2').waitFor({ timeout: 30_000 })
    watchedMs = Date.now() - begun
    expect(await window.graveFindings()).toEqual([])
    await practice.bar.getByText('It moved.').waitFor()
  })

  it('takes the whole power of a balancer as well, and says so of the node', async () => {
    await practice.makeTrouble('Pull the power', 'lb-o1')
    await vips.holder('VI_OSA', 'lb-o2').waitFor({ timeout: 30_000 })
    await window.status.getByText('1 unreachable').waitFor()
  })

  it('puts everything right, and the addresses come back', async () => {
    await practice.bar.getByRole('list').getByRole('button', { name: 'Put everything right' }).click()
    await practice.chip('Kill HAProxy', 'lb-t1').waitFor({ state: 'detached' })
    await vips.holder('VI_TYO', 'lb-t1').waitFor({ timeout: 30_000 })
    await vips.holder('VI_OSA', 'lb-o1').waitFor({ timeout: 30_000 })
    // all was tried: nothing is offered any more
    await practice.bar.getByText('Try next').waitFor({ state: 'detached' })
  })

  it('closes, and leaves the empty first run behind', async () => {
    await practice.close()
    await inventory.firstRun.waitFor()
    await window.status.getByText('0 nodes').waitFor()
  })

  it('opens from the palette and from the settings too', async () => {
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('open the practice fleet')
    await page.getByRole('option').filter({ hasText: 'Open the practice fleet' }).click()
    await practice.bar.waitFor()
    await window.go('Settings')
    await page.getByRole('link', { name: 'Practice fleet' }).click()
    await page.getByRole('main').getByText('Closing switches its machines off').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await page.getByRole('main').getByRole('button', { name: 'Close the practice fleet' }).click()
    await page.getByRole('button', { name: 'Open the practice fleet' }).waitFor()
  })

  it('took less than a person has', () => {
    console.log(`Practice walk: failover watched after ${(watchedMs / 1000).toFixed(1)} s.`)
    expect(watchedMs).toBeLessThan(walkLimitMs)
  })

  it('never complained on the console', () => {
    expect(complaints).toEqual([])
  })
})
