import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

/** The real browser shell with an empty data folder, and a real Chromium looking at it. */
export interface Shell {
  /** with the launch token in its fragment */
  readonly url: string
  readonly dataFolder: string
  /** what it wrote to stderr so far */
  log(): string
  stop(): Promise<void>
}

const root = resolve(import.meta.dirname, '../..')
const startMs = 60_000
const stopMs = 20_000

async function addressFrom(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('The shell was started without a pipe.')
  for await (const line of createInterface(child.stdout)) {
    const reply: unknown = line.startsWith('{') ? JSON.parse(line) : null
    if (reply !== null && typeof reply === 'object' && 'url' in reply && typeof reply.url === 'string') return reply.url
  }
  throw new Error('The shell ended without printing its address.')
}

/**
 * `evenkeel serve` in a process of its own. HOME is an empty folder too: no ssh_config, no known hosts and no keys of whoever
 * runs the tests have a part in them.
 * @param beside a shell whose data folder it looks into: while that one drives, it is a viewer
 */
export async function startShell(beside?: Pick<Shell, 'dataFolder'>): Promise<Shell> {
  const home = mkdtempSync(join(tmpdir(), 'evenkeel-e2e-'))
  const dataFolder = beside?.dataFolder ?? join(home, 'data')
  const { SSH_AUTH_SOCK: _, ...environment } = process.env
  const child = spawn(process.execPath, [join(root, 'resources/evenkeel.mjs'), 'serve', '--json'], {
    cwd: root,
    env: { ...environment, HOME: home, EVENKEEL_DATA: dataFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = once(child, 'exit')
  const stop = async () => {
    const deadline = setTimeout(() => child.kill('SIGKILL'), stopMs)
    child.kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await ended
    clearTimeout(deadline)
    rmSync(home, { recursive: true, force: true })
  }
  const late = AbortSignal.timeout(startMs)
  const tooLate = once(late, 'abort').then(() => {
    throw new Error(`The shell printed no address within ${startMs} ms.`)
  })
  try {
    return { url: await Promise.race([addressFrom(child), tooLate]), dataFolder, log: () => errors, stop }
  } catch (error) {
    await stop()
    throw new Error(`The browser shell did not start: ${errors}`, { cause: error })
  }
}

/** The Chromium to use: the one that EVENKEEL_CHROMIUM names, else one of the system's. */
export function findChromium(): string | null {
  const installed = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
  return process.env['EVENKEEL_CHROMIUM'] ?? installed ?? null
}

/** A Chromium that asks nobody anything. Root needs `--no-sandbox`, which is for tests alone. */
export function startChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('No Chromium was found; name one with EVENKEEL_CHROMIUM.')
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page whose console errors and exceptions are collected: a test ends by expecting none. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`exception: ${error.stack ?? error.message}`))
  return { page, complaints }
}
