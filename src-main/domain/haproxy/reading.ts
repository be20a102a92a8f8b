import type { Worker } from '#contract'
import { ownText } from '../fleet/own-text.ts'
import type { BalancerReading, PoolReading, ServerReading } from '../fleet/reading.ts'
import { parseInfo, type WorkerInfo } from './parse-info.ts'
import { parseServersState, type ServerStateRow } from './parse-servers-state.ts'
import { scanStatsCsv } from './parse-stats-csv.ts'
import { serverStateFrom } from './server-state.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

/** Backends and servers only (types 2 and 4): frontends and listeners are not read. */
export const roundCommands = ['show cli level', 'show info', 'show stat -1 6 -1', 'show servers state'] as const
/** what is asked of a worker of before a reload */
export const oldWorkerCommands = ['show info', 'show stat -1 4 -1'] as const

const columns = [
  'pxname', 'svname', 'type', 'iid', 'sid', 'status', 'mode', 'algo', 'act', 'bck', 'qcur', 'scur', 'slim', 'stot', 'rate',
  'req_tot', 'econ', 'eresp', 'rtime', 'lastchg', 'lastsess', 'addr', 'check_status', 'check_code', 'check_duration', 'last_chk',
  'check_desc', 'agent_status',
] as const // prettier-ignore
type Column = (typeof columns)[number]
const slotOf = Object.fromEntries(columns.map((name, slot) => [name, slot])) as Record<Column, number>
type Row = readonly string[]
const cell = (row: Row, column: Column): string => row[slotOf[column]] ?? ''
const number = (row: Row, column: Column): number | null => {
  const text = cell(row, column)
  return text === '' ? null : Number(text)
}

export interface Round {
  level: string
  info: WorkerInfo
  stats: Row[]
  states: ServerStateRow[]
}

/** The reply to `roundCommands` on one line: four replies, each closed by an empty line. */
export function parseRound(text: string): Round {
  const levelEnd = text.indexOf('\n\n')
  const infoEnd = text.indexOf('\n\n', levelEnd + 2)
  // A worker that dies while it answers ends the stream like one that has finished.
  if (levelEnd === -1 || infoEnd === -1 || !text.endsWith('\n\n')) {
    throw new UnexpectedReply('HAProxy closed the connection before its reply was complete.', text)
  }
  const stats = scanStatsCsv(text, columns, infoEnd + 2)
  return {
    level: text.slice(0, levelEnd).trim(),
    info: parseInfo(text.slice(levelEnd + 2, infoEnd)),
    stats: stats.rows,
    states: parseServersState(text, stats.end),
  }
}

export interface OldWorkerRound {
  info: WorkerInfo
  /** sessions by `backend/server`: ids may have changed with the configuration, names are what the operator means */
  sessions: Map<string, number>
}

/** The reply to `oldWorkerCommands` on one line. */
export function parseOldWorker(text: string): OldWorkerRound {
  const infoEnd = text.indexOf('\n\n')
  if (infoEnd === -1 || !text.endsWith('\n\n')) {
    throw new UnexpectedReply('HAProxy closed the connection before its reply was complete.', text)
  }
  const sessions = new Map<string, number>()
  for (const row of scanStatsCsv(text, columns, infoEnd + 2).rows) {
    sessions.set(nameOf(row), (number(row, 'scur') ?? 0) + (number(row, 'qcur') ?? 0))
  }
  return { info: parseInfo(text.slice(0, infoEnd)), sessions }
}

const nameOf = (row: Row): string => `${cell(row, 'pxname')}/${cell(row, 'svname')}`

/** Sessions of all old workers together, by `backend/server`; null when there are old workers that could not be asked. */
export type OldSessions = ReadonlyMap<string, number> | null

/**
 * Backends without servers (a statistics page, a redirect) are left out: a pool is a set of servers.
 * A server's sessions include those that old workers still have on it, which the stats socket does not show.
 */
