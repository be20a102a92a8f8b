import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { describeLab } from '../lab/describe-lab.ts'
import { ensureLab, type Lab } from '../lab/lab.ts'
import { openPage, startChromium, startShell, type Shell } from './launch.ts'
import { DrainSheet } from './pages/drain-sheet.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { PoolsPage } from './pages/pools-page.ts'
import { WindowPage, type PageName } from './pages/window-page.ts'

/** The lab's inventory as somebody would paste it who has no known hosts for it: every key must be shown and asked. */
function inventoryWithoutKnownHosts(lab: Lab): string {
  const inventory = parse(readFileSync(lab.inventoryFile, 'utf8')) as { nodes: { ssh: { knownHostsFile?: string } }[] }
  for (const { ssh } of inventory.nodes) delete ssh.knownHostsFile
  return stringify(inventory)
}

/**
 * One story, in order: a newcomer with an empty data folder adds balancers, trusts their keys, takes a server out of rotation, puts
 * it back and finds everything in the history. Real sshd, HAProxy, nginx and keepalived; a real Chromium; nothing is faked.
 */
describeLab('first light', () => {
  let lab: Lab
  let shell: Shell
  let browser: Browser
  let page: Page
  let complaints: string[]
  let window: WindowPage
  let inventory: InventoryPages
  let pools: PoolsPage
  let sheet: DrainSheet

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    window = new WindowPage(page)
    inventory = new InventoryPages(page)
    pools = new PoolsPage(page)
    sheet = new DrainSheet(page)
  })
  /** `srv_admin_state` of web1, as both daemons say it */
  const adminStates = () =>
    Promise.all(
      ['lb1', 'lb2'].map(async (node) => {
        const { stdout } = await lab.exec(node, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
          stdin: 'show servers state be_web\n',
        })
        return / web1 \S+ \d+ (\d+) /.exec(stdout)?.[1]
      }),
    )
  afterAll(async () => {
    await browser?.close()
    await shell?.stop()
    await lab?.restoreAll()
  })

  it('takes the launch token out of the address, and a reload still gets in', async () => {
    expect(new URL(shell.url).hash).toContain('token=')
    await window.open(shell.url)
    await inventory.firstRun.waitFor()
    expect(page.url()).not.toContain('token')
    await window.reload()
    await inventory.firstRun.waitFor()
    expect(page.url()).not.toContain('token')
    expect(await window.graveFindings()).toEqual([])
  })

  it('adds one balancer by form and asks about its host key before anything is sent', async () => {
    const lb1 = lab.node('lb1')
    await inventory.addByForm({ host: lb1.management, id: lb1.id, user: lb1.user, identityFile: lab.userKey })
    // the window goes to the node that was added, where the question stands
    await page.getByRole('button', { name: 'Trust this key' }).waitFor()
    expect(await window.graveFindings()).toEqual([])
    const offered = await inventory.trustKey()
    const really = await lab.exec('lb1', ['ssh-keygen', '-lf', '/etc/ssh/lab_host_key'])
    expect(offered).toContain(/SHA256:\S+/.exec(really.stdout)?.[0])
  })

  it('imports the others from text; their keys are asked one by one', async () => {
    await window.go('Settings')
    const result = await inventory.importText(inventoryWithoutKnownHosts(lab), dirname(lab.inventoryFile))
    expect(result).toBe('3 to add, 1 to replace, 0 to remove, 0 unchanged')
    await window.go('Nodes')
    for (const id of ['lb2', 'lb3', 'lb4']) {
      await inventory.chooseNode(id)
      await inventory.trustKey()
    }
    await window.status.getByText('4 fresh').waitFor()
  })

  it('shows every pool of HAProxy and nginx, live', async () => {
    await window.go('Pools')
    await pools.state('web1').getByText('up', { exact: true }).waitFor()
    await pools.filterBy('kind:nginx site:tyo')
    await pools.table.getByRole('row').filter({ hasText: 'nginx http' }).first().waitFor()
    expect(await pools.table.getByText('haproxy http').count()).toBe(0)
    await pools.clearFilter()
  })

  it('a stopped backend is down within a few polls, and up again', async () => {
    await pools.filterBy('pool:be_web')
    await lab.stopBackend('b2')
    await pools.state('web2').getByText('down', { exact: true }).waitFor()
    await lab.startBackend('b2')
    await pools.state('web2').getByText('up', { exact: true }).waitFor()
    await pools.clearFilter()
  })

  it('shows what a drain would do before it is done, and refuses without a reason', async () => {
    await pools.filterBy('pool:be_web')
    await pools.select('web1')
    await page.keyboard.press('d')
    await sheet.commands.first().waitFor()
    expect((await sheet.commands.allTextContents()).join('\n')).toContain('set server be_web/web1 state drain')
    // the floor with its figures, and who carries what
    await sheet.sheet.getByText(/2 of 3 go on taking traffic on lb1, lb2; at least 1 must/).waitFor()
    await sheet.sheet.getByRole('rowheader', { name: /web2/ }).first().waitFor()
    expect(await sheet.startButton.getAttribute('aria-description')).toBe('Say why first.')
    expect(await window.graveFindings()).toEqual([])
  })

  it('refuses to go below the floor, with the figures, unless somebody says why', async () => {
    await sheet.sheet.getByText('Options', { exact: true }).click()
    await sheet.sheet.getByLabel('Must go on taking traffic, per pool and balancer').fill('3')
    await sheet.sheet.getByText(/3 of 3 take traffic now, 2 would remain, 3 must/).waitFor()
    await sheet.reason.fill('kernel update')
    await expect.poll(() => sheet.startButton.getAttribute('aria-description')).toContain('Too few servers')
    await sheet.sheet.getByLabel('Why may it be overridden?').fill('night window')
    await expect.poll(() => sheet.startButton.getAttribute('aria-description')).toBeNull()
    expect(await window.graveFindings()).toEqual([])
    await sheet.sheet.getByLabel('Must go on taking traffic, per pool and balancer').fill('1')
    await sheet.sheet.getByText(/2 of 3 go on taking traffic/).waitFor()
  })

  it('drains on both balancers with a reason and Enter, and proves it empty', async () => {
    await sheet.start('kernel update')
    await sheet.live.getByText('Empty on every balancer, and kept out.').waitFor()
    // one proof per balancer
    expect(await sheet.live.getByText(/srv_admin_state=8/).count()).toBe(2)
    await sheet.close()
    await pools.state('web1').getByText('drained', { exact: true }).waitFor()
    await pools.row('web1').getByText('kernel update').waitFor()
    expect(await adminStates()).toEqual(['8', '8'])
  })

  it('says why it cannot be drained twice, and finds it by its drain', async () => {
    const obstacle = async () => (await pools.action('Drain').getAttribute('aria-description')) ?? ''
    await expect.poll(obstacle).toContain('A drain keeps it out: be_web/web1')
    await pools.clearFilter()
    await pools.filterBy('drain:open')
    await pools.row('web1').waitFor()
    expect(await pools.row('web2').count()).toBe(0)
    await pools.clearFilter()
  })

  it('sets it again when somebody brings it back by hand, and says so', async () => {
    await window.go('Drains')
    await page.getByRole('row').getByRole('button', { name: /web1/ }).click()
    await lab.exec('lb1', ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
      stdin: 'set server be_web/web1 state ready\n',
    })
    const details = page.getByRole('complementary', { name: 'Drain of be_web/web1' })
    await details.getByText(/Came back 1 time/).waitFor()
    await details.getByText(/set again .* later/).waitFor()
    await expect.poll(adminStates).toEqual(['8', '8'])
    expect(await window.graveFindings()).toEqual([])
  })

  it('holds, goes on and puts it back as it was', async () => {
    const details = page.getByRole('complementary', { name: 'Drain of be_web/web1' })
    await details.getByRole('button', { name: 'Hold' }).click()
    await details.getByRole('button', { name: 'Resume' }).click()
    await details.getByRole('button', { name: 'Hold' }).waitFor()
    await details.getByRole('button', { name: 'Put back' }).click()
    await details.getByText('put back', { exact: true }).first().waitFor()
    await page.getByText('Nothing is drained now.').waitFor()
    expect(await adminStates()).toEqual(['0', '0'])
    await window.go('Pools')
    await pools.filterBy('pool:be_web')
    await pools.state('web1').getByText('up', { exact: true }).waitFor()
    await pools.clearFilter()
  })

  it('the history shows keys, state changes, the drain and its operations', async () => {
    await window.go('History')
    const entries = page.getByRole('region', { name: 'History entries' })
    const shows = (text: string | RegExp) => entries.getByText(text).first().waitFor()
    await shows(/Host key trusted/)
    await shows('web2 down')
    await shows('web2 up')
    await page.getByRole('radio', { name: 'operations' }).click()
    for (const text of [/^Taken out: be_web\/web1/, /^Takes traffic again/, /^Taken out again/, /^Empty: /, /^Drain over/]) {
      await shows(text)
    }
    await entries.getByRole('row').filter({ hasText: 'succeeded' }).filter({ hasText: 'web1' }).first().waitFor()
  })

  it.each<PageName>(['Overview', 'Pools', 'Drains', 'Nodes', 'VIPs', 'History', 'Settings'])(
    '%s has no serious accessibility finding in either theme',
    async (name) => {
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme })
        await window.go(name)
        expect(await window.graveFindings()).toEqual([])
      }
    },
  )

  it('shows the drawer of a server, kept by a reload, without a finding', async () => {
    await window.go('Pools')
    await pools.row('web2').dblclick()
    await pools.drawer.getByRole('img').first().waitFor()
    expect(await window.graveFindings()).toEqual([])
    await window.reload()
    await pools.drawer.getByRole('heading', { name: 'web2' }).waitFor()
  })

  it('never complained on the console', () => {
    expect(complaints).toEqual([])
  })
})
