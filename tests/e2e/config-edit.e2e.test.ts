import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, openPage, startChromium, startShell, type Shell } from './launch.ts'
import { ConfigPage } from './pages/config-page.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { PracticePage } from './pages/practice-page.ts'
import { WindowPage } from './pages/window-page.ts'

const hasBrowser = findChromium() !== null
if (!hasBrowser) console.warn('SKIPPED writing configuration in the window: no Chromium was found.')

/** A draft's life on the practice fleet, by keyboard: written as a form and as text, looked at, kept over a reload, thrown away. */
describe.skipIf(!hasBrowser)('writing configuration in the window', () => {
  let shell: Shell
  let browser: Browser
  let page: Page
  let complaints: string[]
  let window: WindowPage
  let config: ConfigPage

  beforeAll(async () => {
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    window = new WindowPage(page)
    config = new ConfigPage(page)
    await window.open(shell.url)
    await new InventoryPages(page).firstRun.waitFor()
    await new PracticePage(page).door.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
    await window.go('Config')
    await config.file('lb-t1', 'haproxy.cfg').press('Enter')
    await config.editor.getByText('use_backend').first().waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await shell?.stop()
  })

  it('a weight in the form is one word in the text, one change in the list, and both members have it when asked', async () => {
    await config.turnTo('Form')
    await page.getByRole('checkbox', { name: 'The same change on lb-t2 too' }).press('Space')
    const weight = page.getByRole('spinbutton', { name: 'Weight of tyo-web1' })
    await weight.fill('7')
    await weight.press('Enter')
    await config.draftBar.getByText('1 difference').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await config.turnTo('Changes')
    const changes = page.getByRole('list', { name: 'Changes' })
    await changes.getByText('server be_web/tyo-web1: weight').waitFor()
    expect(await changes.getByRole('listitem').count()).toBe(1)
    expect(await changes.textContent()).toContain('at run time')
    await page.locator('ins.cm-insertedLine', { hasText: 'cookie tyo-web1 maxconn 60 weight 7 slowstart 10s' }).waitFor()
    expect(await window.graveFindings()).toEqual([])
    expect(await config.file('lb-t2', 'haproxy.cfg').textContent()).toContain('draft')
  })

  it('what is typed shows in the form and among the findings at once, and undo takes it back', async () => {
    await config.turnTo('File')
    await config.side.getByRole('button', { name: /pool be_api/ }).press('Enter')
    await config.editor.focus()
    await page.keyboard.press('End')
    await page.keyboard.type('\n    server spare 198.18.0.1:80')
    await config.side.getByText(/be_api\/spare is not checked/).waitFor()
    await config.turnTo('Form')
    await page.getByRole('checkbox', { name: 'Check spare' }).press('Space')
    await config.turnTo('File')
    await config.editor.getByText('server spare 198.18.0.1:80 check').waitFor()
    await config.side.getByText(/be_api\/spare is not checked/).waitFor({ state: 'detached' })
    await config.turnTo('Form')
    await page.getByRole('button', { name: 'Remove spare' }).press('Enter')
    await config.draftBar.getByText('1 difference').waitFor()
  })

  it('completes and explains the words of the language', async () => {
    await config.turnTo('File')
    await config.side.getByRole('button', { name: /pool be_api/ }).press('Enter')
    await config.editor.focus()
    await page.keyboard.press('End')
    await page.keyboard.type('\n    full')
    await page.locator('.cm-tooltip-autocomplete').getByText('fullconn').waitFor()
    // a list that has only just opened does not take Enter, which was meant for the text
    await page.waitForTimeout(300)
    await page.keyboard.press('Enter')
    await config.editor.getByText('fullconn', { exact: true }).waitFor()
    await config.undoWhile(/full/)
    await config.draftBar.getByText('1 difference').waitFor()
    await config.editor.getByText('leastconn').first().hover()
    await page
      .locator('.cm-help')
      .getByText(/^leastconn: the server with the fewest connections/)
      .waitFor()
  })

  it('masks stay masks, and one that stands for nothing is told', async () => {
    await config.file('lb-t1', 'keepalived.conf').press('Enter')
    await config.turnTo('Form')
    const priority = page.getByRole('spinbutton', { name: 'Priority' })
    await priority.fill('99')
    await priority.press('Enter')
    await config.draftBar.getByText('1 difference').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await config.turnTo('File')
    await config.editor.focus()
    await page.keyboard.press('Control+Home')
    await page.keyboard.type('# auth_pass ***zzzz\n')
    await config.draftBar.getByText('***zzzz stands for no password').waitFor()
    await config.undoWhile(/zzzz/)
  })

  it('a step of the form is a step of the text that undo takes back', async () => {
    await config.editor.focus()
    await page.keyboard.press('Control+z')
    await config.draftBar.waitFor({ state: 'detached' })
    await page.keyboard.press('Control+Shift+z')
    await config.draftBar.getByText('1 difference').waitFor()
  })

  it('keeps the drafts over a reload, throws them away and brings one back', async () => {
    await window.reload()
    await config.draftBar.getByText('1 difference').waitFor()
    await page.getByText(/3 drafts/).waitFor()
    await page.getByRole('button', { name: 'Discard' }).press('Enter')
    await page.getByRole('button', { name: 'Bring it back' }).press('Enter')
    await config.draftBar.getByText('1 difference').waitFor()
    await page.getByRole('button', { name: 'Discard' }).press('Enter')
    await page.getByText(/2 drafts/).waitFor()
    for (const node of ['lb-t1', 'lb-t2']) {
      await config.file(node, 'haproxy.cfg').press('Enter')
      await page.getByRole('button', { name: 'Discard' }).press('Enter')
      await page.getByRole('button', { name: 'Bring it back' }).waitFor()
    }
    await window.reload()
    await config.turnTo('File')
    await config.editor.getByText('use_backend').first().waitFor()
    expect(await page.getByText(/\d drafts?$/).count()).toBe(0)
  })

  it('a change is made on the other member too, whose own values stay; those stand side by side to be changed', async () => {
    await config.file('lb-t1', 'keepalived.conf').press('Enter')
    await config.turnTo('Form')
    const priority = page.getByRole('spinbutton', { name: 'Priority' }).first()
    const [before, own] = [await priority.inputValue(), '171']
    await priority.fill(own)
    await priority.press('Enter')
    await config.turnTo('File')
    await config.editor.focus()
    await page.keyboard.press('Control+Home')
    await page.keyboard.type('# OPS-8\n')
    await page.getByRole('button', { name: 'Same change on lb-t2' }).press('Enter')
    await config.draftBar.getByText('It is in the draft of lb-t2 too').waitFor()
    const told = (await config.draftBar.textContent()) ?? ''
    const theirs = new RegExp(`“priority ${own}”: there it is “priority (\\d+)”`).exec(told)?.[1]
    expect(theirs, told).not.toBe(before)
    expect(await window.graveFindings()).toEqual([])

    await config.file('lb-t2', 'keepalived.conf').press('Enter')
    await config.editor.getByText('# OPS-8').waitFor()
    await config.turnTo('Compare with lb-t1')
    const values = page.getByRole('table', { name: 'What each member has for itself' })
    expect(await values.getByRole('textbox', { name: 'priority on lb-t1' }).first().inputValue()).toBe(own)
    const value = values.getByRole('textbox', { name: 'priority on lb-t2' }).first()
    expect(await value.inputValue()).toBe(theirs)
    await value.fill('99 100')
    await value.press('Enter')
    await page.getByRole('alert').getByText('One word').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await value.fill('99')
    await value.press('Enter')
    expect(await window.graveFindings()).toEqual([])
    await config.turnTo('File')
    await config.editor.getByText('priority 99').waitFor()
    for (const node of ['lb-t1', 'lb-t2']) {
      await config.file(node, 'keepalived.conf').press('Enter')
      await page.getByRole('button', { name: 'Discard' }).press('Enter')
      await page.getByRole('button', { name: 'Bring it back' }).waitFor()
    }
    expect(complaints).toEqual([])
  })
})
