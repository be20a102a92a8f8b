import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

const pem = (name: string): Buffer => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url))

export type Manner = 'ok' | 'error' | 'silent' | 'reset' | 'garbage'

/** A service on the loopback that behaves as told, from the next request on; WebSockets are taken at /ws, and pings answered. */
export async function startService({ tls = false } = {}) {
  let manner: Manner = 'ok'
  let requests = 0
  let heldRequests = 0
  let pings = 0
  const names: string[] = []
  const sockets = new Set<Socket>()
  const onConnection = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    let isWebSocket = false
    socket.on('data', (chunk) => {
      if (isWebSocket) {
        // a ping that is masked and has no content, RFC 6455
        if (chunk[0] === 0x89 && chunk[1] === 0x80 && chunk.length === 6) pings += 1
        if (manner === 'reset') return void socket.resetAndDestroy()
        if (manner !== 'silent') socket.write(Buffer.from([0x8a, 0]))
        return
      }
      requests += 1
      if (chunk.toString().startsWith('GET /ws ')) {
        isWebSocket = true
        return void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      }
      const keep = chunk.toString().includes('keep-alive')
      if (keep) heldRequests += 1
      if (manner === 'silent') return
      if (manner === 'reset') return void socket.resetAndDestroy()
      if (manner === 'garbage') return void socket.end('220 mail.example ESMTP\r\n')
      socket.write(`HTTP/1.1 ${manner === 'ok' ? '200 OK' : '503 Service Unavailable'}\r\nContent-Length: 2\r\n\r\nok`)
      if (!keep) socket.end()
    })
  }
  const server: Server = tls
    ? createTlsServer(
        {
          key: pem('key'),
          cert: pem('cert'),
          SNICallback: (name, answer) => {
            names.push(name)
            answer(null)
          },
        },
        onConnection,
      ).on('tlsClientError', () => undefined)
    : createServer(onConnection)
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
    /** of WebSockets */
    pings: () => pings,
    /** that clients have asked for by SNI */
    names: () => names,
    /** nobody listens any more, and who is connected is reset */
    stop: async () => {
      for (const socket of sockets) socket.resetAndDestroy()
      await close()
    },
    close,
  }
}
