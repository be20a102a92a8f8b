/** Pictures of the first run and of the practice fleet, with a failover under way. Run it after a build; it needs no lab. */
import { openPage, startChromium, startShell } from './launch.ts'
import { photograph } from './photograph.ts'
import { InventoryPages } from './pages/inventory-pages.ts'
import { PracticePage } from './pages/practice-page.ts'
import { VipsPage } from './pages/vips-page.ts'
import { WindowPage } from './pages/window-page.ts'

/** so that the charts have something to show */
const trafficMs = 30_000

const shell = await startShell()
const browser = await startChromium()
try {
  const { page } = await openPage(browser)
  const window = new WindowPage(page)
  const practice = new PracticePage(page)
  const vips = new VipsPage(page)

  await window.open(shell.url)
  await new InventoryPages(page).firstRun.waitFor()
  await photograph(page, 'first-run')
  await practice.door.click()
  await practice.bar.waitFor()
  await window.status.getByText('16 up').waitFor()
  await page.waitForTimeout(trafficMs)
  await photograph(page, 'practice-overview')
  await practice.openTroubles()
  await photograph(page, 'practice-trouble')
  await page.keyboard.press('Escape')
  await window.go('VIPs')
  await vips.holder('VI_TYO', 'lb-t1').waitFor()
  await practice.makeTrouble('Kill HAProxy', 'lb-t1')
  await practice.makeTrouble('Slow a server', 'osa-web2')
  await vips.holder('VI_TYO', 'lb-t2').waitFor()
  await photograph(page, 'practice-failover')
} finally {
  await browser.close()
  await shell.stop()
}
