import type { Machine } from '../../machine/machine.ts'
import { readHttp, type HttpSettings } from './http-settings.ts'
import { named, valueOf } from './levels.ts'
import { errorLogsOf, type LogTarget } from './log-settings.ts'
import type { Statement } from './statement.ts'
import { readStream, type StreamSettings } from './stream-settings.ts'
import { timeOf } from './text.ts'

/** What a configuration that passed its check asks for. */
export interface Settings {
  readonly pidFile: string
  readonly errorLogs: readonly LogTarget[]
  /** every log, to be made at the start and reopened */
  readonly logFiles: readonly string[]
  readonly workers: number
  readonly workerUid: number
  readonly workerConnections: number
  /** null: old workers wait for as long as it takes */
  readonly shutdownTimeoutMs: number | null
  readonly http: HttpSettings | null
  readonly stream: StreamSettings | null
}

/** what `auto` counts, as nproc(1) of a practice machine says */
const processors = 2

/** Throws ConfigError. @param errorLog `-e`, or nginx's built-in `stderr` */
export function readSettings(
  statements: readonly Statement[],
  machine: Machine,
  { prefix, errorLog }: { prefix: string; errorLog: string },
): Settings {
  const builtIn: Statement = { name: 'error_log', args: [errorLog], file: '', line: 0, endLine: 0, block: null }
  const levels = [statements, [builtIn]]
  const [httpBlock] = named(statements, 'http')
  const [streamBlock] = named(statements, 'stream')
  const http = httpBlock === undefined ? null : readHttp(httpBlock, levels, machine, prefix)
  const stream = streamBlock === undefined ? null : readStream(streamBlock, levels, machine, prefix)
  const errorLogs = errorLogsOf(levels, prefix)
  const workers = valueOf(levels, 'worker_processes') ?? '1'
  const events = named(statements, 'events')[0]?.block ?? []
  const shutdown = valueOf(levels, 'worker_shutdown_timeout')
  return {
    pidFile: valueOf(levels, 'pid') ?? '/run/nginx.pid',
    errorLogs,
    logFiles: logFilesOf(errorLogs, http, stream),
    workers: workers === 'auto' ? processors : Number(workers),
    workerUid: workerUidOf(machine, valueOf(levels, 'user') ?? 'nobody'),
    workerConnections: Number(valueOf([events], 'worker_connections') ?? 512),
    shutdownTimeoutMs: shutdown === undefined ? null : timeOf(shutdown, 0),
    http,
    stream,
  }
}

function logFilesOf(main: readonly LogTarget[], http: HttpSettings | null, stream: StreamSettings | null): string[] {
  const places = (http?.listens ?? []).flatMap(({ servers }) =>
    servers.flatMap((server) => [server, ...insideOf(server.locations)]),
  )
  const logs = [
    ...main,
    ...(http?.logs ?? []),
    ...places.flatMap(({ errorLogs, accessLogs }) => [...errorLogs, ...accessLogs]),
    ...(stream?.listens ?? []).flatMap(({ errorLogs }) => errorLogs),
  ]
  return [...new Set(logs.map(({ path }) => path))].filter((path) => path !== 'stderr')
}

type Locations = HttpSettings['listens'][number]['fallback']['locations']
const insideOf = (locations: Locations): Locations => locations.flatMap((each) => [each, ...insideOf(each.inside)])

function workerUidOf({ files }: Machine, name: string): number {
  const accounts = files.read('/etc/passwd').toString('utf8').split('\n')
  return Number(accounts.find((line) => line.startsWith(`${name}:`))?.split(':')[2] ?? 65_534)
}
