/*
 * One worker process: an engine of its own, whose connections are the process's. What a `zone` holds is common to the workers of a
 * generation, what limits count to all workers of the master.
 */
import type { Connection, Machine, PracticeProcess, SignalName } from '../machine/machine.ts'
import { createEngine } from '../traffic/create-engine.ts'
import type { Engine, Pool, Service, Session } from '../traffic/traffic.ts'
import { listenAt } from './bindings.ts'
import type { LogLevel } from './config/check-main.ts'
import type { Settings } from './config/settings.ts'
import type { StreamListen } from './config/stream-settings.ts'
import { addressText } from './config/listen.ts'
import type { UpstreamSettings } from './config/upstream-settings.ts'
import { writeErrorLog } from './error-log.ts'
import type { Limit } from './http/answer-request.ts'
import { complaintOf, createHttpService } from './http/create-http-service.ts'

export interface Worker {
  readonly process: PracticeProcess
  sessions(): Session[]
  accept(connection: Connection): void
  /** No new work; the process ends when its last connection has, or when `worker_shutdown_timeout` is over. */
  retire(): void
  exit(): void
}

export interface WorkerSpec {
  readonly machine: Machine
  readonly settings: Settings
  readonly masterPid: number
  /** with a `zone`, by context and name */
  readonly zones: ReadonlyMap<UpstreamSettings, Pool>
  readonly limits: ReadonlyMap<string, Limit>
  readonly statusPage: () => string
  readonly requestCame: () => void
  readonly ended: (worker: Worker, end: { code: number | null; signal: SignalName | null }) => void
}

export const poolSpecs = ({ http, stream }: Settings): UpstreamSettings[] => [
  ...(http?.upstreams.values() ?? []),
  ...(stream?.upstreams.values() ?? []),
]

export function startWorker(spec: WorkerSpec): Worker {
  const { machine, settings, masterPid } = spec
  const process = machine.processes.spawn({
    argv: ['nginx: worker process'],
    exe: '/usr/sbin/nginx',
    parentPid: masterPid,
    uid: settings.workerUid,
    onSignal,
    onExit(end) {
      engine.finishNow()
      void engine.finish()
      spec.ended(worker, end)
    },
  })
  const { pid } = process
  const log = (level: LogLevel, text: string): void => writeErrorLog(machine, settings.errorLogs, level, pid, text)
  const engine = createEngine({
    ...{ network: machine.network, clock: machine.clock, pid, random: Math.random },
    report: (thrown) => log('alert', `practice engine: ${thrown instanceof Error ? thrown.message : String(thrown)}`),
  })
  const http = httpServices(spec, engine, pid)
  const stream = streamServices(spec, engine, pid)
  let isRetiring = false

  const worker: Worker = {
    process,
    sessions: () => engine.sessions(),
    accept(connection) {
      const isFull = engine.sessions().length >= settings.workerConnections
      if (isFull) log('alert', `${settings.workerConnections} worker_connections are not enough`)
      const at = listenAt(http, connection.local) ?? listenAt(stream, connection.local)
      if (isFull || at === undefined) connection.socket.destroy()
      else at.service.accept(connection)
    },
    retire() {
      if (isRetiring || process.state === 'ended') return
      isRetiring = true
      process.setArgv(['nginx: worker process is shutting down'])
      log('notice', 'gracefully shutting down')
      const { shutdownTimeoutMs } = settings
      const cancel = shutdownTimeoutMs === null ? () => undefined : machine.clock.after(shutdownTimeoutMs, engine.finishNow)
      void engine.finish().then(() => {
        cancel()
        worker.exit()
      })
    },
    exit() {
      if (process.state === 'ended') return
      log('notice', 'exiting')
      log('notice', 'exit')
      process.exit(0)
    },
  }

  function onSignal(signal: SignalName): void {
    if (signal === 'TERM' || signal === 'INT') {
      log('notice', `signal ${signal === 'TERM' ? '15 (SIGTERM)' : '2 (SIGINT)'} received, exiting`)
      worker.exit()
    } else if (signal === 'QUIT') {
      log('notice', 'signal 3 (SIGQUIT) received, shutting down')
      worker.retire()
    }
  }

  return worker
}

type At = { readonly address: string; readonly port: number; readonly service: Service }

function httpServices(
  { machine, settings: { http }, zones, limits, statusPage, requestCame }: WorkerSpec,
  engine: Engine,
  pid: number,
): At[] {
  if (http === null) return []
  const pools = new Map([...http.upstreams].map(([name, upstream]) => [name, poolFor(upstream, engine, zones)]))
  const keys = new Map([...http.upstreams].flatMap(([name, { key }]) => (key === null ? [] : [[name, key] as const])))
  const context = { machine, engine, pid, pools, keys, limits, statusPage, requestCame }
  return http.listens.map((listen) => ({ ...listen, service: createHttpService(listen, context) }))
}

function streamServices({ machine, settings: { stream }, zones }: WorkerSpec, engine: Engine, pid: number): At[] {
  if (stream === null) return []
  const pools = new Map([...stream.upstreams].map(([name, upstream]) => [name, poolFor(upstream, engine, zones)]))
  return stream.listens.flatMap((listen) => {
    const pool = pools.get(listen.upstream)
    if (pool === undefined) return []
    return [{ ...listen, service: createStreamService(machine, listen, engine, engine.sharePool(pool, listen.rules), pid) }]
  })
}

const poolFor = (upstream: UpstreamSettings, engine: Engine, zones: WorkerSpec['zones']): Pool =>
  zones.get(upstream) ?? engine.addPool(upstream.pool)

function createStreamService(machine: Machine, listen: StreamListen, engine: Engine, pool: Pool, pid: number): Service {
  const where = addressText(listen)
  const log = ({ id, source }: Session, text: string, upstream: string): void => {
    const line = `*${id} ${text}, client: ${source.address}, server: ${where}, upstream: "${upstream}", bytes from/to client:0/0, bytes from/to upstream:0/0`
    writeErrorLog(machine, listen.errorLogs, 'error', pid, line)
  }
  return engine.addTcpService({
    name: where,
    pool,
    maxSessions: null,
    idleTimeoutMs: listen.idleTimeoutMs,
    attemptFailed(failed, session) {
      const complaint = complaintOf(failed)
      const { address, port } = failed.server
      if (complaint !== null) log(session, complaint, `${address}:${port}`)
    },
    log({ ended }, session) {
      if (ended === 'no-server') log(session, 'no live upstreams while connecting to upstream', pool.spec.name)
    },
  })
}
