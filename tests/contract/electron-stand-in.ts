import { EventEmitter } from 'node:events'
import type { IpcMain, WebContents } from 'electron'

/** The part of Electron's IPC that the desktop binding uses, in one process, with the same rules (values are copied). */
export function createIpcStandIn() {
  const events = new EventEmitter()
  const handlers = new Map<string, (event: unknown, ...args: unknown[]) => unknown>()
  const ipcMain = {
    on: (channel: string, listener: (...args: unknown[]) => void) => void events.on(channel, listener),
    off: (channel: string, listener: (...args: unknown[]) => void) => void events.off(channel, listener),
    handle: (channel: string, handler: (event: unknown, ...args: unknown[]) => unknown) => void handlers.set(channel, handler),
    removeHandler: (channel: string) => void handlers.delete(channel),
  } as unknown as IpcMain

  function createWindow(received: (channel: string, payload: unknown) => void) {
    const contents = Object.assign(new EventEmitter(), {
      isDestroyed: () => false,
      send: (channel: string, payload: unknown) => received(channel, structuredClone(payload)),
    }) as unknown as WebContents
    return contents
  }

  const ownFrame = { origin: 'app://console', parent: null }
  return {
    ipcMain,
    createWindow,
    async invoke(sender: WebContents, channel: string, payload: unknown, senderFrame: unknown = ownFrame): Promise<unknown> {
      const handler = handlers.get(channel)
      if (handler === undefined) throw new Error(`No handler registered for '${channel}'`)
      return structuredClone(await handler({ sender, senderFrame }, structuredClone(payload)))
    },
    send(sender: WebContents, channel: string, payload: unknown, senderFrame: unknown = ownFrame): void {
      events.emit(channel, { sender, senderFrame }, structuredClone(payload))
    },
  }
}
