/** The real Electron, where its binary could be downloaded: one window, our page, no Node in it. Says aloud when it is skipped. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { _electron } from 'playwright-core'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

function electronBinary(): string | null {
  const pathFile = join(root, 'node_modules/electron/path.txt')
  if (!existsSync(pathFile)) return null
  const binary = join(root, 'node_modules/electron/dist', readFileSync(pathFile, 'utf8').trim())
  return existsSync(binary) ? binary : null
}

const binary = electronBinary()
const hasDisplay = process.platform !== 'linux' || Boolean(process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'])
const why =
  binary === null ? 'Electron’s binary is not downloaded (npx install-electron)' : hasDisplay ? null : 'there is no display'
if (why !== null) console.warn(`SKIPPED the Electron smoke test: ${why}.`)

it.skipIf(why !== null)('the desktop shell opens one sandboxed window with our page', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'evenkeel-electron-'))
  const app = await _electron.launch({
    executablePath: binary ?? '',
    args: [root],
    env: { ...(process.env as Record<string, string>), EVENKEEL_DATA: dataFolder },
  })
  try {
    const window = await app.firstWindow()
    await window.getByRole('main').waitFor()
    expect(new URL(window.url()).origin).toBe('app://console')
    expect(await window.evaluate(() => typeof (globalThis as { require?: unknown }).require)).toBe('undefined')
    expect(await window.evaluate(() => Object.keys((globalThis as unknown as { evenkeel: object }).evenkeel).sort())).toEqual([
      'call',
      'cancel',
      'subscribe',
    ])
    expect(app.windows()).toHaveLength(1)
  } finally {
    await app.close()
    rmSync(dataFolder, { recursive: true, force: true })
  }
})
