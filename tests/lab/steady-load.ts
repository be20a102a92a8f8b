import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { WebSocket } from 'ws'
import type { Lab } from './lab.ts'

/*
 * Clients in the lab's client namespace that work one request after the other, without ever trying again, until they are stopped:
 *
 *   keep-alive   GET on one connection, answered after 50 ms
 *   post         the same with a body in two pieces, which nobody may repeat
 *   download     a new connection for each answer, which takes two seconds and has to be complete
 *   websocket    ten messages in two seconds, each of which has to come back, then closed by the client
 *   tcp          the same over a plain connection
 */
export const loadKinds = ['keep-alive', 'post', 'download', 'websocket', 'tcp'] as const
export type LoadKind = (typeof loadKinds)[number]

/** `host:port` of where the clients of each sort go, to each the same number. */
export interface LoadTargets {
  http: readonly string[]
  tcp: readonly string[]
}

/** What the clients have seen: whole requests or sessions, and those that broke off or were answered with anything but 200. */
export type LoadResult = Record<LoadKind, { done: number; lost: number }> & { by: Record<string, number> }

export interface SteadyLoad {
  /** Ends the load and gives back what its clients saw. */
  stop(): Promise<LoadResult>
}

/** of each kind, on each target */
export const loadClients = 3

export function startLoad(lab: Lab, folder: string, targets: LoadTargets): SteadyLoad {
  const goOn = join(folder, 'load-goes-on')
  writeFileSync(goOn, '')
  const argv = [process.execPath, import.meta.filename, goOn, JSON.stringify(targets)] as const
  const running = lab.exec('client', argv, { timeoutMs: 600_000 })
  return {
    async stop() {
      rmSync(goOn)
      const { code, stdout, stderr } = await running
      if (code !== 0) throw new Error(`The load ended with ${code}: ${stderr}`)
      return JSON.parse(stdout) as LoadResult
    },
  }
}

/** Each answers which backend it was; rejects for everything that a user would call an error. */
type Client = () => Promise<string>

const patienceMs = 20_000
const messages = Array.from({ length: 10 }, (_, number) => `message ${number}`)

function ask(agent: Agent | false, target: string, path: string, body: readonly string[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body.length === 0 ? 'GET' : 'POST'
    const headers = body.length === 0 ? {} : { 'content-length': body.join('').length }
    const sent = request(`http://${target}${path}`, { agent, method, headers, timeout: patienceMs }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('error', reject)
      response.on('close', () => {
        if (response.complete && response.statusCode === 200) resolve(text.trim())
        else reject(new Error(`status ${response.statusCode}`))
      })
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer')))
    sent.on('error', reject)
    const [first = '', second] = body
    if (second === undefined) sent.end(first)
    else {
      sent.write(first)
      setTimeout(() => sent.end(second), 10)
    }
  })
}

const onOneConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 })

function getting(target: string): Client {
  const agent = onOneConnection()
  return () => ask(agent, target, '/?ms=50')
}

function posting(target: string): Client {
  const agent = onOneConnection()
  return async () => {
    const [backend = '', length] = (await ask(agent, target, '/?ms=40', ['x'.repeat(1000), 'y'.repeat(1000)])).split(' ')
    if (length !== '2000') throw new Error(`${length} bytes of 2000 arrived`)
    return backend
  }
}

function downloading(target: string): Client {
  return async () => {
    const text = await ask(false, target, '/?chunks=20')
    const backend = text.slice(20_000)
    if (!/^b\d$/.test(backend)) throw new Error(`${text.length} bytes came`)
    return backend
  }
}

/** Says each message and waits until it has come back. `heard`: all that came so far. Answers which backend it was. */
async function converse(say: (text: string) => void, heard: () => string, isOver: () => boolean): Promise<string> {
  let said = ''
  for (const message of messages) {
    say(`${message}\n`)
    said += message
    for (let waited = 0; waited < patienceMs && !heard().includes(message); waited += 20) {
      if (isOver()) throw new Error(`broke off after "${said}"`)
      await delay(20)
    }
    await delay(180)
    if (isOver() || !heard().includes(message)) throw new Error(`broke off after "${said}"`)
  }
  return /b\d/.exec(heard())?.[0] ?? ''
}

function chatting(target: string): Client {
  return async () => {
    const socket = new WebSocket(`ws://${target}/`, { handshakeTimeout: patienceMs })
    let text = ''
    let over = false
    socket.on('message', (data: Buffer) => (text += data.toString()))
    socket.on('close', () => (over = true))
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    socket.on('error', () => (over = true))
    const backend = await converse(
      (message) => socket.send(message),
      () => text,
      () => over,
    ).finally(() => socket.close())
    return backend
  }
}

function talking(target: string): Client {
  return async () => {
    const [host = '', port] = target.split(':')
    const socket = connect(Number(port), host)
    let text = ''
    let over = false
    socket.on('data', (data) => (text += data.toString()))
    socket.on('close', () => (over = true))
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    socket.on('error', () => (over = true))
    const backend = await converse(
      (message) => socket.write(message),
      () => text,
      () => over,
    ).finally(() => socket.end())
    return backend
  }
}

const clientOf = { 'keep-alive': getting, post: posting, download: downloading, websocket: chatting, tcp: talking } as const

async function main(goOn: string, { http, tcp }: LoadTargets): Promise<void> {
  const result: LoadResult = { ...countsFrom(() => ({ done: 0, lost: 0 })), by: {} }
  async function work(kind: LoadKind, target: string): Promise<void> {
    const client = clientOf[kind](target)
    while (existsSync(goOn)) {
      const backend = await client().catch(() => null)
      if (backend === null) {
        result[kind].lost += 1
        await delay(50)
      } else {
        result[kind].done += 1
        result.by[backend] = (result.by[backend] ?? 0) + 1
      }
    }
  }
  const targetsOf = (kind: LoadKind): readonly string[] => (kind === 'tcp' ? tcp : http)
  const clients = loadKinds.flatMap((kind) =>
    targetsOf(kind).flatMap((target) => Array.from({ length: loadClients }, () => work(kind, target))),
  )
  await Promise.all(clients)
  process.stdout.write(JSON.stringify(result))
  // keep-alive connections would hold the process for as long as the balancers keep them
  process.exit()
}

export const countsFrom = <T>(make: (kind: LoadKind) => T): Record<LoadKind, T> =>
  Object.fromEntries(loadKinds.map((kind) => [kind, make(kind)])) as Record<LoadKind, T>

const [program, goOn, targets] = process.argv.slice(1)
if (program !== undefined && pathToFileURL(program).href === import.meta.url && goOn !== undefined && targets !== undefined) {
  await main(goOn, JSON.parse(targets) as LoadTargets)
}
