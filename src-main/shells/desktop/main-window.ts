import type { BrowserWindow, BrowserWindowConstructorOptions } from 'electron'
import { ORIGIN } from './app-protocol.ts'
import { webPreferences } from './hardening.ts'

type WindowClass = new (options: BrowserWindowConstructorOptions) => BrowserWindow

/** The one window, shown once its first frame is painted. */
export function openMainWindow(Window: WindowClass, preload: string, attach: (window: BrowserWindow) => void): BrowserWindow {
  const window = new Window({
    width: 1440,
    height: 900,
    minWidth: 800,
    minHeight: 560,
    show: false,
    title: 'Evenkeel',
    backgroundColor: '#111418',
    autoHideMenuBar: true,
    webPreferences: webPreferences(preload),
  })
  attach(window)
  window.once('ready-to-show', () => window.show())
  void window.loadURL(`${ORIGIN}/`)
  return window
}
