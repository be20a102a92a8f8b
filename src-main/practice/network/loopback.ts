/*
 * The only place of the practice fleet that binds or connects anything, and it knows loopback addresses only.
 *
 * A practice address is 127.N.x.y. Linux and Windows let anybody bind all of 127/8, so there an address is what it says. Where the system
 * refuses (macOS; a port below 1024 on Linux) the listener is really at 127.0.0.1 and a port of the system's choice, and whoever wants to
 * reach it from outside asks where.
 *
 * N is free to choose, so that two applications on one computer do not meet: each claims its own by holding a guard port in it.
 */
import { createConnection, createServer, isIPv4, type Server, type Socket } from 'node:net'

export interface Endpoint {
  address: string
  port: number
}

export interface Loopback {
  /** N: practice addresses are 127.N.x.y */
  readonly network: number
  /** whether a listener can be at a practice address */
  readonly isNative: boolean
  has(address: string): boolean
  open(at: Endpoint, accept: (socket: Socket) => void): OpenPort
  /** A socket on its way to where `open` really listens. */
  connect(to: Endpoint, fromAddress: string): Socket
  /** Ends every listener and every socket, whoever holds it, and is done when the system has let go of the last one. */
  close(): Promise<void>
}

export interface OpenPort {
  /** where it really is; null: the system would not let it listen */
  readonly ready: Promise<Endpoint | null>
  /** stops accepting */
  close(): Promise<void>
}

const localhost = '127.0.0.1'
const networks = Array.from({ length: 20 }, (_, index) => 77 + index)
const guard = { host: '255.254', port: 47_077 }

/** `native: false` behaves as on a system that binds 127.0.0.1 only. Throws when twenty practice fleets run already. */
export async function claimLoopback({ native = true } = {}): Promise<Loopback> {
  if (!native) return createLoopback(networks[0] ?? 77, null)
  for (const network of networks) {
    const server = createServer((socket) => socket.destroy())
    try {
      await listen(server, { address: `127.${network}.${guard.host}`, port: guard.port })
      return createLoopback(network, server)
    } catch (thrown) {
      const isTaken = thrown instanceof Error && 'code' in thrown && thrown.code === 'EADDRINUSE'
      if (!isTaken) return createLoopback(network, null)
    }
  }
  throw new Error('No loopback network from 127.77.0.0 to 127.96.0.0 is free for a practice fleet. Close another one first.')
}

function createLoopback(network: number, guardServer: Server | null): Loopback {
  const ports = new Set<OpenPort>()
  const servers = new Set(guardServer === null ? [] : [guardServer])
  const sockets = new Set<Socket>()
  /** A port is bound again only after its last listener let go of it. */
  const closing = new Map<string, Promise<void>>()
  const isNative = guardServer !== null
  let isClosed = false

  const loopback: Loopback = {
    network,
    isNative,

    has: (address) => isIPv4(address) && address.startsWith(`127.${network}.`),

    open(at, accept) {
      const key = `${at.address}:${at.port}`
      const server = createServer({ noDelay: true }, (socket) => accept(keep(socket)))
      servers.add(server)
      server.once('close', () => servers.delete(server))
      // Running out of descriptors is felt by the client that is not accepted.
      server.on('error', ignore)
      const ready = bind(server, at, closing.get(key))
      const port: OpenPort = {
        ready,
        close() {
          ports.delete(port)
          const closed = ready.then(() => void server.close())
          closing.set(key, closed)
          return closed.then(() => void (closing.get(key) === closed && closing.delete(key)))
        },
      }
      ports.add(port)
      return port
    },

    connect(to, fromAddress) {
      assertLoopback(to.address)
      const localAddress = isNative && loopback.has(fromAddress) ? fromAddress : localhost
      return keep(createConnection({ host: to.address, port: to.port, localAddress, noDelay: true }))
    },

    async close() {
      isClosed = true
      const open = [...servers, ...sockets].map(closed)
      guardServer?.close()
      for (const port of ports) void port.close()
      for (const socket of sockets) socket.destroy()
      await Promise.all(open)
    },
  }

  function keep(socket: Socket): Socket {
    sockets.add(socket.on('error', ignore))
    socket.once('close', () => sockets.delete(socket))
    return isClosed ? socket.destroy() : socket
  }

  async function bind(server: Server, at: Endpoint, before: Promise<void> | undefined): Promise<Endpoint | null> {
    await before
    try {
      return isNative ? await listen(server, at) : await listen(server, { address: localhost, port: 0 })
    } catch {
      return listen(server, { address: localhost, port: 0 }).catch(() => null)
    }
  }

  return loopback
}

/** A handle is gone after its `close`; whoever ended it may be the first to be told, or the last. */
function closed(each: Server | Socket): Promise<void> {
  return new Promise((resolve) => void each.once('close', () => resolve()))
}

/** A lost peer is told to whoever uses the socket; nobody listening must not end the application. */
function ignore(): void {}

function listen(server: Server, { address, port }: Endpoint): Promise<Endpoint> {
  assertLoopback(address)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      const bound = server.address()
      resolve({ address, port: bound !== null && typeof bound === 'object' ? bound.port : port })
    })
  })
}

function assertLoopback(address: string): void {
  if (!isIPv4(address) || !address.startsWith('127.'))
    throw new Error(`The practice fleet stays on loopback; ${address} is not.`)
}
