import type { Agent, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { Traffic } from '../context.ts'
import { Failure } from '../failure.ts'
import type { Counters } from '../figures.ts'
import type { LivePool } from '../pool.ts'
import { reach, type Reached } from '../reach.ts'
import type { LiveSession } from '../sessions.ts'
import { watchSilence } from '../silence.ts'
import { splice } from '../splice.ts'
import type { AccessEntry, HttpAnswer, HttpServiceSpec } from '../traffic.ts'
import { askServer, type Answer } from './ask-server.ts'
import { readPersistence, writePersistence } from './cookies.ts'
import { endToEnd, headBytes } from './headers.ts'

export interface Exchange {
  readonly spec: HttpServiceSpec
  readonly traffic: Traffic
  /** of the service */
  readonly figures: Counters
  readonly agentsOf: (pool: LivePool) => { kept: Agent; fresh: Agent }
  readonly session: LiveSession
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** the request asks for another protocol: the connection, and what came behind its head */
  /** what the client got of the answer's body */
  readonly body: { bytes: number }
  readonly upgrade: { readonly socket: Socket; readonly head: Buffer } | null
}

type Outcome = Pick<
  AccessEntry,
  'pool' | 'server' | 'status' | 'queueMs' | 'connectMs' | 'responseMs' | 'retries' | 'redispatched' | 'ended'
>

const nothing: Outcome = {
  pool: null,
  server: null,
  status: null,
  queueMs: 0,
  connectMs: null,
  responseMs: null,
  retries: 0,
  redispatched: false,
  ended: null,
}

/** One request: routed, answered by a server or in its place. The outcome is what the access log says. */
export async function runExchange(exchange: Exchange, target: LivePool | HttpAnswer): Promise<Outcome> {
  if (!('claim' in target)) return answerHere(exchange, target)
  const { session, figures, request, traffic } = exchange
  const claimedAt = traffic.now()
  session.pool = target.spec.name
  try {
    const reached = await ask(exchange, target)
    const { lease, result, retries, redispatched } = reached
    const { connectMs, responseMs } = result
    session.server = lease.server.spec.id
    const counted = [figures, target.figures, lease.server.figures]
    try {
      const status = result.response.statusCode ?? 0
      const isFailure = lease.server.spec.passive?.failedStatus(status) === true || target.spec.retryOn.includes(status)
      if (isFailure) lease.server.failed()
      else lease.server.passed()
      for (const counters of counted.slice(1)) {
        counters.requests += 1
        counters.bytesIn += headBytes(request)
        counters.time('connectMs', connectMs)
        counters.time('responseMs', responseMs)
      }
      const ended = await (result.upgraded === null
        ? relay(exchange, target, reached, counted)
        : tunnel(exchange, reached, counted))
      for (const counters of counted) {
        counters.answered(result.response.statusCode ?? 0)
        counters.time('totalMs', traffic.now() - claimedAt)
        if (ended === 'client') counters.clientAborts += 1
        if (ended === 'response') counters.serverAborts += 1
      }
      if (ended === 'response') lease.server.failed()
      const served = { pool: target.spec.name, server: lease.server.spec.id }
      return { ...served, status, queueMs: lease.queueMs, connectMs, responseMs, retries, redispatched, ended }
    } finally {
      lease.release()
    }
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    const unserved = { pool: target.spec.name, queueMs: traffic.now() - claimedAt, ended: thrown.reason }
    if (thrown.reason === 'client') {
      figures.clientAborts += 1
      return { ...nothing, ...unserved, ended: session.isCut ? 'cut' : 'client' }
    }
    const status = exchange.spec.failureStatus(thrown.reason)
    target.figures.answered(status)
    return { ...answerHere(exchange, { status, body: null, headers: {} }), ...unserved }
  }
}

function ask({ spec, traffic, session, request, agentsOf, upgrade }: Exchange, pool: LivePool): Promise<Reached<Answer>> {
  const { persistence, retryOn } = pool.spec
  const facts = { request, session }
  const headers = endToEnd(request)
  let cookie: string | null = null
  if (persistence?.kind === 'cookie') {
    const read = readPersistence(request, persistence)
    cookie = read.server
    if (read.cookie === null) delete headers['cookie']
    else headers['cookie'] = read.cookie
  }
  const chunked = request.headers['transfer-encoding'] !== undefined
  if (chunked) headers['transfer-encoding'] = 'chunked'
  if (upgrade !== null) Object.assign(headers, { connection: 'upgrade', upgrade: request.headers.upgrade })
  spec.editRequest?.(headers, facts)
  const question = {
    ...{ headers, ...agentsOf(pool) },
    from: request,
    silenceMs: spec.serverTimeoutMs(facts),
    lastActivityAt: () => session.lastActivityAt,
    signal: session.signal,
  }
  const hasBody = chunked || Number(request.headers['content-length'] ?? 0) > 0
  const claim = {
    key: spec.balanceKey?.(facts) ?? session.source.address,
    source: session.source.address,
    cookie,
    signal: session.signal,
  }
  return reach(
    pool,
    claim,
    async (server, isLast) => {
      const { address, port } = server
      try {
        const answer = await askServer({ ...question, hasBody, address, port }, traffic)
        if (isLast || hasBody || !retryOn.includes(answer.response.statusCode ?? 0)) return answer
        answer.response.destroy()
        throw new Failure('status')
      } catch (thrown) {
        if (thrown instanceof Failure && thrown.reason !== 'client')
          spec.attemptFailed?.({ server, reason: thrown.reason, cause: thrown.cause }, facts)
        throw thrown
      }
    },
    ({ reason }) =>
      reason !== 'client' && (reason === 'status' || retryOn.includes(reason)) && (!hasBody || reason.startsWith('connect')),
  )
}

/** The daemon's own answer. */
function answerHere({ spec, traffic, session, request, response, figures, body }: Exchange, answer: HttpAnswer): Outcome {
  const { status } = answer
  const page = answer.body === null ? spec.errorAnswer(status, { request, session }) : { headers: {}, body: answer.body }
  const headers: OutgoingHttpHeaders = { ...page.headers, ...answer.headers, 'content-length': Buffer.byteLength(page.body) }
  if (traffic.isFinishing()) headers['connection'] = 'close'
  if (status === 403 || status === 429) figures.denied += 1
  figures.answered(status)
  response.writeHead(status, headers)
  response.end(page.body)
  if (request.method !== 'HEAD') body.bytes += Buffer.byteLength(page.body)
  return { ...nothing, status }
}

/** The server's answer on its way to the client. */
async function relay(
  { spec, traffic, session, request, response, body }: Exchange,
  { spec: { persistence } }: LivePool,
  { lease, result }: Reached<Answer>,
  counted: readonly Counters[],
): Promise<Outcome['ended']> {
  const { response: from } = result
  const headers = endToEnd(from)
  if (persistence?.kind === 'cookie')
    writePersistence(headers, persistence, { cookie: lease.server.spec.cookie, known: lease.known })
  if (traffic.isFinishing()) headers['connection'] = 'close'
  const status = from.statusCode ?? 502
  const facts = { request, session }
  spec.editResponse?.(headers, { ...facts, server: lease.server, status })

  let ended: Outcome['ended'] = null
  const count = (bytes: number): void => {
    session.lastActivityAt = traffic.now()
    for (const counters of counted) counters.bytesOut += bytes
  }
  count(headBytes(from))
  from.on('data', (chunk: Buffer) => {
    body.bytes += chunk.length
    count(chunk.length)
  })
  from.on('error', () => (ended ??= session.signal.aborted ? 'client' : 'response'))
  const stopWatching = watchSilence(
    traffic.wheel,
    traffic.now,
    spec.serverTimeoutMs(facts),
    () => session.lastActivityAt,
    () => {
      ended ??= 'response-timeout'
      from.destroy()
    },
  )
  response.writeHead(status, from.statusMessage, headers)
  try {
    await pipeline(from, response)
  } catch {
    ended ??= 'client'
    response.destroy()
  }
  stopWatching()
  return ended !== null && session.isCut ? 'cut' : ended
}

/** `101 Switching Protocols`: from here on bytes, both ways. */
async function tunnel(
  { spec, traffic, session, request, response, body, upgrade }: Exchange,
  { result }: Reached<Answer>,
  counted: readonly Counters[],
): Promise<Outcome['ended']> {
  const { response: from, upgraded } = result
  // Only a request that asked for it is answered so.
  if (upgraded === null || upgrade === null) throw new Failure('response')
  const { socket: client } = upgrade
  const { socket: server } = upgraded
  response.detachSocket(client)
  for (const socket of [client, server]) {
    socket.allowHalfOpen = true
    socket.on('error', () => socket.destroy())
  }
  const lines = [`HTTP/1.1 ${from.statusCode} ${from.statusMessage}`]
  for (let at = 0; at < from.rawHeaders.length; at += 2) lines.push(`${from.rawHeaders[at]}: ${from.rawHeaders[at + 1]}`)
  client.write(`${lines.join('\r\n')}\r\n\r\n`)
  if (upgraded.head.length > 0) server.unshift(upgraded.head)
  if (upgrade.head.length > 0) client.unshift(upgrade.head)

  let silent = false
  const stopWatching = watchSilence(
    traffic.wheel,
    traffic.now,
    spec.tunnelTimeoutMs({ request, session }),
    () => session.lastActivityAt,
    () => {
      silent = true
      client.destroy()
    },
  )
  const broken = await splice(client, server, (direction, bytes) => {
    session.lastActivityAt = traffic.now()
    for (const counters of counted) counters[direction === 'in' ? 'bytesIn' : 'bytesOut'] += bytes
    if (direction === 'out') body.bytes += bytes
  })
  stopWatching()
  if (session.isCut) return 'cut'
  return silent ? 'idle' : broken === 'server' ? 'response' : broken
}
