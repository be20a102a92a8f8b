import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import * as v from 'valibot'
import { WebSocketServer, type WebSocket } from 'ws'
import { MAX_FRAME_BYTES, type HostFrame } from '#contract'
import type { Dispatcher } from '../../app/dispatcher.ts'
import type { Caller } from '../../app/handlers-type.ts'
import { isSameOrigin } from './http-policy.ts'
import type { Tokens } from './tokens.ts'

/**
 * Frames of the contract over one WebSocket at `/rpc`. The first frame must be `{ type: 'authenticate', token }` within
 * five seconds; nothing is answered before it, and a wrong token closes the socket (4401). A window that came with a one-time
 * ticket is first given the session token (`{ type: 'session', token }`), which it keeps for reloads and reconnects.
 */
const Authenticate = v.strictObject({ type: v.literal('authenticate'), token: v.string() })
const AUTHENTICATE_WITHIN_MS = 5_000
const MAX_SOCKETS = 64
const PING_MS = 15_000

interface Parts {
  dispatcher: Dispatcher
  caller: Caller
  tokens: Tokens
  /** called with the number of authenticated windows whenever it changes */
  onWindows?: (count: number) => void
}

export function bindWebSocket(server: Server, parts: Parts): { close(): void } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false })
  const encoded = new WeakMap<HostFrame, string>()
  let windows = 0

  // One event goes to many windows as the same object: it is encoded once.
  function encode(frame: HostFrame): string {
    const known = encoded.get(frame)
    if (known !== undefined) return known
    const text = JSON.stringify(frame)
    encoded.set(frame, text)
    return text
  }

  function attach(socket: WebSocket): void {
    const connection = parts.dispatcher.connect(parts.caller, (frame) => {
      // A window that cannot keep up is cut off: it reconnects and starts from a fresh snapshot.
      if (socket.bufferedAmount > MAX_FRAME_BYTES) socket.terminate()
      else if (socket.readyState === socket.OPEN) socket.send(encode(frame))
    })
    parts.onWindows?.(++windows)
    let alive = true
    const ping = setInterval(() => {
      if (!alive) return socket.terminate()
      alive = false
      socket.ping()
    }, PING_MS)
    socket.on('pong', () => (alive = true))
    socket.on('message', (data, isBinary) => {
      const frame = isBinary ? undefined : jsonFrom(String(data))
      if (frame === undefined) socket.close(4400, 'frames are JSON text')
      else connection.receive(frame)
    })
    socket.on('close', () => {
      clearInterval(ping)
      connection.close()
      parts.onWindows?.(--windows)
    })
  }

  sockets.on('connection', (socket: WebSocket) => {
    const late = setTimeout(() => socket.close(4401, 'no token'), AUTHENTICATE_WITHIN_MS)
    socket.on('error', () => socket.terminate())
    socket.once('close', () => clearTimeout(late))
    socket.once('message', (data) => {
      clearTimeout(late)
      const first = v.safeParse(Authenticate, jsonFrom(String(data)))
      const admitted = first.success ? parts.tokens.admit(first.output.token) : null
      if (admitted === null) return socket.close(4401, 'wrong token')
      if (admitted.handOver !== null) socket.send(encode({ type: 'session', token: admitted.handOver }))
      attach(socket)
    })
  })

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const path = request.url?.split('?')[0]
    const refusal =
      path !== '/rpc'
        ? '404 Not Found'
        : !isSameOrigin(request)
          ? '403 Forbidden'
          : sockets.clients.size >= MAX_SOCKETS
            ? '503 Service Unavailable'
            : null
    if (refusal === null) sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws, request))
    else socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  }
  server.on('upgrade', upgrade)

  return {
    close() {
      server.off('upgrade', upgrade)
      for (const client of sockets.clients) client.terminate()
      sockets.close()
    },
  }
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
