import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, openPage, startChromium, startShell, type Shell } from './launch.ts'
import { DrainSheet } from './pages/drain-sheet.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { PoolsPage } from './pages/pools-page.ts'
import { PracticePage } from './pages/practice-page.ts'
import { WindowPage } from './pages/window-page.ts'

const hasBrowser = findChromium() !== null
if (!hasBrowser) console.warn('SKIPPED drains in waves: no Chromium was found.')

/** Drains in waves and by address on the practice fleet, by keyboard alone, while a second window on the same data folder looks on. */
describe.skipIf(!hasBrowser)('drains in the window', () => {
  let shell: Shell
  let onlooker: Shell
  let browser: Browser
  let page: Page
  let viewer: Page
  let complaints: string[]
  let window: WindowPage
  let pools: PoolsPage
  let sheet: DrainSheet
  const details = (of: Page, what: string) => of.getByRole('complementary', { name: `Drain of ${what}` })

  beforeAll(async () => {
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    window = new WindowPage(page)
    pools = new PoolsPage(page)
    sheet = new DrainSheet(page)
    await window.open(shell.url)
    await new InventoryPages(page).firstRun.waitFor()
    await new PracticePage(page).door.click()
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await window.status.getByText('16 up').waitFor()
    onlooker = await startShell(shell)
    viewer = (await openPage(browser)).page
    await new WindowPage(viewer).open(onlooker.url)
    await new WindowPage(viewer).go('Drains')
  })
  afterAll(async () => {
    await browser?.close()
    await onlooker?.stop()
    await shell?.stop()
  })

  it('says where to begin when nothing is drained', async () => {
    await window.go('Drains')
    await page.getByText(/^Nothing is drained\. Select servers/).waitFor()
    expect(await window.graveFindings()).toEqual([])
  })

  it('by address: names what no server has, and says who sticks to what has it', async () => {
    const address = page.getByRole('combobox', { name: 'Drain by address' })
    await address.fill('192.0.2.1:1')
    await address.press('Enter')
    await page.getByText('No server that was read has the address 192.0.2.1:1.').waitFor()
    await window.go('Pools')
    await pools.filterBy('tyo-web1')
    const typed =
      (await pools
        .row('tyo-web1')
        .getByText(/^\d+\.\d+\.\d+\.\d+:\d+$/)
        .textContent()) ?? ''
    await pools.clearFilter()
    await window.go('Drains')
    await address.fill(typed)
    await address.press('Enter')
    await sheet.commands.first().waitFor()
    await sheet.sheet.getByText('Clients with the cookie SRV=tyo-web1 keep coming').waitFor()
    await sheet.sheet.getByText('cookie SRV insert indirect nocache').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await page.keyboard.press('Escape')
    await sheet.sheet.waitFor({ state: 'detached' })
  })

  it('several servers go one after the other: the plan says in which order, and whether enough remain', async () => {
    await window.go('Pools')
    await pools.filterBy('pool:be_api site:practice-tokyo')
    await pools.select('tyo-api1')
    await page.keyboard.press('Shift+ArrowDown')
    await page.getByRole('toolbar', { name: '2 selected' }).waitFor()
    await page.keyboard.press('d')
    await sheet.commands.first().waitFor()
    await sheet.sheet.getByText('Nothing would be left to take new requests there.').waitFor()
    await sheet.options.press('Enter')
    await sheet.sheet.getByRole('radio', { name: 'in waves' }).press('Space')
    await sheet.sheet.getByText('In 2 waves').waitFor()
    await sheet.sheet.getByRole('listitem').filter({ hasText: 'tyo-api2' }).getByText('1 remains').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await sheet.start('kernel update')
    await sheet.live.getByText('wave 1 of 2', { exact: true }).waitFor()
    await sheet.live.getByText('then tyo-api2').waitFor()
    await sheet.live.getByText(/it waits for your word/).waitFor()
    expect(await window.graveFindings()).toEqual([])
    await sheet.close()
  })

  it('a window that only looks on sees it, and says why it can do nothing', async () => {
    await viewer
      .getByRole('row')
      .getByRole('button', { name: /tyo-api1/ })
      .click()
    const seen = details(viewer, 'be_api/tyo-api1')
    await seen.getByText('wave 1 of 2', { exact: true }).waitFor()
    expect(await seen.getByRole('button', { name: 'Go on' }).getAttribute('aria-description')).toContain('only watches')
  })

  it('goes on at a word: the wave comes back, the next one leaves, and the onlooker follows', async () => {
    await window.go('Drains')
    await page
      .getByRole('row')
      .getByRole('button', { name: /tyo-api1/ })
      .press('Enter')
    await details(page, 'be_api/tyo-api1').getByRole('button', { name: 'Go on' }).press('Enter')
    await page
      .getByRole('row')
      .getByRole('button', { name: /tyo-api2/ })
      .press('Enter')
    await details(page, 'be_api/tyo-api2').getByText('wave 2 of 2', { exact: true }).waitFor()
    await viewer
      .getByRole('row')
      .getByRole('button', { name: /tyo-api2/ })
      .waitFor()
    await details(viewer, 'be_api/tyo-api1').getByText('put back', { exact: true }).first().waitFor()
    expect(await window.graveFindings()).toEqual([])
  })

  it('puts the last wave back, and sets what was foretold beside what happened', async () => {
    const last = details(page, 'be_api/tyo-api2')
    await last.getByRole('button', { name: 'Put back' }).press('Enter')
    await last.getByText('Foretold, and what happened').waitFor()
    await page.getByText('Nothing is drained now.').waitFor()
  })

  it('shows who is still connected, and cuts them only after it was asked once, with their number', async () => {
    await window.go('Pools')
    await pools.filterBy('tyo-queue1')
    await pools.select('tyo-queue1')
    await page.keyboard.press('d')
    await sheet.start('disk')
    const finish = sheet.live.getByRole('button', { name: /^Finish now, cuts [1-9]/ })
    await sheet.live.getByRole('listitem').filter({ hasText: 'fe_queue' }).first().waitFor()
    await finish.press('Enter')
    const question = sheet.live.getByRole('alertdialog', { name: 'Cut what is left?' })
    await question.getByText(/sessions? there (is|are) shut down at once/).waitFor()
    expect(await window.graveFindings()).toEqual([])
    await question.getByRole('button', { name: 'Cancel' }).press('Enter')
    await finish.press('Enter')
    await question.getByRole('button', { name: 'Cut them now' }).press('Enter')
    await sheet.live.getByText(/sessions? (was|were) cut/).waitFor()
    await sheet.live.getByText('until empty').waitFor()
    await sheet.live.getByRole('button', { name: 'Put back' }).press('Enter')
    await sheet.close()
    await pools.state('tyo-queue1').getByText('up', { exact: true }).waitFor()
    await pools.clearFilter()
  })

  it('a series is stopped where it stands', async () => {
    await pools.filterBy('pool:be_api site:practice-tokyo')
    await pools.select('tyo-api1')
    await page.keyboard.press('Shift+ArrowDown')
    await page.keyboard.press('d')
    await sheet.commands.first().waitFor()
    await sheet.options.press('Enter')
    await sheet.sheet.getByRole('radio', { name: 'in waves' }).press('Space')
    await sheet.sheet.getByText('In 2 waves').waitFor()
    await sheet.start('stopped half-way')
    await sheet.live.getByRole('button', { name: 'Stop here…' }).press('Enter')
    await sheet.live.getByText('One more server will not be drained.').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await sheet.live.getByRole('button', { name: 'Put this wave back' }).press('Enter')
    await sheet.close()
    await pools.state('tyo-api1').getByText('up', { exact: true }).waitFor()
    expect(await pools.state('tyo-api2').getByText('up', { exact: true }).count()).toBe(1)
  })

  it('never complained on the console', () => {
    expect(complaints).toEqual([])
  })
})
