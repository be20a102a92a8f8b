import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { findBrowser, thisMachine } from '../installed-browser.ts'
import { CliError } from './exit-codes.ts'

const printMs = 60_000
const failed = (message: string): CliError => new CliError({ code: 'request.invalid', message, effect: 'none', details: {} })

/** Has an installed Chromium print a page of ours, which loads nothing and runs nothing, into a file. */
export async function printPdf(html: string, out: string): Promise<void> {
  const browser = findBrowser(thisMachine)
  if (browser === null) {
    throw failed('To print a PDF, a Chromium, Chrome, Edge or Brave has to be installed; "--format html" needs none.')
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
    const said = await promisify(execFile)(browser, args, { timeout: printMs }).catch((cause: unknown) => cause)
    const pdf = await readFile(printed).catch(() => null)
    if (pdf === null)
      throw failed(`${browser} printed nothing${said instanceof Error ? `: ${said.message.slice(0, 500)}` : '.'}`)
    await writeFile(resolve(out), pdf)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}
