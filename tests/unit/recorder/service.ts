import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export type Manner = 'ok' | 'error' | 'silent' | 'reset' | 'garbage'

/** A service on the loopback that behaves as told, from the next request on. */
export async function startService() {
  let manner: Manner = 'ok'
  let requests = 0
  let heldRequests = 0
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    socket.on('data', (chunk) => {
      requests += 1
      const keep = chunk.toString().includes('keep-alive')
      if (keep) heldRequests += 1
      if (manner === 'silent') return
      if (manner === 'reset') return void socket.resetAndDestroy()
      if (manner === 'garbage') return void socket.end('220 mail.example ESMTP\r\n')
      socket.write(`HTTP/1.1 ${manner === 'ok' ? '200 OK' : '503 Service Unavailable'}\r\nContent-Length: 2\r\n\r\nok`)
      if (!keep) socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    port: (server.address() as AddressInfo).port,
    behave: (next: Manner) => void (manner = next),
    requests: () => requests,
    /** of connections that stay open */
    heldRequests: () => heldRequests,
    /** nobody listens any more, and who is connected is reset */
    stop: async () => {
      for (const socket of sockets) socket.resetAndDestroy()
      await close()
    },
    close,
  }
}
