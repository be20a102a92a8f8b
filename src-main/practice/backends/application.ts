import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PracticeClock } from '../machine/machine.ts'
import type { Behaviour } from './behaviour.ts'

export interface Application {
  readonly name: string
  readonly behaviour: Behaviour
  readonly clock: PracticeClock
  readonly random: () => number
}

/** a download is at most this long */
const mostBytes = 1024 ** 3
const chunk = Buffer.alloc(16 * 1024, 'evenkeel ')

/**
 * `/health`; `/download?bytes=N&perSecond=N` for sessions that take their time; `/events?everyMs=N`, a stream of server-sent events that
 * ends with its connection; anything else is answered with the backend's name and what it was asked.
 */
export function answer(application: Application, request: IncomingMessage, response: ServerResponse): void {
  const { name, behaviour, random } = application
  const url = new URL(request.url ?? '/', 'http://backend')
  const parameter = (key: string, otherwise: number): number => {
    const value = Number(url.searchParams.get(key) ?? otherwise)
    return Number.isFinite(value) && value > 0 ? value : otherwise
  }
  response.setHeader('X-Backend', name)
  response.on('error', () => response.destroy())
  if (url.pathname === '/health') return sayHealth(behaviour, response)
  if (random() < behaviour.errorRate) return void response.writeHead(500).end(`${name}: this one failed\n`)
  if (url.pathname === '/download') {
    const bytes = Math.min(mostBytes, Math.floor(parameter('bytes', 1024 * 1024)))
    return download(application, response, bytes, parameter('perSecond', 256 * 1024))
  }
  if (url.pathname === '/events') return sendEvents(application, response, parameter('everyMs', 1000))
  let received = 0
  request.on('data', (part: Buffer) => (received += part.length))
  request.on('end', () => {
    const body = { backend: name, method: request.method, url: request.url, received, headers: request.headers }
    response.setHeader('Content-Type', 'application/json')
    response.end(`${JSON.stringify(body)}\n`)
  })
}

function sayHealth({ health }: Behaviour, response: ServerResponse): void {
  response.setHeader('Content-Type', 'application/json')
  if (health === 'degraded') response.setHeader('X-Health', 'degraded: its database does not answer')
  response.writeHead(health === 'failing' ? 503 : 200).end(`{"status":"${health === 'well' ? 'ok' : health}"}\n`)
}

const tickMs = 100

function download({ clock }: Application, response: ServerResponse, bytes: number, perSecond: number): void {
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes })
  let left = bytes
  const send = (): void => {
    if (response.destroyed) return
    let now = Math.min(left, Math.ceil((perSecond * tickMs) / 1000))
    left -= now
    let flowing = true
    for (; now > 0; now -= chunk.length) flowing = response.write(chunk.subarray(0, Math.min(now, chunk.length)))
    if (left === 0) response.end()
    else if (flowing) clock.after(tickMs, send)
    else response.once('drain', send)
  }
  send()
}

function sendEvents({ clock }: Application, response: ServerResponse, everyMs: number): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  let id = 0
  const send = (): void => {
    if (response.destroyed) return
    response.write(`id: ${id}\ndata: ${clock.now()}\n\n`)
    id += 1
    clock.after(everyMs, send)
  }
  send()
}
