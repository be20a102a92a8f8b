import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeLab } from '../lab/describe-lab.ts'
import { ensureLab, type Lab } from '../lab/lab.ts'
import { openPage, startChromium, startShell, type Shell } from './launch.ts'
import { ConfigPage } from './pages/config-page.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { PushSheet } from './pages/push-sheet.ts'
import { WindowPage } from './pages/window-page.ts'

const path = '/etc/haproxy/haproxy.cfg'

/** A weight is edited in the form, pushed to a pair of real balancers, undone; what a daemon refuses is told with its line. By keyboard. */
describeLab('pushes in the window', () => {
  let lab: Lab
  let shell: Shell
  let browser: Browser
  let page: Page
  let complaints: string[]
  let window: WindowPage
  let config: ConfigPage
  let push: PushSheet
  let before: string[]

  const files = () => Promise.all(['lb1', 'lb2'].map(async (node) => (await lab.exec(node, ['cat', path])).stdout))
  /** what the running processes say */
  const weights = () =>
    Promise.all(
      ['lb1', 'lb2'].map(async (node) => {
        const ask = ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'] as const
        const { stdout } = await lab.exec(node, [...ask], { stdin: 'get weight be_web/web2\n' })
        return stdout.trim()
      }),
    )

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    before = await files()
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    page.setDefaultTimeout(30_000)
    window = new WindowPage(page)
    config = new ConfigPage(page)
    push = new PushSheet(page)
    await window.open(shell.url)
    await window.go('Settings')
    await new InventoryPages(page).importText(readFileSync(lab.inventoryFile, 'utf8'), dirname(lab.inventoryFile))
    await window.go('Config')
    await config.file('lb2', 'haproxy.cfg').press('Enter')
    await config.editor.getByText('use_backend').first().waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await shell?.stop()
    await lab?.restoreAll()
  })

  it('takes over into a draft what another hand has changed meanwhile, and says so where both mean the same lines', async () => {
    const byHand = (script: string) => lab.exec('lb2', ['sed', '-i', script, path])
    const write = async (text: string): Promise<void> => {
      await config.editor.focus()
      await page.keyboard.press('Control+Home')
      await page.keyboard.type(text)
      await config.draftBar.waitFor()
    }
    await write('# mine\n')
    await byHand('s/timeout queue 5s/timeout queue 6s/')
    await config.readAgain()
    await config.draftBar.getByText('the file has changed on the node since').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await page.getByRole('button', { name: 'Take over what changed' }).press('Enter')
    await config.draftBar.getByText('the file has changed on the node since').waitFor({ state: 'detached' })
    await config.editor.getByText('timeout queue 6s').waitFor()
    await config.editor.getByText('# mine').waitFor()

    await byHand('1s/^/# theirs\\n/')
    await config.readAgain()
    await page.getByRole('button', { name: 'Take over what changed' }).press('Enter')
    await page.getByText('have changed the same lines').waitFor()
    await page.getByRole('button', { name: 'Discard' }).press('Enter')
    await byHand('1d; s/timeout queue 6s/timeout queue 5s/')
    await config.readAgain()
    await config.editor.getByText('timeout queue 5s').waitFor()
    expect(await files()).toEqual(before)
  })

  it('shows the order, the change in words and what each daemon says of it, and asks for a reason', async () => {
    await config.turnTo('Form')
    await page.getByRole('checkbox', { name: 'The same change on lb1 too' }).press('Space')
    const weight = page.getByRole('spinbutton', { name: 'Weight of web2' })
    await weight.fill('7')
    await weight.press('Enter')
    await page.getByText(/2 drafts/).waitFor()
    await push.open()
    for (const node of ['lb1', 'lb2']) await push.lane(node, 'haproxy').getByText('haproxy accepts it').waitFor()
    await push.lane('lb1', 'haproxy').getByText('server be_web/web2: weight').waitFor()
    expect(await push.sheet.getByRole('article').allTextContents()).toEqual([
      expect.stringContaining('lb2'),
      expect.stringMatching(/lb1.*holds a VIP/s),
    ])
    expect(await push.sheet.getByRole('button', { name: /^Push/ }).getAttribute('aria-description')).toBe('Say why.')
    expect(await window.graveFindings()).toEqual([])
  })

  it('puts it on the pair, the standby first, and shows every stage; the drafts are none any more', async () => {
    await push.watchFor(2)
    await push.start('more to web2, OPS-7')
    expect(await window.graveFindings()).toEqual([])
    await push.live.getByText('serving', { exact: false }).first().waitFor()
    await push.ended('succeeded')
    expect(await push.live.getByRole('row').filter({ hasText: 'in force' }).count()).toBe(2)
    expect(await window.graveFindings()).toEqual([])
    expect(await weights()).toEqual(['7 (initial 7)', '7 (initial 7)'])
    expect(await files()).toEqual(before.map((text) => text.replace(/(server web2 .*) check/, '$1 check weight 7')))
    await push.close()
    await page.getByText(/2 drafts/).waitFor({ state: 'detached' })
  })

  it('what a daemon refuses is told with file and line before anything is begun, and leads there', async () => {
    await config.turnTo('File')
    await config.side.getByRole('button', { name: /pool be_api/ }).press('Enter')
    await config.editor.focus()
    await page.keyboard.press('End')
    await page.keyboard.type('\n    ballance roundrobin')
    await push.open()
    const lane = push.lane('lb2', 'haproxy')
    await lane.getByText('haproxy refuses it').waitFor()
    expect(await push.sheet.getByRole('button', { name: /^Push/ }).getAttribute('aria-description')).toContain(
      'does not accept',
    )
    expect(await window.graveFindings()).toEqual([])
    await lane
      .getByRole('button', { name: new RegExp(`^Go to ${path}:\\d+$`) })
      .first()
      .press('Enter')
    await push.sheet.waitFor({ state: 'detached' })
    await expect.poll(() => config.activeLine.textContent()).toContain('ballance')
    await page.getByRole('button', { name: 'Discard' }).press('Enter')
    await page.getByRole('button', { name: 'Bring it back' }).waitFor()
  })

  it('is found in the history, and is undone from there', async () => {
    await window.go('History')
    await page
      .getByRole('button', { name: /^Push succeeded: / })
      .first()
      .press('Enter')
    await push.live.getByText('more to web2, OPS-7').waitFor()
    await push.sheet.getByRole('button', { name: 'Undo…' }).press('Enter')
    const plan = push.sheet.getByRole('list', { name: 'What the undo changes' })
    await plan.getByText('server be_web/web2: weight').first().waitFor()
    expect(await window.graveFindings()).toEqual([])
    await push.reason.press('Enter')
    await push.sheet.getByText('Takes back an earlier push').waitFor()
    await push.ended('succeeded')
    expect(await files()).toEqual(before)
    await push.close()
  })

  it('every version of the file is kept: two are compared, and an older one goes the same way again', async () => {
    await window.go('Config')
    await config.file('lb2', 'haproxy.cfg').press('Enter')
    await config.turnTo('Versions')
    const rows = page.getByRole('row').filter({ has: page.getByRole('radio') })
    // newest first: the undo, the push, and what was there when the file was first read
    const pushed = rows.filter({ hasText: 'more to web2, OPS-7' }).last()
    await rows
      .last()
      .getByRole('radio', { name: /^Compare from/ })
      .press('Space')
    await pushed.getByRole('radio', { name: /^Compare to/ }).press('Space')
    await page.getByRole('list', { name: 'Changes' }).getByText('server be_web/web2: weight').waitFor()
    expect(await window.graveFindings()).toEqual([])
    await pushed.getByRole('button', { name: 'Roll back to this…' }).press('Enter')
    await push.lane('lb2', 'haproxy').getByText('haproxy accepts it').waitFor()
    await push.lane('lb2', 'haproxy').getByText('server be_web/web2: weight').waitFor()
    await page.keyboard.press('Escape')
    await push.sheet.waitFor({ state: 'detached' })
  })

  it('never complained on the console', () => {
    expect(complaints).toEqual([])
  })
})
