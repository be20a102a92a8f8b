import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import type { HostFrame } from '#contract'
import { bindIpc } from '../../src-main/shells/desktop/ipc-binding.ts'
import { startServer } from '../../src-main/shells/browser/server.ts'
import { channels } from '../../src-preload/channels.ts'
import { createIpcStandIn } from './electron-stand-in.ts'
import { createInbox } from './frame-inbox.ts'
import { wireSuite } from './wire-suite.ts'

wireSuite({
  name: 'loopback',
  open: (dispatcher) =>
    Promise.resolve({
      connect: () => {
        const inbox = createInbox()
        const connection = dispatcher.connect({ user: 'mk@desk', shell: 'cli' }, (frame) => inbox.put(structuredClone(frame)))
        return Promise.resolve({
          send: (frame) => connection.receive(structuredClone(frame)),
          next: inbox.next,
          close: () => Promise.resolve(connection.close()),
        })
      },
      close: () => Promise.resolve(),
    }),
})

wireSuite({
  name: 'Electron IPC (stand-in)',
  open: (dispatcher) => {
    const electron = createIpcStandIn()
    const binding = bindIpc(electron.ipcMain, {
      dispatcher,
      caller: { user: 'mk@desk', shell: 'desktop' },
      onRefused: () => undefined,
    })
    return Promise.resolve({
      connect: () => {
        const inbox = createInbox()
        const window = electron.createWindow((_channel, frame) => inbox.put(frame as HostFrame))
        binding.attach(window)
        return Promise.resolve({
          send: (frame) => {
            if (frame.type === 'cancel') electron.send(window, channels.cancel, frame)
            else void electron.invoke(window, channels.call, frame).then((reply) => inbox.put(reply as HostFrame))
          },
          next: inbox.next,
          close: () => Promise.resolve(void window.emit('destroyed')),
        })
      },
      close: () => Promise.resolve(binding.close()),
    })
  },
})

wireSuite({
  name: 'WebSocket',
  open: async (dispatcher) => {
    const windowFolder = mkdtempSync(join(tmpdir(), 'evenkeel-window-'))
    writeFileSync(join(windowFolder, 'index.html'), '<!doctype html><title>Evenkeel</title>')
    const server = await startServer({ dispatcher, caller: { user: 'mk@desk', shell: 'browser' }, windowFolder, port: 0 })
    const token = new URL(server.url).hash.replace('#token=', '')
    return {
      connect: () =>
        new Promise((resolve, reject) => {
          const inbox = createInbox()
          const socket = new WebSocket(`ws://127.0.0.1:${server.port}/rpc`, { origin: `http://127.0.0.1:${server.port}` })
          socket.once('error', reject)
          socket.on('message', (data) => inbox.put(JSON.parse(String(data)) as HostFrame))
          socket.once('open', () => {
            socket.send(JSON.stringify({ type: 'authenticate', token }))
            resolve({
              send: (frame) => socket.send(JSON.stringify(frame)),
              next: inbox.next,
              close: () =>
                new Promise((done) => {
                  if (socket.readyState === socket.CLOSED) return done()
                  socket.once('close', () => done())
                  socket.close()
                }),
            })
          })
        }),
      close: async () => {
        await server.close()
        rmSync(windowFolder, { recursive: true })
      },
    }
  },
})
