/**
 * The whole surface that the page can reach in the desktop shell: three functions that carry frames of contract/envelope.ts.
 * Frames are opaque here. They are parsed on the other side, which also checks who sent them; nothing in this file may be
 * trusted to have run. The raw ipcRenderer and its event objects never reach the page.
 */
import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron'
import { bridgeName, channels, type ConsoleBridge, type EventFrame, type ReplyFrame } from './channels.ts'
const bridge: ConsoleBridge = {
  call: (frame) => ipcRenderer.invoke(channels.call, frame) as Promise<ReplyFrame>,
  cancel: (id) => ipcRenderer.send(channels.cancel, { type: 'cancel', id }),
  subscribe(listener) {
    const forward = (_event: IpcRendererEvent, frame: EventFrame) => listener(frame)
    ipcRenderer.on(channels.event, forward)
    return () => {
      ipcRenderer.removeListener(channels.event, forward)
    }
  },
}

contextBridge.exposeInMainWorld(bridgeName, bridge)
