import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron'
import type { HostFrame } from '#contract'
import { channels } from '../../../src-preload/channels.ts'
import type { Connection, Dispatcher } from '../../app/dispatcher.ts'
import type { Caller } from '../../app/handlers-type.ts'
import { ORIGIN } from './app-protocol.ts'

/**
 * Frames of the contract over three IPC channels. Every message is checked before it is looked at: it must come from the main frame
 * of a window we made, and that frame must show our own page (by origin: an empty or `about:blank` frame has none).
 */
export interface IpcBinding {
  /** let this window speak; it is forgotten when it is destroyed */
  attach(contents: WebContents): void
  close(): void
}

interface Parts {
  dispatcher: Dispatcher
  caller: Caller
  onRefused: (why: string) => void
}

type ReplyFrame = Extract<HostFrame, { type: 'reply' }>

interface Page {
  connection: Connection
  waiting: Map<string, (reply: ReplyFrame) => void>
}

export function bindIpc(ipcMain: Pick<IpcMain, 'on' | 'off' | 'handle' | 'removeHandler'>, parts: Parts): IpcBinding {
  const pages = new Map<WebContents, Page>()

  function open(contents: WebContents): void {
    pages.get(contents)?.connection.close()
    const waiting: Page['waiting'] = new Map()
    const connection = parts.dispatcher.connect(parts.caller, (frame) => {
      if (frame.type === 'reply') {
        waiting.get(frame.id)?.(frame)
        waiting.delete(frame.id)
      } else if (!contents.isDestroyed()) contents.send(channels.event, frame)
    })
    pages.set(contents, { connection, waiting })
  }

  function pageOf(event: IpcMainEvent | IpcMainInvokeEvent): Page {
    const frame = event.senderFrame
    const page = pages.get(event.sender)
    const isOwn = frame !== null && frame.parent === null && frame.origin === ORIGIN
    if (page !== undefined && isOwn) return page
    parts.onRefused(page === undefined ? 'unknown sender' : 'not the main frame of our own page')
    throw new Error('refused')
  }

  ipcMain.handle(channels.call, (event, frame: unknown) => {
    const { connection, waiting } = pageOf(event)
    if (typeof frame !== 'object' || frame === null || !('id' in frame)) throw new Error('a call is an object with an id')
    const { id } = frame
    if (typeof id !== 'string' || waiting.has(id)) throw new Error('a call needs an id of its own')
    return new Promise<ReplyFrame>((resolve) => {
      waiting.set(id, resolve)
      connection.receive({ ...frame, type: 'call' })
    })
  })
  const onCancel = (event: IpcMainEvent, frame: unknown): void => {
    try {
      pageOf(event).connection.receive(frame)
    } catch {
      // Reported by pageOf; a one-way message has nobody to answer.
    }
  }
  ipcMain.on(channels.cancel, onCancel)

  return {
    attach(contents) {
      open(contents)
      // A reload starts a new page: calls of the old one must not be answered to it.
      contents.on('did-navigate', () => open(contents))
      contents.once('destroyed', () => {
        pages.get(contents)?.connection.close()
        pages.delete(contents)
      })
    },
    close() {
      ipcMain.removeHandler(channels.call)
      ipcMain.off(channels.cancel, onCancel)
      for (const { connection } of pages.values()) connection.close()
      pages.clear()
    },
  }
}
