import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeLab } from '../lab/describe-lab.ts'
import { ensureLab, type Lab } from '../lab/lab.ts'
import { openPage, startChromium, startShell, type Shell } from './launch.ts'
import { ConfigPage } from './pages/config-page.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { WindowPage } from './pages/window-page.ts'

/** Somebody edited two files by hand: a weight on one member of a pair, and a broken line in nginx on another node. */
describeLab('configuration in the window', () => {
  let lab: Lab
  let shell: Shell
  let browser: Browser
  let page: Page
  let complaints: string[]
  let window: WindowPage
  let config: ConfigPage

  const edit = (node: string, path: string, script: string) =>
    lab.exec(node, ['sh', '-c', `sed -i '${script}' ${path} && touch -d '+3 seconds' ${path}`])

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    await edit('lb2', '/etc/haproxy/haproxy.cfg', 's/\\(server web2 .*\\) check/\\1 check weight 7/')
    await edit('lb4', '/etc/nginx/conf.d/site.conf', 's/keepalive 16;/keepalive 16/')
    shell = await startShell()
    browser = await startChromium()
    ;({ page, complaints } = await openPage(browser))
    window = new WindowPage(page)
    config = new ConfigPage(page)
    await window.open(shell.url)
    await window.go('Settings')
    await new InventoryPages(page).importText(readFileSync(lab.inventoryFile, 'utf8'), dirname(lab.inventoryFile))
    await window.go('Config')
    await config.file('lb4', 'keepalived.conf').waitFor()
  })
  afterAll(async () => {
    await browser?.close()
    await shell?.stop()
    await lab?.restoreAll()
  })

  it('shows a file as it is on the node, without its password', async () => {
    await config.file('lb1', 'haproxy.cfg').click()
    await config.editor.getByText('use_backend').first().waitFor()
    await config.file('lb1', 'keepalived.conf').click()
    await config.editor.getByText('vrrp_instance').first().waitFor()
    expect(await config.editor.textContent()).toMatch(/auth_pass \*\*\*[0-9a-f]{4}/)
    expect(await page.content()).not.toContain('labpass1')
    expect(await window.graveFindings()).toEqual([])
  })

  it('jumps from the outline and from a finding to the line', async () => {
    await config.file('lb1', 'haproxy.cfg').click()
    await config.side.getByRole('button', { name: /pool be_api/ }).click()
    await expect.poll(() => config.activeLine.textContent()).toBe('backend be_api')
    await config.side.getByRole('button', { name: /be_static\/static2 is not checked/ }).click()
    await expect.poll(() => config.activeLine.textContent()).toContain('server static2')
  })

  it('says that an edit is not loaded and how the members differ, in words and in lines', async () => {
    const edited = config.file('lb2', 'haproxy.cfg')
    expect(await edited.textContent()).toMatch(/not loaded.*differs from the other member/)
    expect(await config.file('lb2', 'keepalived.conf').textContent()).not.toContain('differs')
    await edited.click()
    await page.getByRole('radio', { name: 'Compare with lb1' }).click()
    const changes = page.getByRole('list', { name: 'Changes' })
    await changes.getByText('server be_web/web2: weight').waitFor()
    expect(await changes.getByRole('listitem').count()).toBe(1)
    expect(await changes.textContent()).toContain('at run time')
    for (const layout of ['Side by side', 'One column']) {
      await page.getByRole('radio', { name: layout }).click()
      await page.locator('.cm-changedText', { hasText: 'weight 7' }).waitFor()
      expect(await window.graveFindings()).toEqual([])
    }
    await changes.getByRole('button').click()
    await expect.poll(() => config.activeLine.textContent()).toContain('weight 7')
  })

  it('searches every file of the fleet', async () => {
    await config.search.fill('keepalive 16')
    const hits = page.getByRole('region', { name: 'Lines found' })
    await hits.getByText(/^\d lines$/).waitFor()
    await hits.getByRole('button').last().click()
    await expect.poll(() => config.activeLine.textContent()).toContain('keepalive 16')
    await config.side.getByText('"keepalive" is not ended by ";" before "}"').waitFor()
    await config.search.fill('nothing has this')
    await page.getByText('No file has a line with').waitFor()
    await config.search.fill('')
  })

  it('has no serious accessibility finding in either theme, keeps its place over a reload, and never complained', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await window.graveFindings()).toEqual([])
    }
    await window.reload()
    await config.editor.getByText('keepalive 16').waitFor()
    expect(complaints).toEqual([])
  })
})
