import { readFileSync } from 'node:fs'
import type * as Electron from 'electron'
import { expect, it } from 'vitest'
import { createPrintPage } from '../../../../src-main/shells/desktop/print-page.ts'

const { signal } = new AbortController()

/** What is used of Electron. */
function standIn(print: () => Promise<Buffer>) {
  const seen: { options?: { show?: boolean; webPreferences?: object }; page?: string; destroyed: number } = { destroyed: 0 }
  class BrowserWindow {
    webContents = { printToPDF: print }
    constructor(options: { show?: boolean; webPreferences?: object }) {
      seen.options = options
    }
    loadFile = async (path: string) => void (seen.page = readFileSync(path, 'utf8'))
    destroy = () => void (seen.destroyed += 1)
  }
  return { seen, electron: { BrowserWindow } as unknown as Pick<typeof Electron, 'BrowserWindow'> }
}

it('prints in a window that nobody sees, that runs nothing, and that is gone afterwards', async () => {
  const { seen, electron } = standIn(async () => Buffer.from('%PDF-'))
  expect(await createPrintPage(electron)('<p>a report</p>', signal)).toEqual(Buffer.from('%PDF-'))
  expect(seen).toMatchObject({ page: '<p>a report</p>', destroyed: 1, options: { show: false } })
  expect(seen.options?.webPreferences).toMatchObject({ sandbox: true, javascript: false, nodeIntegration: false })
})

it('says what went wrong', async () => {
  const { seen, electron } = standIn(() => Promise.reject(new Error('no paper')))
  await expect(createPrintPage(electron)('', signal)).rejects.toMatchObject({
    code: 'exec.failed',
    message: 'The report could not be printed: no paper',
  })
  expect(seen.destroyed).toBe(1)
})
