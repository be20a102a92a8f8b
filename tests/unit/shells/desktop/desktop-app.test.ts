/** The desktop shell from start to quit, with a stand-in for Electron that notes in which order it was asked. */
import { EventEmitter } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Handlers } from '../../../../src-main/app/handlers-type.ts'
import type { Console } from '../../../../src-main/compose.ts'
import { runDesktop, type ElectronParts } from '../../../../src-main/shells/desktop/desktop-app.ts'
import { silentLog } from '../../../contract/silent-log.ts'

let outFolder: string
beforeEach(() => {
  outFolder = mkdtempSync(join(tmpdir(), 'evenkeel-out-'))
  mkdirSync(join(outFolder, 'renderer'))
  writeFileSync(join(outFolder, 'renderer/index.html'), 'window')
})
afterEach(() => rmSync(outFolder, { recursive: true }))

function createStandIn(options: { firstInstance?: boolean } = {}) {
  const order: string[] = []
  const note =
    (what: string) =>
    (..._args: unknown[]) =>
      void order.push(what)
  const app = Object.assign(new EventEmitter(), {
    requestSingleInstanceLock: () => options.firstInstance ?? true,
    enableSandbox: note('sandbox'),
    whenReady: () => (order.push('ready'), Promise.resolve()),
    quit() {
      const event = { prevented: false, preventDefault: () => (event.prevented = true) }
      app.emit('before-quit', event)
      if (!event.prevented) order.push('quit')
    },
  })
  class BrowserWindow extends EventEmitter {
    static opened: BrowserWindow[] = []
    static getAllWindows = () => BrowserWindow.opened
    webContents = Object.assign(new EventEmitter(), { isDestroyed: () => false, send: () => undefined })
    options: { webPreferences: Record<string, unknown> }
    constructor(options: { webPreferences: Record<string, unknown> }) {
      super()
      this.options = options
      order.push('window')
      BrowserWindow.opened.push(this)
    }
    loadURL = (url: string) => (order.push(`load ${url}`), Promise.resolve())
    isDestroyed = () => false
    isMinimized = () => true
    restore = note('restore')
    focus = note('focus')
    show = note('show')
  }
  const electron = {
    app,
    BrowserWindow,
    ipcMain: { on: note('ipc on'), off: note('ipc off'), handle: note('ipc handle'), removeHandler: note('ipc removed') },
    protocol: { registerSchemesAsPrivileged: note('scheme'), handle: note('protocol') },
    safeStorage: {
      isAsyncEncryptionAvailable: () => Promise.resolve(true),
      getSelectedStorageBackend: () => 'gnome_libsecret',
    },
    session: {
      defaultSession: new Proxy({}, { get: (_target, name: string) => note(name) }),
    },
    shell: { openExternal: () => Promise.resolve() },
    dialog: {},
  } as unknown as ElectronParts
  const console: Console = {
    handlers: {} as Handlers,
    onEvent: () => () => undefined,
    log: silentLog,
    dataFolder: outFolder,
    start: () => (order.push('start'), Promise.resolve()),
    stop: () => (order.push('stop'), Promise.resolve()),
  }
  return { app, electron, order, window: () => BrowserWindow.opened[0], console }
}

describe('the desktop shell', () => {
  it('sandboxes and registers its scheme before ready, hardens before the first window', async () => {
    const { electron, order, console } = createStandIn()
    await runDesktop(electron, { outFolder, compose: () => Promise.resolve(console) })
    const before = (a: string, b: string) => expect(order.indexOf(a), `${a} before ${b}`).toBeLessThan(order.indexOf(b))
    for (const early of ['sandbox', 'scheme']) before(early, 'ready')
    for (const early of ['setPermissionRequestHandler', 'setPermissionCheckHandler', 'protocol', 'ipc handle', 'start'])
      before(early, 'window')
    expect(order).toContain('load app://console/')
  })

  it('gives the window the preload and no Node', async () => {
    const { electron, window, console } = createStandIn()
    await runDesktop(electron, { outFolder, compose: () => Promise.resolve(console) })
    expect(window()?.options.webPreferences).toMatchObject({
      preload: join(outFolder, 'preload/index.cjs'),
      sandbox: true,
      nodeIntegration: false,
    })
  })

  it('quits at once when another instance runs, without composing anything', async () => {
    const { electron, order } = createStandIn({ firstInstance: false })
    await runDesktop(electron, { outFolder, compose: () => Promise.reject(new Error('composed')) })
    expect(order).toEqual(['quit'])
  })

  it('brings the window forward for a second instance', async () => {
    const { app, electron, order, console } = createStandIn()
    await runDesktop(electron, { outFolder, compose: () => Promise.resolve(console) })
    app.emit('second-instance')
    expect(order.slice(-2)).toEqual(['restore', 'focus'])
  })

  it('closes the border, then stops the services, then quits, once', async () => {
    const { app, electron, order, console } = createStandIn()
    await runDesktop(electron, { outFolder, compose: () => Promise.resolve(console) })
    app.quit()
    await expect.poll(() => order.at(-1)).toBe('quit')
    expect(order.slice(-4)).toEqual(['ipc removed', 'ipc off', 'stop', 'quit'])
  })

  it('hands the services a cipher of the system’s key store', async () => {
    const { electron, console } = createStandIn()
    let provider = ''
    await runDesktop(electron, { outFolder, compose: (cipher) => ((provider = cipher.provider), Promise.resolve(console)) })
    expect(provider).toBe('system')
  })
})
