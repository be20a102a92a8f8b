import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { createBackend, type Backend } from '../../../../src-main/practice/backends/backend.ts'
import { createMachine } from '../../../../src-main/practice/machine/create-machine.ts'
import type { Machine, PracticeClock } from '../../../../src-main/practice/machine/machine.ts'
import { claimLoopback } from '../../../../src-main/practice/network/loopback.ts'
import { createSegment } from '../../../../src-main/practice/network/segment.ts'
import { createEngine } from '../../../../src-main/practice/traffic/create-engine.ts'
import { createListenerSet } from '../../../../src-main/practice/traffic/create-listener-set.ts'
import type {
  ActiveCheck,
  Engine,
  HttpServiceSpec,
  ListenerSet,
  PassiveCheck,
  PoolSpec,
  ServerSpec,
} from '../../../../src-main/practice/traffic/traffic.ts'

export const balancerPid = 500

/** One balancer, its backends and a client, on a segment of their own. */
export interface Site {
  readonly balancer: Machine
  readonly client: Machine
  readonly address: string
  readonly engine: Engine
  readonly listeners: ListenerSet
  readonly reported: unknown[]
  newEngine(): Engine
  backend(name: string): Backend
  server(name: string, more?: Partial<ServerSpec>): ServerSpec
  get(path: string, headers?: Record<string, string>, method?: string, body?: string): Promise<Reply>
  connect(port?: number): Promise<Socket>
  close(): Promise<void>
}

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  body: string
  backend: string | undefined
}

export const backendPort = 8080
export const echoPort = 7000

export async function createSite(clock: PracticeClock, random: () => number = () => 0.5): Promise<Site> {
  const loopback = await claimLoopback()
  const segment = createSegment(loopback, 0)
  const machine = (name: string, host: number): Machine =>
    createMachine({ name, clock, segment, address: segment.address(host) })
  const balancer = machine('lb1', 1)
  const client = machine('client', 2)
  const address = segment.address(1).address
  const backends = new Map<string, Backend>()
  const reported: unknown[] = []
  const engines: Engine[] = []
  const newEngine = (): Engine => {
    const report = (thrown: unknown): void => void reported.push(thrown)
    const made = createEngine({ network: balancer.network, clock, pid: balancerPid, random, report })
    engines.push(made)
    return made
  }
  const engine = newEngine()
  const listeners = createListenerSet(balancer.network, balancerPid)
  const connect = (port = 80): Promise<Socket> => client.network.connect({ address, port, pid: 900, timeoutMs: 5000 })
  let host = 10

  return {
    balancer,
    client,
    address,
    engine,
    listeners,
    reported,
    newEngine,
    backend(name) {
      const found = backends.get(name)
      if (found === undefined) throw new Error(`No backend ${name}`)
      return found
    },
    server(name, more = {}) {
      const at = segment.address(host)
      host += 1
      const { network } = createMachine({ name, clock, segment, address: at })
      const options = { name, network, clock, pid: 700, address: at.address, port: backendPort, echoPort, random }
      backends.set(name, createBackend(options))
      return { ...plainServer(name, at.address), ...more }
    },
    async get(path, headers = {}, method = 'GET', body = '') {
      const socket = await connect()
      return new Promise((resolve, reject) => {
        const request = httpRequest({ path, method, headers: { host: 'site', ...headers }, createConnection: () => socket })
        request.on('error', reject)
        request.on('response', (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (part: string) => (text += part))
          response.on('error', reject)
          response.on('end', () => {
            const backend = response.headers['x-backend']
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: text,
              backend: typeof backend === 'string' ? backend : undefined,
            })
          })
        })
        request.end(body)
      })
    },
    connect,
    async close() {
      listeners.close()
      const finished = engines.map((each) => each.finish())
      for (const each of engines) each.finishNow()
      await Promise.all(finished)
      for (const backend of backends.values()) backend.close()
      await segment.close()
      await loopback.close()
    },
  }
}

export function plainServer(id: string, address = '127.0.0.1'): ServerSpec {
  return {
    id,
    address,
    port: backendPort,
    weight: 1,
    admin: 'ready',
    backup: false,
    maxSessions: null,
    check: null,
    passive: null,
    warmUpPasses: 0,
    slowStartMs: 0,
    cookie: null,
    hashedBy: null,
  }
}

export const plainPool = (name: string, servers: readonly ServerSpec[], more: Partial<PoolSpec> = {}): PoolSpec => ({
  name,
  servers,
  algorithm: { kind: 'nginx-round-robin' },
  backups: 'all',
  persistence: null,
  connectTimeoutMs: 1000,
  queueTimeoutMs: 5000,
  maxSessions: null,
  retries: 3,
  redispatch: 'last',
  retryOn: ['connect', 'connect-timeout'],
  keptConnections: 256,
  ...more,
})

export const plainService = (
  name: string,
  route: HttpServiceSpec['route'],
  more: Partial<HttpServiceSpec> = {},
): HttpServiceSpec => ({
  name,
  route,
  maxSessions: null,
  balanceKey: null,
  editRequest: null,
  editResponse: null,
  failureStatus: (reason) => (reason === 'response' ? 502 : reason === 'response-timeout' ? 504 : 503),
  errorAnswer: (status) => ({ headers: { 'content-type': 'text/plain' }, body: `error ${status}\n` }),
  requestTimeoutMs: 10_000,
  keepAliveMs: 10_000,
  serverTimeoutMs: () => 10_000,
  tunnelTimeoutMs: () => 60_000,
  attemptFailed: null,
  log: null,
  ...more,
})

export const healthCheck: ActiveCheck = {
  kind: 'http',
  intervalMs: 2000,
  fastIntervalMs: null,
  downIntervalMs: null,
  timeoutMs: 1000,
  rise: 2,
  fall: 3,
  port: null,
  request: { method: 'GET', path: '/health', headers: { host: 'check' } },
  passes: (status) => status >= 200 && status < 400,
  saidBy: null,
}

export const halfFails: Pick<PassiveCheck, 'windowMs' | 'coolDownMs' | 'failedStatus'> = {
  windowMs: 10_000,
  coolDownMs: 30_000,
  failedStatus: (status) => status >= 500,
}
