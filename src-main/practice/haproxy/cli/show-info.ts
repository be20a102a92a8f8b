import { releaseDate, version } from '../version.ts'
import type { Worker } from '../worker/worker.ts'
import { Refusal, type CliCommand } from './command.ts'

/** `0d 0h00m47s` */
function uptimeText(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  return `${Math.floor(hours / 24)}d ${hours % 24}h${two(Math.floor(seconds / 60) % 60)}m${two(seconds % 60)}s`
}

/** The 69 lines of 2.6.12; what a practice balancer does not have (TLS, compression, pipes) is 0. */
function infoOf({ worker }: { worker: Worker }): readonly (readonly [string, string | number])[] {
  const { config, frontends, process, machine, engine } = worker
  const uptimeS = Math.floor(worker.uptimeMs() / 1000)
  const total = (of: (figures: (typeof frontends)[number]['service']['figures']) => number): number =>
    frontends.reduce((sum, { service }) => sum + of(service.figures), 0)
  const files = config.global.maxconn * 2 + 44
  const listeners = worker.stopping
    ? 1
    : frontends.reduce((sum, { proxy }) => sum + proxy.binds.length, config.global.sockets.length + 1)
  const zero = (...names: string[]) => names.map((name) => [name, 0] as const)
  return [
    ['Name', 'HAProxy'],
    ['Version', version],
    ['Release_date', releaseDate],
    ['Nbthread', config.global.threads],
    ['Nbproc', 1],
    ['Process_num', 1],
    ['Pid', process.pid],
    ['Uptime', uptimeText(uptimeS)],
    ['Uptime_sec', uptimeS],
    ...zero('Memmax_MB', 'PoolAlloc_MB', 'PoolUsed_MB', 'PoolFailed'),
    ['Ulimit-n', files],
    ['Maxsock', files],
    ['Maxconn', worker.maxconn],
    ['Hard_maxconn', config.global.maxconn],
    ['CurrConns', engine.sessions().length],
    ['CumConns', total(({ totalSessions }) => totalSessions)],
    ['CumReq', total(({ requests }) => requests)],
    ...zero('MaxSslConns', 'CurrSslConns', 'CumSslConns', 'Maxpipes', 'PipesUsed', 'PipesFree'),
    ['ConnRate', total((figures) => figures.sessionsPerSecond())],
    ['ConnRateLimit', 0],
    ['MaxConnRate', total(({ mostSessionsPerSecond }) => mostSessionsPerSecond)],
    ['SessRate', total((figures) => figures.sessionsPerSecond())],
    ['SessRateLimit', 0],
    ['MaxSessRate', total(({ mostSessionsPerSecond }) => mostSessionsPerSecond)],
    ...zero(
      'SslRate',
      'SslRateLimit',
      'MaxSslRate',
      'SslFrontendKeyRate',
      'SslFrontendMaxKeyRate',
      'SslFrontendSessionReuse_pct',
    ),
    ...zero('SslBackendKeyRate', 'SslBackendMaxKeyRate', 'SslCacheLookups', 'SslCacheMisses'),
    ...zero('CompressBpsIn', 'CompressBpsOut', 'CompressBpsRateLim'),
    ['Tasks', 20 + engine.sessions().length],
    ['Run_queue', 0],
    ['Idle_pct', 100],
    ['node', config.global.node ?? machine.name],
    ['Stopping', worker.stopping ? 1 : 0],
    ['Jobs', listeners + 1 + engine.sessions().length],
    ['Unstoppable Jobs', 1],
    ['Listeners', listeners],
    ...zero('ActivePeers', 'ConnectedPeers', 'DroppedLogs', 'BusyPolling', 'FailedResolutions'),
    ['TotalBytesOut', total(({ bytesOut }) => bytesOut)],
    ...zero('TotalSplicdedBytesOut', 'BytesOutRate', 'DebugCommandsIssued', 'CumRecvLogs'),
    ['Build info', version],
    ...zero('Memmax_bytes', 'PoolAlloc_bytes', 'PoolUsed_bytes'),
    ['Start_time_sec', Math.floor(worker.startedAt / 1000)],
    ['Tainted', 0],
  ]
}

export const showInfo: CliCommand = {
  words: 'show info',
  level: 'user',
  run(args, context) {
    if (['json', 'typed', 'desc', 'float'].includes(args[0] ?? ''))
      throw new Refusal('This practice balancer knows "show info" as plain lines only.\n')
    return infoOf(context)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join('')
  },
}
