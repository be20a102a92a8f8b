/**
 * The browser shell: `evenkeel serve`, and `evenkeel start` where Electron is not wanted or cannot be had.
 * The whole application in one Node process bound to loopback; the window is a browser's.
 */
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createDispatcher } from '../../app/dispatcher.ts'
import { composeFor } from '../../compose.ts'
import { thisMachine } from '../installed-browser.ts'
import { printPage } from '../print-page.ts'
import { chooseBrowser, openAppWindow } from './app-window.ts'
import { startServer } from './server.ts'

const USAGE = `usage: evenkeel serve [--port N] [--json]
       evenkeel start [--port N]

serve  runs Evenkeel for a browser on this machine and prints its address
start  the same, and opens it in an app window of an installed Chrome, Chromium, Edge or Brave

  --port N   listen on this loopback port (default: any free one)
  --json     print {"url": …, "port": …} instead of sentences
`

const HANDED_OVER_WITHIN_MS = 3_000

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function readArguments(argv: string[]): { open: boolean; port: number; json: boolean } | null {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { port: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    const port = Number(values.port ?? 0)
    const [word, ...rest] = positionals
    if (values.help || rest.length > 0 || (word !== 'serve' && word !== 'start')) return null
    if (!Number.isInteger(port) || port < 0 || port > 65535) return null
    return { open: word === 'start', port, json: values.json ?? false }
  } catch {
    return null
  }
}

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2))
  if (options === null) {
    process.stderr.write(USAGE)
    return process.argv.includes('--help') || process.argv.includes('-h') ? 0 : 2
  }
  const console = await composeFor('browser', { printPage })
  const dispatcher = createDispatcher({ handlers: console.handlers, log: console.log })
  console.onEvent((name, payload) => dispatcher.publish(name, payload))
  const server = await startServer({
    dispatcher,
    caller: { user: `${userInfo().username}@${hostname()}`, shell: 'browser' },
    windowFolder: join(import.meta.dirname, '../renderer'),
    port: options.port,
  })
  await console.start()

  let closeWindow = (): void => undefined
  let stopping: Promise<void> | null = null
  const stop = (): Promise<void> => {
    closeWindow()
    return (stopping ??= server.close().then(() => console.stop()))
  }
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void stop().then(resolve))
    const choice = options.open ? chooseBrowser(thisMachine) : null
    if (options.json) print(JSON.stringify({ url: server.url, port: server.port }))
    else if (choice === null) print(`Evenkeel is at ${server.url}`)
    else if ('why' in choice)
      print(
        `No window was opened: ${choice.why}.\nEvenkeel is at ${server.url}\nOpen it in a browser on this machine; Ctrl-C stops it.`,
      )
    else {
      print(`Opening Evenkeel in ${choice.browser}. Closing its window stops it.`)
      const window = openAppWindow(choice.browser, server.ticketUrl(), join(console.dataFolder, 'browser-profile'))
      const openedAt = performance.now()
      closeWindow = () => void window.kill()
      window.once('error', (error) =>
        print(`${choice.browser} did not start (${error.message}).\nEvenkeel is at ${server.url}`),
      )
      window.once('exit', (code) => {
        // A browser that already runs with this profile takes the window over, and the new process ends at once.
        const wasClosed = code === 0 && performance.now() - openedAt > HANDED_OVER_WITHIN_MS
        if (wasClosed) void stop().then(resolve)
        else if (stopping === null) print(`Evenkeel goes on at ${server.url}\nCtrl-C stops it.`)
      })
    }
  })
  await stopped
  return 0
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`evenkeel: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(5)
  },
)
