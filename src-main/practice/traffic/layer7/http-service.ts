import { createServer, ServerResponse, type IncomingMessage } from 'node:http'
import type { Agent } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection } from '../../machine/machine.ts'
import type { Traffic } from '../context.ts'
import { Counters } from '../figures.ts'
import type { LivePool } from '../pool.ts'
import type { LiveSession } from '../sessions.ts'
import { watchSilence } from '../silence.ts'
import type { HttpAnswer, HttpServiceSpec, Pool, Service } from '../traffic.ts'
import { runExchange, type Exchange } from './exchange.ts'
import { headBytes } from './headers.ts'

/** Forwards HTTP/1.1, request by request. Node's server reads what the clients say and never listens itself. */
export function createHttpService(
  spec: HttpServiceSpec,
  traffic: Traffic,
  { agentsOf, livePool }: { agentsOf: (pool: LivePool) => { kept: Agent; fresh: Agent }; livePool: (pool: Pool) => LivePool },
): Service {
  const { now, wheel, sessions } = traffic
  const figures = new Counters(now)
  const bySocket = new WeakMap<object, LiveSession>()
  const idleWatches = new WeakMap<LiveSession, () => void>()

  // Every limit is the session's own, on the machine's clock.
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 })
  server.timeout = 0

  function becomeIdle(session: LiveSession): void {
    const { socket } = session.connection
    if (socket.destroyed || session.busy > 0) return
    session.idleSince = socket.bytesRead
    session.lastActivityAt = now()
    Object.assign(session, { request: null, pool: null, server: null })
    const limitMs = session.requests === 0 ? spec.requestTimeoutMs : spec.keepAliveMs
    const expired = (): void => {
      if (session.idleSince !== socket.bytesRead) figures.requestErrors += 1
      socket.destroy()
    }
    idleWatches.set(
      session,
      watchSilence(wheel, now, limitMs, () => session.lastActivityAt, expired),
    )
  }

  async function serve(request: IncomingMessage, response: ServerResponse, upgrade: Exchange['upgrade']): Promise<void> {
    const session = bySocket.get(request.socket)
    if (session === undefined) return void request.socket.destroy()
    const startedAt = now()
    idleWatches.get(session)?.()
    Object.assign(session, { idleSince: null, lastActivityAt: startedAt, request: `${request.method} ${request.url}` })
    session.requests += 1
    session.busy += 1
    figures.requests += 1
    figures.bytesIn += headBytes(request)
    const before = { in: session.bytesIn, out: session.bytesOut }
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => {
      session.lastActivityAt = now()
      figures.bytesIn += chunk.length
    })
    // Counting must not start the flow: the body waits for its server.
    request.pause()
    response.on('error', () => {})
    response.sendDate = false
    response.once('close', () => {
      // what nobody wanted of the body must not stand before the next request
      request.resume()
      session.busy -= 1
      becomeIdle(session)
    })

    const target = await spec.route({ request, session })
    const isPool = (at: Pool | HttpAnswer): at is Pool => 'servers' in at
    const exchange = { spec, traffic, figures, agentsOf, session, request, response, upgrade, body: { bytes: 0 } }
    const outcome = await runExchange(exchange, isPool(target) ? livePool(target) : target)
    spec.log?.(
      {
        service: spec.name,
        source: session.source,
        request: {
          method: request.method ?? '',
          url: request.url ?? '',
          httpVersion: request.httpVersion,
          headers: request.headers,
        },
        bytesIn: session.bytesIn - before.in,
        bytesOut: session.bytesOut - before.out,
        bodyBytes: exchange.body.bytes,
        totalMs: now() - startedAt,
        ...outcome,
      },
      exchange,
    )
  }

  function start(request: IncomingMessage, response: ServerResponse, upgrade: Exchange['upgrade']): void {
    const served = serve(request, response, upgrade).catch((thrown: unknown) => {
      traffic.report(thrown)
      request.socket.destroy()
    })
    sessions.attend(served)
  }

  server.on('request', (request, response) => start(request, response, null))
  server.on('upgrade', (request, duplex, head) => {
    // Node hands over the socket it was given.
    const socket = duplex as Socket
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => socket.destroySoon())
    start(request, response, { socket, head })
  })
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) return void socket.destroy()
    figures.requestErrors += 1
    figures.answered(400)
    const { headers, body } = spec.errorAnswer(400, null)
    const lines = Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body), Connection: 'close' })
    socket.end(`HTTP/1.1 400 Bad Request\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`, () =>
      socket.destroy(),
    )
  })

  function accept(connection: Connection): void {
    if (spec.maxSessions !== null && figures.sessions >= spec.maxSessions) {
      figures.denied += 1
      connection.socket.destroy()
      return
    }
    const session = sessions.open(spec.name, connection, figures)
    bySocket.set(connection.socket, session)
    connection.socket.once('close', () => idleWatches.get(session)?.())
    becomeIdle(session)
    server.emit('connection', connection.socket)
  }

  return { name: spec.name, figures, accept, sessions: () => sessions.all().filter(({ service }) => service === spec.name) }
}
