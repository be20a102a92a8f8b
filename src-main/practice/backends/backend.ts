import { createServer, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocketServer } from 'ws'
import type { Connection, Listener, MachineNetwork, PracticeClock } from '../machine/machine.ts'
import { answer } from './application.ts'
import { wellBehaved, type Behaviour } from './behaviour.ts'

/** An application server of the practice fleet: HTTP, WebSocket echo and, on another port, TCP echo. */
export interface Backend {
  readonly name: string
  readonly behaviour: Behaviour
  change(part: Partial<Behaviour>): void
  /** requests answered, checks apart; by the client's address as `X-Forwarded-For` tells, else the caller's */
  readonly requests: number
  requestsBySource(): ReadonlyMap<string, number>
  /** open now */
  readonly connections: number
  close(): void
}

export interface BackendOptions {
  readonly name: string
  readonly network: MachineNetwork
  readonly clock: PracticeClock
  readonly pid: number
  readonly address: string
  readonly port: number
  /** null: no TCP echo */
  readonly echoPort: number | null
  readonly random: () => number
}

/** sources remembered; a practice site has a handful */
const mostSources = 1000

export function createBackend({ name, network, clock, pid, address, port, echoPort, random }: BackendOptions): Backend {
  let behaviour = wellBehaved
  let requests = 0
  let cancelFlap = (): void => {}
  const bySource = new Map<string, number>()
  const sockets = new Set<Socket>()
  let listeners: Listener[] = []

  function count(request: IncomingMessage): void {
    requests += 1
    const [forwarded = ''] = [request.headers['x-forwarded-for'] ?? ''].flat()
    const source = forwarded.split(',')[0]?.trim() || (callers.get(request.socket) ?? '')
    if (bySource.has(source) || bySource.size < mostSources) bySource.set(source, (bySource.get(source) ?? 0) + 1)
  }

  const callers = new WeakMap<Socket, string>()
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    // Its health is the operator's business, not a client's.
    const isCheck = request.url === '/health'
    if (!isCheck) count(request)
    const delayMs = behaviour.latencyMs + random() * behaviour.jitterMs
    const respond = (): void => {
      if (behaviour.presence === 'running') answer({ name, behaviour, clock, random }, request, response)
    }
    if (delayMs > 0) response.once('close', clock.after(delayMs, respond))
    else respond()
  })
  const webSockets = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 })
  server.on('upgrade', (request, socket, head) => {
    count(request)
    webSockets.handleUpgrade(request, socket, head, (peer) => {
      peer.on('error', () => peer.terminate())
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }))
    })
  })
  server.on('clientError', (_error, socket) => socket.destroy())

  const taken = (serve: (socket: Socket) => void) => {
    return ({ socket, remote }: Connection): void => {
      sockets.add(socket)
      callers.set(socket, remote.address)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => sockets.delete(socket))
      socket.allowHalfOpen = true
      if (behaviour.presence === 'running') serve(socket)
      else socket.resume()
    }
  }

  function listen(): void {
    listeners = [
      network.listen(
        { address, port, pid },
        taken((socket) => server.emit('connection', socket)),
      ),
    ]
    if (echoPort !== null) {
      listeners.push(
        network.listen(
          { address, port: echoPort, pid },
          taken((socket) => socket.pipe(socket)),
        ),
      )
    }
  }

  function stop(): void {
    for (const listener of listeners) listener.close()
    listeners = []
    for (const socket of sockets) socket.destroy()
  }

  function flap(): void {
    cancelFlap()
    if (behaviour.flapMs === null) return
    cancelFlap = clock.after(behaviour.flapMs, () => {
      behaviour = { ...behaviour, health: behaviour.health === 'failing' ? 'well' : 'failing' }
      flap()
    })
  }

  listen()
  return {
    name,
    get behaviour() {
      return behaviour
    },
    change(part) {
      const before = behaviour
      behaviour = { ...behaviour, ...part }
      if (behaviour.presence === 'stopped') stop()
      else if (before.presence === 'stopped') listen()
      if (behaviour.flapMs !== before.flapMs) flap()
    },
    get requests() {
      return requests
    },
    requestsBySource: () => bySource,
    get connections() {
      return sockets.size
    },
    close() {
      cancelFlap()
      stop()
    },
  }
}