export function balancerReadingFrom(round: Round, workers: Worker[], oldSessions: OldSessions): BalancerReading {
  const stateOf = stateFinder(round.states)
  const pools = new Map<string, PoolReading>()
  const servers = new Map<string, ServerReading[]>()
  for (const row of round.stats) {
    const pool = cell(row, 'pxname')
    if (cell(row, 'type') === '1') pools.set(pool, poolFrom(row))
    else {
      const state = stateOf(cell(row, 'iid'), cell(row, 'sid'))
      const old = oldSessions === null ? null : oldSessions.size === 0 ? 0 : (oldSessions.get(nameOf(row)) ?? 0)
      const list = servers.get(pool)
      const server = serverFrom(row, state, old)
      if (list === undefined) servers.set(pool, [server])
      else list.push(server)
    }
  }
  for (const pool of pools.values()) pool.servers = servers.get(pool.name) ?? []
  return {
    kind: 'haproxy',
    version: ownText(round.info.version),
    pid: round.info.pid,
    uptimeS: round.info.uptimeS,
    workers,
    pools: [...pools.values()].filter((pool) => pool.servers.length > 0),
    canSetState: round.level === 'admin',
  }
}

/** Both tables list servers in one order, so the next row is tried first; keys are made only when it is not the one. */
function stateFinder(rows: readonly ServerStateRow[]): (backendId: string, serverId: string) => ServerStateRow | undefined {
  let next = 0
  let byIds: Map<string, ServerStateRow> | null = null
  return (backendId, serverId) => {
    const row = rows[next]
    if (row?.serverId === serverId && row.backendId === backendId) {
      next++
      return row
    }
    byIds ??= new Map(rows.map((each) => [`${each.backendId}/${each.serverId}`, each]))
    return byIds.get(`${backendId}/${serverId}`)
  }
}

function poolFrom(row: Row): PoolReading {
  const mode = cell(row, 'mode') === 'tcp' ? 'tcp' : 'http'
  return {
    name: cell(row, 'pxname'),
    mode,
    // blank on a socket of level "user"
    algorithm: cell(row, 'algo'),
    usable: (number(row, 'act') ?? 0) + (number(row, 'bck') ?? 0),
    requests: number(row, mode === 'http' ? 'req_tot' : 'stot'),
    errors: errorsOf(row),
    sessions: number(row, 'scur'),
    servers: [],
  }
}

function serverFrom(row: Row, state: ServerStateRow | undefined, oldSessions: number | null): ServerReading {
  const sessions = number(row, 'scur')
  const lastSession = number(row, 'lastsess')
  return {
    name: cell(row, 'svname'),
    address: state?.address ?? (cell(row, 'addr') || 'unix'),
    state:
      state === undefined
        ? 'unknown'
        : serverStateFrom({
            opState: state.opState,
            adminState: state.adminState,
            weight: state.weight,
            checkResult: state.checkResult,
            word: cell(row, 'status'),
            sessions: sessions ?? 0,
            queue: number(row, 'qcur') ?? 0,
            lastSessionS: lastSession === -1 ? null : lastSession,
            oldSessions,
          }),
    word: cell(row, 'status'),
    weight: state?.weight ?? null,
    backup: cell(row, 'bck') === '1',
    sessions: sessions === null ? null : sessions + (oldSessions ?? 0),
    sessionLimit: number(row, 'slim'),
    queue: number(row, 'qcur'),
    rate: number(row, 'rate'),
    totalSessions: number(row, 'stot'),
    errors: errorsOf(row),
    // The average is over the last 1024 requests, and 0 until there was one; in mode tcp there is no response to time.
    responseMs:
      cell(row, 'mode') === 'http' && (number(row, 'req_tot') ?? number(row, 'stot') ?? 0) > 0 ? number(row, 'rtime') : null,
    adminState: state?.adminState ?? null,
    agentCheck: cell(row, 'agent_status') !== '',
    check: checkFrom(row),
    sinceS: number(row, 'lastchg'),
  }
}

function checkFrom(row: Row): ServerReading['check'] {
  // `* L7OK`: a new check is under way, and its code is not there yet.
  const shown = cell(row, 'check_status')
  const underWay = shown.startsWith('* ')
  if (shown === '') return null
  return {
    status: underWay ? shown.slice(2) : shown,
    code: underWay ? null : number(row, 'check_code'),
    durationMs: number(row, 'check_duration'),
    text: cell(row, 'last_chk') || cell(row, 'check_desc'),
  }
}

const errorsOf = (row: Row): number | null => {
  const connect = number(row, 'econ')
  const response = number(row, 'eresp')
  return connect === null && response === null ? null : (connect ?? 0) + (response ?? 0)
}
