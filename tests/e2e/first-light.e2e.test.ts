import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { describeLab } from '../lab/describe-lab.ts'
import { ensureLab, type Lab } from '../lab/lab.ts'
import { openPage, startChromium, startShell, type Shell } from './launch.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { OperationSheet } from './pages/operation-sheet.ts'
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
  let sheet: OperationSheet

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    window = new WindowPage(page)
    inventory = new InventoryPages(page)
    pools = new PoolsPage(page)
    sheet = new OperationSheet(page)
  })
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

  it('drains a server on both balancers by key, and the daemons say so', async () => {
    await pools.filterBy('pool:be_web')
    await pools.select('web1')
    await page.keyboard.press('d')
    await sheet.commands.first().waitFor()
    expect((await sheet.commands.allTextContents()).join('\n')).toContain('set server be_web/web1 state drain')
    expect(await window.graveFindings()).toEqual([])
    await sheet.start('Drain')
    await sheet.ended()
    await sheet.close()
    await pools
      .state('web1')
      .getByText(/^drain(ing|ed)$/)
      .waitFor()
    for (const node of ['lb1', 'lb2']) {
      const { stdout } = await lab.exec(node, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
        stdin: 'show servers state be_web\n',
      })
      expect(stdout).toMatch(/ web1 \S+ \d+ 8 /)
    }
  })

  it('says why it cannot drain what is drained, and why nginx cannot be drained at run time', async () => {
    // Drained everywhere: each balancer says so with its next reading.
    const obstacle = async () => (await pools.action('Drain').getAttribute('aria-description')) ?? ''
    await expect.poll(obstacle, { timeout: 20_000 }).toContain('already')
    await pools.clearFilter()
    await pools.filterBy('kind:nginx')
    await pools.table.focus()
    await page.keyboard.press('End')
    await expect.poll(obstacle).toContain('nginx')
    await page.keyboard.press('d')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await pools.clearFilter()
  })

  it('undoes it from the history', async () => {
    await window.go('History')
    await page.getByRole('radio', { name: 'operations' }).click()
    await page
      .getByRole('row')
      .filter({ hasText: 'succeeded' })
      .filter({ hasText: 'web1' })
      .first()
      .getByRole('button')
      .first()
      .click()
    await page.getByRole('button', { name: 'Undo', exact: true }).first().click()
    await window.go('Pools')
    await pools.filterBy('pool:be_web')
    await pools.state('web1').getByText('up', { exact: true }).waitFor()
    for (const node of ['lb1', 'lb2']) {
      const { stdout } = await lab.exec(node, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
        stdin: 'show servers state be_web\n',
      })
      expect(stdout).toMatch(/ web1 \S+ \d+ 0 /)
    }
  })

  it('the history shows keys, state changes and both operations', async () => {
    await window.go('History')
    const entries = page.getByRole('region', { name: 'History entries' })
    const shows = (text: string | RegExp) => entries.getByText(text).first().waitFor()
    await shows(/Host key trusted/)
    await shows('web2 down')
    await shows('web2 up')
    await page.getByRole('radio', { name: 'operations' }).click()
    // both started and both ended
    const operations = entries.getByRole('row').filter({ hasText: 'web1' })
    await operations.nth(3).waitFor()
    expect(await operations.filter({ hasText: 'succeeded' }).count()).toBe(2)
  })

  it.each<PageName>(['Overview', 'Pools', 'Nodes', 'VIPs', 'History', 'Settings'])(
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
