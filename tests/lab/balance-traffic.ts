import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { json, text } from 'node:stream/consumers'
import { itemPath, sourceAddress, statsSocket, type TrafficPlan } from './balance-plan.ts'

/**
 * Runs inside the room: the backends and the client of a balancing experiment in one process, so that it is known which server each
 * request went to without asking the daemon. Reads plans from stdin, prints for each a string with the server's digit per request, `?`
 * where no server was reached.
 */
const plans = (await json(process.stdin)) as TrafficPlan[]
const serverPorts = [9001, 9002, 9003, 9004, 9005, 9006]
const reply = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

/** Called by a backend when a request reaches it. */
let onArrival: (item: number, server: number, socket: Socket) => void = () => undefined

for (const [at, port] of serverPorts.entries()) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (head) => {
      onArrival(Number(/^GET \/page\/(\d+) /.exec(head.toString('latin1'))?.[1]), at + 1, socket)
    })
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
}

/** Resolves when the balancer has closed. */
async function request(port: number, item: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: sourceAddress(item) })
  socket.on('error', () => undefined)
  socket.write(`GET ${itemPath(item)} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n`)
  socket.resume()
  await once(socket, 'close')
}

async function tell(line: string): Promise<void> {
  const answer = (await text(connect(statsSocket).end(`${line}\n`))).trim()
  if (answer !== '') throw new Error(`"${line}" was answered with: ${answer}`)
}

async function inParallel(plan: TrafficPlan, servedBy: string[]): Promise<void> {
  onArrival = (item, server, socket) => {
    servedBy[item] = String(server)
    socket.end(reply)
  }
  const items = servedBy.keys()
  const clients = Array.from({ length: 16 }, async () => {
    for (const item of items) await request(plan.port, item)
  })
  await Promise.all(clients)
}

/** A request is placed when the one before has arrived and the oldest is over, as seen by the client. */
async function inSequence(plan: TrafficPlan, inFlight: number, servedBy: string[]): Promise<void> {
  const over: Promise<void>[] = []
  const sockets: (Socket | undefined)[] = []
  let arrived: () => void = () => undefined
  onArrival = (item, server, socket) => {
    servedBy[item] = String(server)
    sockets[item] = socket
    arrived()
  }
  const finish = async (item: number): Promise<void> => {
    sockets[item]?.end(reply)
    await over[item]
  }
  for (let item = 0; item < plan.requests; item += 1) {
    if (item > inFlight) await finish(item - inFlight - 1)
    for (const command of plan.commands) if (command.before === item) await tell(command.line)
    const arrival = new Promise<void>((resolve) => (arrived = resolve))
    over[item] = request(plan.port, item)
    await Promise.race([arrival, over[item]])
  }
  await Promise.all(over.map((_, item) => finish(item)))
}

for (const plan of plans) {
  const servedBy = Array.from({ length: plan.requests }, () => '?')
  await (plan.inFlight === null ? inParallel(plan, servedBy) : inSequence(plan, plan.inFlight, servedBy))
  console.log(servedBy.join(''))
}
process.exit(0)
