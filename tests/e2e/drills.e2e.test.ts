import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeLab } from '../lab/describe-lab.ts'
import { ensureLab, type Lab } from '../lab/lab.ts'
import { openPage, startChromium, startShell, type Shell } from './launch.ts'
import { DrillSheet } from './pages/drill-sheet.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { PushSheet } from './pages/push-sheet.ts'
import { WindowPage } from './pages/window-page.ts'

const waitMs = 90_000

/** A failover of a real pair is rehearsed and ended from the window, and an address is moved on purpose. By keyboard. */
describeLab('drills in the window', () => {
  let lab: Lab
  let shell: Shell
  let browser: Browser
  let page: Page
  let complaints: string[]
  let window: WindowPage
  let drill: DrillSheet

  const keepalived = async () => (await lab.exec('lb1', ['cat', '/etc/keepalived/keepalived.conf'])).stdout
  const holderIs = (node: string) => expect.poll(() => lab.holders('edge'), { timeout: waitMs }).toEqual([node])

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    page.setDefaultTimeout(30_000)
    window = new WindowPage(page)
    drill = new DrillSheet(page)
    await window.open(shell.url)
    await window.go('Settings')
    await new InventoryPages(page).importText(readFileSync(lab.inventoryFile, 'utf8'), dirname(lab.inventoryFile))
    await window.go('VIPs')
    await page.getByRole('region', { name: 'VI_EDGE' }).getByRole('button', { name: 'Move to lb2…' }).waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await shell?.stop()
    await lab?.restoreAll()
  })

  it('say what each fault would do, propose a plan from where the address can be seen, and refuse what tests nothing', async () => {
    await window.go('Drills')
    await page.getByText('No drill yet.').waitFor()
    await drill.open()
    await drill.choose(/^VI_EDGE/, 'keepalived stopped')
    // this computer has no way into the lab's network of clients
    expect(await drill.plan.inputValue()).toMatch(/from:\s*\n?\s*-? ?\[? ?lb[34]/)
    await drill.edit((plan) => plan.replace('moves: true', 'moves: false'))
    await drill.sheet.getByText('The plan expects the address to stay, and it will move').waitFor({ timeout: waitMs })
    expect(await drill.sheet.getByRole('button', { name: 'Start the drill' }).getAttribute('aria-disabled')).toBe('true')
    expect(await window.graveFindings()).toEqual([])
  })

  it('run before the eyes of who began them, are ended by one button, and leave a verdict', async () => {
    // a busy machine answers late, which is not what this is about
    await drill.edit((plan) =>
      plan
        .replace('moves: false', 'moves: true')
        .replace(/holdMs: \d+/, 'holdMs: 60000')
        .replace(/forMs: \d+/, 'forMs: 2000')
        .replace(/failedPercent: 0$/m, 'failedPercent: 20')
        .replace(/p99Ms: \d+/, 'p99Ms: 2000')
        .replace('otherAlarm: true', 'otherAlarm: false'),
    )
    await drill.sheet.getByLabel('Type lb1 to put the fault there').waitFor({ timeout: waitMs })
    expect(await window.graveFindings()).toEqual([])
    await drill.start('lb1', 'rehearsal, OPS-9')
    const live = page.getByRole('region', { name: /^Drill keepalived-stop/ })
    await live.getByText('held by lb2').waitFor({ timeout: waitMs })
    await live.getByText(/the node takes the fault back by itself in/).waitFor()
    expect(await window.graveFindings()).toEqual([])
    await page.getByRole('button', { name: 'Stop everything' }).press('Enter')
    const details = page.getByRole('complementary', { name: /^Drill keepalived-stop/ })
    await details.getByText('Everything is as it was before.').waitFor({ timeout: waitMs })
    await details.getByText('an operator stopped it').waitFor()
    await details.getByText('has the address', { exact: false }).first().waitFor()
    await holderIs('lb1')
    expect(await window.graveFindings()).toEqual([])
  })

  it('leave a report that can be saved and printed', async () => {
    const details = page.getByRole('complementary', { name: /^Drill keepalived-stop/ })
    for (const [name, begins] of [
      ['Save as PDF', '%PDF-'],
      ['Save as HTML', '<!doctype html>'],
      ['Save as JSON', '{'],
    ] as const) {
      const [download] = await Promise.all([
        page.waitForEvent('download', { timeout: waitMs }),
        details.getByRole('button', { name }).press('Enter'),
      ])
      expect(readFileSync(await download.path(), 'latin1').slice(0, begins.length)).toBe(begins)
    }
    await details.getByText('What became of open connections').waitFor()
    await details.getByRole('button', { name: 'Close' }).press('Enter')
  })

  it('are carried out at set times, but for blocked windows, until they are removed', async () => {
    await drill.open()
    await drill.choose(/^VI_EDGE/, 'priority drop')
    await drill.sheet.getByLabel('Type lb1 to put the fault there').waitFor({ timeout: waitMs })
    await drill.schedule({ cron: '61 10 * * 2', blocked: '0 0 * * * for 1d: the whole day', reason: 'every Tuesday' })
    await drill.sheet.getByRole('alert').getByText('61', { exact: false }).first().waitFor()
    await drill.sheet.getByLabel('When', { exact: true }).fill('0 10 * * 2')
    expect(await window.graveFindings()).toEqual([])
    await drill.sheet.getByRole('button', { name: 'Schedule' }).press('Enter')
    await drill.sheet.waitFor({ state: 'detached' })
    const schedules = page.getByRole('region', { name: 'At set times' })
    await schedules.getByText('to be skipped: the whole day', { exact: false }).waitFor()
    expect(await window.graveFindings()).toEqual([])
    await schedules.getByRole('button', { name: 'Remove' }).press('Enter')
    await schedules.waitFor({ state: 'detached' })
  })

  it('are blocked by the lever, with its reason, until it is taken back', async () => {
    await page.getByRole('button', { name: 'Block drills…' }).press('Enter')
    await page.getByLabel('Why no drill may begin').fill('quarter end')
    await page.getByRole('button', { name: 'Block', exact: true }).press('Enter')
    await page.getByText(/New drills are blocked by .*: quarter end/).waitFor()
    await drill.open()
    await drill.choose(/^VI_EDGE/, 'priority drop')
    await drill.sheet.getByText(/New drills are blocked by .*: quarter end/).waitFor({ timeout: waitMs })
    await page.keyboard.press('Escape')
    await drill.sheet.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Allow drills' }).press('Enter')
    await page.getByRole('button', { name: 'Block drills…' }).waitFor()
  })

  it('the standby is judged beside its virtual router, with the evidence', async () => {
    await window.go('VIPs')
    const router = page.getByRole('region', { name: 'VI_EDGE' })
    await router.getByText('Readiness of the standby').press('Enter')
    await router.getByText(/^lb2 can(not)? take over/).waitFor({ timeout: waitMs })
    await router.getByRole('list', { name: 'Readiness of the standby' }).getByText('Certificates').waitFor()
    await router.getByText('No drill has proven yet that the address moves.').waitFor()
    expect(await window.graveFindings()).toEqual([])
  })

  it('an address is moved to the other member and back, as a push that says so', async () => {
    const before = await keepalived()
    const push = new PushSheet(page)
    await window.go('VIPs')
    const router = page.getByRole('region', { name: 'VI_EDGE' })
    await router.getByRole('button', { name: 'Move to lb2…' }).press('Enter')
    await push.sheet.waitFor()
    await push.lane('lb1', 'keepalived').getByText('keepalived accepts it').waitFor()
    await push.sheet.getByText('moves from lb1 to lb2', { exact: false }).first().waitFor()
    await push.watchFor(1)
    expect(await window.graveFindings()).toEqual([])
    await push.start('kernel update of lb1')
    await push.ended('succeeded')
    await holderIs('lb2')
    await push.close()

    await router.getByRole('button', { name: 'Move back to lb1…' }).press('Enter')
    await push.sheet.getByRole('button', { name: 'Undo…' }).press('Enter')
    await push.reason.press('Enter')
    await push.sheet.getByText('Takes back an earlier push').waitFor()
    await push.ended('succeeded')
    await holderIs('lb1')
    expect(await keepalived()).toBe(before)
    await push.close()
    await router.getByRole('button', { name: 'Move to lb2…' }).waitFor()
    expect(complaints).toEqual([])
  })
})
