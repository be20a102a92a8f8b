import type { App, Session, Shell, WebContents, WebPreferences } from 'electron'
import { ORIGIN } from './app-protocol.ts'
import { openExternal } from './open-external.ts'

/**
 * Electron's defaults are for browsing the web; this window shows one local page. Everything a page may ask for is refused, every way
 * out of the page is closed, and the renderer has neither Node nor a way to get it (Electron security checklist, items 2 to 14).
 */
export const webPreferences = (preload: string): WebPreferences => ({
  preload,
  contextIsolation: true,
  nodeIntegration: false,
  sandbox: true,
  webviewTag: false,
  spellcheck: false,
  devTools: process.env['NODE_ENV'] === 'development',
})

/** Refuse every permission, device and screen capture, asked for or checked. */
export function hardenSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, callback) => callback(false))
  session.setPermissionCheckHandler(() => false)
  session.setDevicePermissionHandler(() => false)
  session.setDisplayMediaRequestHandler((_request, callback) => callback({}))
}

/** For every web contents that will ever exist: no navigation away, no new windows, no webviews. */
export function hardenContents(app: Pick<App, 'on'>, shell: Pick<Shell, 'openExternal'>): void {
  app.on('web-contents-created', (_event, contents: WebContents) => {
    const stayHome = (event: { preventDefault(): void; url: string }): void => {
      if (!isOwnPage(event.url)) event.preventDefault()
    }
    contents.on('will-navigate', stayHome)
    contents.on('will-redirect', stayHome)
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.setWindowOpenHandler(({ url }) => {
      void openExternal(shell, url)
      return { action: 'deny' }
    })
  })
}

/** Compares the parsed address, never a prefix. */
export function isOwnPage(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : null
  return url !== null && `${url.protocol}//${url.host}` === ORIGIN
}
