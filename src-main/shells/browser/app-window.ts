import { spawn, type ChildProcess } from 'node:child_process'
import { findBrowser, type Machine } from '../installed-browser.ts'

export type Choice = { browser: string } | { why: string }

/** The browser to open an app window with, or the reason why there will be none. */
export function chooseBrowser(machine: Machine): Choice {
  const { platform, env } = machine
  if (platform === 'linux' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return { why: 'this session has no display' }
  if (platform !== 'win32' && machine.uid === 0) return { why: 'Chromium refuses to run as root with its sandbox on' }
  const found = findBrowser(machine)
  return found === null ? { why: 'no Chrome, Chromium, Edge or Brave is installed' } : { browser: found }
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
