import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Page } from 'playwright-core'

const folder = resolve(import.meta.dirname, '../../docs/screenshots')
const sizes = [
  { width: 1440, height: 900 },
  { width: 1024, height: 700 },
] as const
const themes = ['dark', 'light'] as const

/** What the page shows now, light and dark, wide and narrow, into docs/screenshots. */
export async function photograph(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
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
