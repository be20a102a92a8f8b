import type { PlaceReading } from '../drain/place-reading.ts'
import { parseInfo, type WorkerInfo } from './parse-info.ts'
import { parseServersState } from './parse-servers-state.ts'
import { scanStatsCsv } from './parse-stats-csv.ts'
import { serversStateCommand, type ServerRef } from './runtime-command.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

/** What is asked of the current worker, on one line: three replies of one moment and one process. */
export function placeCommands({ pool }: ServerRef): string[] {
  return ['show info', `show stat ${pool} 4 -1`, serversStateCommand(pool)]
}

const columns = ['svname', 'qcur', 'scur', 'stot', 'lastsess', 'agent_status', 'idle_conn_cur'] as const

export type CurrentPlace = Omit<PlaceReading, 'oldSessions' | 'oldWorkers' | 'clients'>

/** The reply to `placeCommands`. `place` is null when the worker has no such backend or server. */
export function parsePlace(text: string, { pool, server }: ServerRef): { info: WorkerInfo; place: CurrentPlace | null } {
  const infoEnd = text.indexOf('\n\n')
  // A worker that dies while it answers ends the stream like one that has finished.
  if (infoEnd === -1 || !text.endsWith('\n\n')) {
    throw new UnexpectedReply('HAProxy closed the connection before its reply was complete.', text)
  }
  const info = parseInfo(text.slice(0, infoEnd))
  if (text.startsWith('No such proxy.', infoEnd + 2)) return { info, place: null }
  const stats = scanStatsCsv(text, columns, infoEnd + 2)
  const row = stats.rows.find(([name]) => name === server)
  const state = parseServersState(text, stats.end).find((each) => each.server === server)
  if (row === undefined || state === undefined) return { info, place: null }
  const [, queue, sessions, total, lastRequest, agent, idle] = row.map((cell) => (cell === '' ? null : Number(cell)))
  return {
    info,
    place: {
      pool,
      server,
      adminState: state.adminState,
      weight: state.weight,
      configuredWeight: state.configuredWeight,
      address: state.address ?? 'unix',
      worker: info.pid,
      sessions: sessions ?? 0,
      queue: queue ?? 0,
      idle: idle ?? null,
      lastRequestS: lastRequest === undefined || lastRequest === -1 ? null : lastRequest,
      totalSessions: total ?? null,
      agentCheck: agent !== null,
    },
  }
}
