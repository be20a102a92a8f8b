import type { PlaceReading } from '../drain/place-reading.ts'
import { parseInfo, type WorkerInfo } from './parse-info.ts'
import { parseServersState } from './parse-servers-state.ts'
import { scanStatsCsv } from './parse-stats-csv.ts'
import { serversStateCommand, type ServerRef } from './runtime-command.ts'
import { isDrained, isInMaintenance } from './server-state.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

/** What is asked of the current worker, on one line: three replies of one moment and one process. */
export function placeCommands({ pool }: ServerRef): string[] {
  return ['show info', `show stat ${pool} 4 -1`, serversStateCommand(pool)]
}

const columns = [
  'svname',
  'qcur',
  'scur',
  'stot',
  'lastsess',
  'agent_status',
  'idle_conn_cur',
  'check_status',
  'cookie',
] as const

export type CurrentPlace = Omit<PlaceReading, 'oldSessions' | 'oldWorkers' | 'clients'>

/** `serverId` is HAProxy's number of it within its backend. */
export interface PlaceReply {
  info: WorkerInfo
  place: CurrentPlace | null
  serverId: number
}

/** The reply to `placeCommands`. `place` is null when the worker has no such backend or server. */
export function parsePlace(text: string, { pool, server }: ServerRef): PlaceReply {
  const infoEnd = text.indexOf('\n\n')
  // A worker that dies while it answers ends the stream like one that has finished.
  if (infoEnd === -1 || !text.endsWith('\n\n')) {
    throw new UnexpectedReply('HAProxy closed the connection before its reply was complete.', text)
  }
  const info = parseInfo(text.slice(0, infoEnd))
  if (text.startsWith('No such proxy.', infoEnd + 2)) return { info, place: null, serverId: -1 }
  const stats = scanStatsCsv(text, columns, infoEnd + 2)
  const row = stats.rows.find(([name]) => name === server)
  const state = parseServersState(text, stats.end).find((each) => each.server === server)
  if (row === undefined || state === undefined) return { info, place: null, serverId: -1 }
  const [, queue, sessions, total, lastRequest, agent, idle, check] = row.map((cell) => (cell === '' ? null : Number(cell)))
  const cookie = row[columns.indexOf('cookie')] ?? ''
  return {
    info,
    serverId: state.serverId,
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
      // In maintenance nothing is checked, and the operational state is 0 whatever the server does.
      health: check === null || isInMaintenance(state.adminState) ? null : state.opState === 0 ? 'down' : 'up',
      stickyBy: cookie === '' ? [] : [`the cookie ${cookie}`],
    },
  }
}

/** The entries of the stick table that bears the backend's name which lead to this server; a fault where there is no such table. */
export const stuckCommand = (pool: string, serverId: number): string => `show table ${pool} data.server_id eq ${serverId}`

/** The reply to `stuckCommand`: how many entries. */
export const countStuck = (text: string): number => (text.match(/^0x/gm) ?? []).length

/** What is asked of a worker of before a reload that has nobody on the server any more. */
export const undecidedCommands = ({ pool }: ServerRef): string[] => ['show info', serversStateCommand(pool), 'show sess']

/**
 * The reply to `undecidedCommands`: how many clients of that worker may still be given the server. It takes no orders after the reload, so
 * where the server was in service then, it still is; a client that has connected and not asked yet (browsers do so ahead of time), or whose
 * server does not answer its connection, can be sent there at any moment. A client has been decided upon when its server's connection stands
 * (`scb`, before 2.6 `s1`, in state 8). Over HTTP/2 such a client could ask for more, but has been told to go away.
 */
export function undecidedIn(text: string, { pool, server }: ServerRef, isSticky: boolean): number {
  if (!text.endsWith('\n\n')) throw new UnexpectedReply('HAProxy closed the connection before its reply was complete.', text)
  const infoEnd = text.indexOf('\n\n')
  const statesEnd = text.indexOf('\n\n', infoEnd + 2)
  if (text.startsWith("Can't find backend.", infoEnd + 2)) return 0
  const state = parseServersState(text.slice(0, statesEnd + 2), infoEnd + 2).find(
    (each) => each.backend === pool && each.server === server,
  )
  if (state === undefined || isInMaintenance(state.adminState) || (isDrained(state.adminState) && !isSticky)) return 0
  const decided = [...text.slice(statesEnd).matchAll(/^0x\S+ proto=\S+ src=(\S+) .* srv=(?!<none>)\S+ .* (?:scb|s1)=\[8,/gm)]
  return Math.max(0, parseInfo(text.slice(0, infoEnd)).connections - new Set(decided.map(([, source]) => source)).size)
}
