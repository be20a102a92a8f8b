import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import { defaultBehaviour, type Behaviour, type Order, type OwnView } from './backend-orders.ts'

/*
 * node backend-process.ts CONTROL_SOCKET NAME=ADDRESS …
 *
 * The lab's backends: each answers HTTP on 8000 (`?ms=` waits before the answer, `?chunks=` draws it out by a tenth of a second each, a
 * WebSocket echoes), echoes TCP on 8001 and speaks HAProxy's agent protocol on 8002. How they behave is
 * told over a unix socket, one JSON order per connection (backend-orders.ts). A stopped backend listens no more and has no
 * connections: to its clients it is a machine whose program has died.
 */

interface Backend {
  name: string
  address: string
  behaviour: Behaviour
  servers: Server[]
  sockets: Set<Socket>
  clients: OwnView
}

const [control, ...specs] = process.argv.slice(2)
if (control === undefined) throw new Error('usage: backend-process.ts CONTROL_SOCKET NAME=ADDRESS …')

const backends = new Map(
  specs.map((spec): [string, Backend] => {
    const [name = '', address = ''] = spec.split('=')
    return [
      name,
      {
        name,
        address,
        behaviour: defaultBehaviour,
        servers: [],
        sockets: new Set(),
        clients: { busy: 0, heard: 0, lastAt: 0 },
      },
    ]
  }),
)

const webSockets = new WebSocketServer({ noServer: true })

function hear({ clients }: Backend): void {
  clients.heard += 1
  clients.lastAt = Date.now()
}

/** Busy until the socket or the answer is closed. */
function keepBusy({ clients }: Backend, until: Socket | ServerResponse): void {
  clients.busy += 1
  until.once('close', () => {
    clients.busy -= 1
    clients.lastAt = Date.now()
  })
}

async function answerHttp(backend: Backend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { health, latencyMs } = backend.behaviour
  const url = new URL(request.url ?? '/', 'http://backend')
  const isCheck = url.pathname === '/health'
  if (!isCheck) {
    hear(backend)
    keepBusy(backend, response)
  }
  let received = 0
  request.on('data', (chunk: Buffer) => (received += chunk.length))
  if (request.method === 'POST') await once(request, 'end')
  await delay(latencyMs + Number(url.searchParams.get('ms') ?? 0))
  response.setHeader('x-backend', backend.name)
  response.statusCode = isCheck ? health : 200
  for (let left = Number(url.searchParams.get('chunks') ?? 0); left > 0 && !response.destroyed; left -= 1) {
    response.write('.'.repeat(1000))
    await delay(100)
  }
  response.end(request.method === 'POST' ? `${backend.name} ${received}\n` : `${backend.name}\n`)
}

function echoFrames(backend: Backend, request: IncomingMessage, socket: Socket, head: Buffer): void {
  hear(backend)
  keepBusy(backend, socket)
  webSockets.handleUpgrade(request, socket, head, (client) => {
    client.on('error', () => client.terminate())
    client.on('message', (data: Buffer) => {
      hear(backend)
      client.send(`${backend.name} ${data.toString()}`)
    })
  })
}

/** Health checks of TCP send nothing and go at once: whoever stays is a client. */
const checkMs = 500

async function greetTcp(backend: Backend, socket: Socket): Promise<void> {
  const patience = setTimeout(() => keepBusy(backend, socket), checkMs)
  socket.once('close', () => clearTimeout(patience))
  await delay(backend.behaviour.latencyMs)
  socket.write(`hello ${backend.name}\n`)
  socket.on('data', () => hear(backend))
  socket.pipe(socket)
}

async function start(backend: Backend): Promise<void> {
  if (backend.servers.length > 0) return
  const http = createHttpServer((request, response) => {
    // a client that breaks off in the middle of its request
    answerHttp(backend, request, response).catch(() => response.destroy())
  })
  http.on('upgrade', (request, socket, head) => echoFrames(backend, request, socket as Socket, head))
  const tcp = createServer((socket) => void greetTcp(backend, socket))
  const agent = createServer((socket) => socket.end(`${backend.behaviour.agent}\n`))
  backend.servers = [http, tcp, agent]
  for (const server of backend.servers) {
    server.on('connection', (socket: Socket) => {
      // health checks reset their connections as soon as they know enough
      socket.on('error', () => socket.destroy())
      backend.sockets.add(socket)
      socket.on('close', () => backend.sockets.delete(socket))
    })
  }
  const ports = [8000, 8001, 8002]
  await Promise.all(
    backend.servers.map((server, index) => new Promise<void>((ready) => server.listen(ports[index], backend.address, ready))),
  )
}

async function stop(backend: Backend): Promise<void> {
  const closed = backend.servers.map((server) => new Promise((done) => server.close(done)))
  backend.servers = []
  for (const socket of backend.sockets) socket.destroy()
  await Promise.all(closed)
}

async function obey(order: Order): Promise<object> {
  const chosen = order.backend === undefined ? [...backends.values()] : [backends.get(order.backend)].filter((one) => !!one)
  if (chosen.length === 0) throw new Error(`No backend is called ${order.backend}.`)
  for (const backend of chosen) {
    if (order.behaviour) backend.behaviour = { ...backend.behaviour, ...order.behaviour }
    if (order.running === true) await start(backend)
    if (order.running === false) await stop(backend)
  }
  return Object.fromEntries(
    chosen.map(({ name, address, behaviour, servers, clients }) => [
      name,
      { address, ...behaviour, running: servers.length > 0, clients },
    ]),
  )
}

rmSync(control, { force: true })
await Promise.all([...backends.values()].map(start))
createServer({ allowHalfOpen: true }, (socket) => {
  let text = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => (text += chunk.toString()))
  socket.on('end', () => {
    Promise.resolve()
      .then(() => obey(JSON.parse(text) as Order))
      .catch((error: Error) => ({ error: error.message }))
      .then((reply) => socket.end(JSON.stringify(reply)))
  })
}).listen(control)
