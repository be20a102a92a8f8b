import type { Socket } from 'node:net'

/**
 * Bytes both ways until both ends have finished: an end on one side is passed on and the other direction lives (half-close), a slow reader
 * slows its writer (pipe), a reset of either side ends both. Resolves with who broke it, or null when both ended well.
 */
export function splice(
  client: Socket,
  server: Socket,
  count: (direction: 'in' | 'out', bytes: number) => void,
): Promise<'client' | 'server' | null> {
  client.on('data', (chunk: Buffer) => count('in', chunk.length))
  server.on('data', (chunk: Buffer) => count('out', chunk.length))
  client.pipe(server)
  server.pipe(client)
  return new Promise((resolve) => {
    let broken: 'client' | 'server' | null = null
    let open = 2
    const closed = (side: 'client' | 'server', socket: Socket, other: Socket): void => {
      const ended = socket.readableEnded && socket.writableFinished
      if (!ended) broken ??= side
      if (!ended && !other.destroyed) other.destroy()
      open -= 1
      if (open === 0) resolve(broken)
    }
    const follow = (side: 'client' | 'server', socket: Socket, other: Socket): void => {
      if (socket.destroyed) queueMicrotask(() => closed(side, socket, other))
      else socket.once('close', () => closed(side, socket, other))
    }
    follow('client', client, server)
    follow('server', server, client)
  })
}
