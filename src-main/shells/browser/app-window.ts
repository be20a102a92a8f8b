import { spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where an installed Chromium-family browser may be: names on PATH, and the usual places of macOS and Windows. */
const ON_PATH = [
  'google-chrome',
  'google-chrome-stable',
  'chromium',
  'chromium-browser',
  'microsoft-edge',
  'microsoft-edge-stable',
  'brave-browser',
]
const ON_MAC = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Brave Browser.app/Contents/MacOS/Brave Browser',
]
const ON_WINDOWS = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
  'Chromium\\Application\\chrome.exe',
]

interface Machine {
  platform: NodeJS.Platform
  env: NodeJS.ProcessEnv
  uid: number | undefined
  isExecutable: (path: string) => boolean
}

export const thisMachine: Machine = {
  platform: process.platform,
  env: process.env,
  uid: process.getuid?.(),
  isExecutable(path) {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  },
}

export type Choice = { browser: string } | { why: string }

/** The browser to open an app window with, or the reason why there will be none. */
export function chooseBrowser(machine: Machine): Choice {
  const { platform, env } = machine
  if (platform === 'linux' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return { why: 'this session has no display' }
  if (platform !== 'win32' && machine.uid === 0) return { why: 'Chromium refuses to run as root with its sandbox on' }
  const found = candidates(machine).find((path) => machine.isExecutable(path))
  return found === undefined ? { why: 'no Chrome, Chromium, Edge or Brave is installed' } : { browser: found }
}

function candidates({ platform, env }: Machine): string[] {
  if (platform === 'darwin') return ON_MAC
  if (platform === 'win32') {
    const roots = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']].filter((root) => root !== undefined)
    return roots.flatMap((root) => ON_WINDOWS.map((path) => `${root}\\${path}`))
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  return ON_PATH.flatMap((name) => folders.map((folder) => join(folder, name)))
}

/** Opens the address in a window of its own, with a profile of its own. */
export function openAppWindow(browser: string, url: string, profileFolder: string): ChildProcess {
  return spawn(
    browser,
    [
      `--app=${url}`,
      `--user-data-dir=${profileFolder}`,
      '--no-first-run',
      '--no-default-browser-check',
      '--class=Evenkeel',
      '--window-size=1440,900',
    ],
    { stdio: 'ignore' },
  )
}
