import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import type * as Electron from 'electron'
import { createDispatcher } from '../../app/dispatcher.ts'
import type { Cipher } from '../../app/ports/vault.ts'
import type { Console } from '../../compose.ts'
import { handleAppProtocol, schemePrivileges } from './app-protocol.ts'
import { hardenContents, hardenSession } from './hardening.ts'
import { bindIpc } from './ipc-binding.ts'
import { openMainWindow } from './main-window.ts'
import { createSafeStorageCipher } from './safe-storage-cipher.ts'

/** The part of Electron that the desktop shell uses; a stand-in offers the same in tests. */
export type ElectronParts = Pick<
  typeof Electron,
  'app' | 'BrowserWindow' | 'ipcMain' | 'protocol' | 'safeStorage' | 'session' | 'shell' | 'dialog'
>

interface DesktopOptions {
  /** folder `out`: built window and preload are beside the main script */
  outFolder: string
  compose: (cipher: Cipher) => Promise<Console>
}

/**
 * The desktop shell from start to quit. Order matters: sandbox and scheme before `ready`, hardening before the first window, and at quit
 * the window goes first, then jobs reach a safe point and the store is closed, then the process ends.
 */
export async function runDesktop(electron: ElectronParts, options: DesktopOptions): Promise<void> {
  const { app } = electron
  if (!app.requestSingleInstanceLock()) return app.quit()
  app.enableSandbox()
  electron.protocol.registerSchemesAsPrivileged([schemePrivileges])
  hardenContents(app, electron.shell)
  await app.whenReady()
  hardenSession(electron.session.defaultSession)
  handleAppProtocol(electron.protocol, join(options.outFolder, 'renderer'))

  const cipher = await createSafeStorageCipher(electron.safeStorage, process.platform)
  const console = await options.compose(cipher)
  const dispatcher = createDispatcher({ handlers: console.handlers, log: console.log })
  console.onEvent((name, payload) => dispatcher.publish(name, payload))
  const ipc = bindIpc(electron.ipcMain, {
    dispatcher,
    caller: { user: `${userInfo().username}@${hostname()}`, shell: 'desktop' },
    onRefused: (why) => console.log.warn('ipc message refused', { why }),
  })
  await console.start()

  const preload = join(options.outFolder, 'preload/index.cjs')
  const open = (): Electron.BrowserWindow =>
    openMainWindow(electron.BrowserWindow, preload, (window) => ipc.attach(window.webContents))
  let window = open()
  app.on('second-instance', () => {
    if (window.isDestroyed()) window = open()
    if (window.isMinimized()) window.restore()
    window.focus()
  })
  app.on('activate', () => {
    if (electron.BrowserWindow.getAllWindows().length === 0) window = open()
  })
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit()
  })
  let stopped = false
  app.on('before-quit', (event) => {
    if (stopped) return
    event.preventDefault()
    ipc.close()
    void console.stop().finally(() => {
      stopped = true
      app.quit()
    })
  })
}
