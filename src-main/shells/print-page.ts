import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { AppError } from '../app/app-error.ts'
import type { PrintPage } from '../app/ports/print-page.ts'
import { findBrowser, thisMachine } from './installed-browser.ts'

const printMs = 60_000

/** Has an installed Chromium do it. */
export const printPage: PrintPage = async (html, signal) => {
  const browser = findBrowser(thisMachine)
  if (browser === null) {
    throw new AppError(
      'exec.not-found',
      'To print a PDF, a Chromium, Chrome, Edge or Brave has to be installed on this computer; the report as HTML needs none.',
    )
  }
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-pdf-'))
  try {
    const page = join(folder, 'report.html')
    const printed = join(folder, 'report.pdf')
    await writeFile(page, html)
    const args = [
      '--headless',
      '--disable-gpu',
      '--no-pdf-header-footer',
      `--user-data-dir=${join(folder, 'profile')}`,
      `--print-to-pdf=${printed}`,
      // Chromium refuses to run as root with it; the page is our own, and its policy lets nothing in
      ...(thisMachine.uid === 0 ? ['--no-sandbox'] : []),
      pathToFileURL(page).href,
    ]
    const said = await promisify(execFile)(browser, args, { timeout: printMs, signal }).catch((cause: unknown) => cause)
    signal.throwIfAborted()
    const pdf = await readFile(printed).catch(() => null)
    if (pdf !== null) return pdf
    throw new AppError(
      'exec.failed',
      `${browser} printed nothing${said instanceof Error ? `: ${said.message.slice(0, 500)}` : '.'}`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}
