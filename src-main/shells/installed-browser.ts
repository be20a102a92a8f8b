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

export interface Machine {
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

/** The first of those that are installed; null: none is. */
export const findBrowser = (machine: Machine): string | null =>
  candidates(machine).find((path) => machine.isExecutable(path)) ?? null

function candidates({ platform, env }: Machine): string[] {
  if (platform === 'darwin') return ON_MAC
  if (platform === 'win32') {
    const roots = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']].filter((root) => root !== undefined)
    return roots.flatMap((root) => ON_WINDOWS.map((path) => `${root}\\${path}`))
  }
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  return ON_PATH.flatMap((name) => folders.map((folder) => join(folder, name)))
}
