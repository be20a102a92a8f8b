import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type * as Electron from 'electron'
import { AppError } from '../../app/app-error.ts'
import type { PrintPage } from '../../app/ports/print-page.ts'

/** Electron prints by itself, in a window that nobody sees and that runs no script. */
export const createPrintPage =
  ({ BrowserWindow }: Pick<typeof Electron, 'BrowserWindow'>): PrintPage =>
  async (html, signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'evenkeel-pdf-'))
    const window = new BrowserWindow({
      show: false,
      webPreferences: { sandbox: true, contextIsolation: true, nodeIntegration: false, javascript: false },
    })
    try {
      const page = join(folder, 'report.html')
      await writeFile(page, html)
      await window.loadFile(page)
      signal.throwIfAborted()
      return await window.webContents.printToPDF({ printBackground: true })
    } catch (cause) {
      signal.throwIfAborted()
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new AppError('exec.failed', `The report could not be printed: ${why}`, { cause })
    } finally {
      window.destroy()
      await rm(folder, { recursive: true, force: true })
    }
  }
