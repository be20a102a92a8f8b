import type { Worker } from '#contract'
import { ownText } from '../fleet/own-text.ts'
import type { BalancerReading, PoolReading, ServerReading } from '../fleet/reading.ts'
import { parseInfo, type WorkerInfo } from './parse-info.ts'
import { factsOf, isServer, parseServersState, scanServersState, type ServerFacts } from './parse-servers-state.ts'
import { scanStatsCsv } from './parse-stats-csv.ts'
import { findFrom, replyOf, standsAt, TextMemory, type Reply } from './reply.ts'
import { placesOf, type TableReader } from './scan-columns.ts'
import { serverStateFrom } from './server-state.ts'
import { UnexpectedReply } from './unexpected-reply.ts'

/** Backends and servers only (types 2 and 4): frontends and listeners are not read. */
export const roundCommands = ['show cli level', 'show info', 'show stat -1 6 -1', 'show servers state'] as const
/** what is asked of a worker of before a reload */
export const oldWorkerCommands = ['show info', 'show stat -1 4 -1'] as const

const ownTexts = ['svname', 'addr'] as const
const columns = [
  ...ownTexts, 'pxname', 'type', 'iid', 'sid', 'status', 'mode', 'algo', 'act', 'bck', 'qcur', 'scur', 'slim', 'stot', 'rate',
  'req_tot', 'econ', 'eresp', 'rtime', 'lastchg', 'lastsess', 'check_status', 'check_code', 'check_duration', 'last_chk',
  'check_desc', 'agent_status',
] as const // prettier-ignore
const at = placesOf(columns)
const typeBackend = 1
const hash = 35

export interface Round {
  level: string
  info: WorkerInfo
  reply: Reply
  /** where the two tables begin */
  statsFrom: number
  statesFrom: number
}

/** The reply to `roundCommands` on one line: four replies, each closed by an empty line. */
export function parseRound(source: string | Reply): Round {
  const reply = replyOf(source)
  const levelEnd = findFrom(reply, 0, '\n\n')
  const infoEnd = levelEnd === -1 ? -1 : findFrom(reply, levelEnd + 2, '\n\n')
  const statsEnd = lastTable(reply)
  // A worker that dies while it answers ends the stream like one that has finished.
  if (infoEnd === -1 || statsEnd < infoEnd || !standsAt(reply, reply.codes.length - 2, '\n\n')) {
    throw new UnexpectedReply('HAProxy closed the connection before its reply was complete.', reply.text(0, 1000))
  }
  return {
    level: reply.text(0, levelEnd).trim(),
    info: parseInfo(reply.text(levelEnd + 2, infoEnd)),
    reply,
    statsFrom: infoEnd + 2,
    statesFrom: statsEnd + 2,
  }
}

/** Where the table of states begins, after the empty line. The last such place: a check's text can hold anything, that table only names and numbers. */
function lastTable(reply: Reply): number {
  let at = reply.codes.lastIndexOf(hash)
  while (at > 0 && !standsAt(reply, at - 4, '\n\n1\n# ')) at = reply.codes.lastIndexOf(hash, at - 1)
  return at - 4
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
  const stats = scanStatsCsv(text, columns, infoEnd + 2)
  while (stats.next()) sessions.set(nameOf(stats), (stats.number(at.scur) ?? 0) + (stats.number(at.qcur) ?? 0))
  return { info: parseInfo(text.slice(0, infoEnd)), sessions }
}

const nameOf = (stats: TableReader): string => `${stats.text(at.pxname)}/${stats.text(at.svname)}`

/** For the texts of one balancer that stay the same from round to round. */
export const roundMemory = (): TextMemory => new TextMemory(ownTexts.length)

/** Sessions of all old workers together, by `backend/server`; null when there are old workers that could not be asked. */
export type OldSessions = ReadonlyMap<string, number> | null

/**
 * Backends without servers (a statistics page, a redirect) are left out: a pool is a set of servers.
 * A server's sessions include those that old workers still have on it, which the stats socket does not show.
 * @param memory of this balancer
 * @throws UnexpectedReply when a figure is not a number
 */
export function balancerReadingFrom(
  round: Round,
  workers: Worker[],
  oldSessions: OldSessions,
  memory?: TextMemory,
): BalancerReading {
  const stats = scanStatsCsv(round.reply, columns, round.statsFrom, memory)
  const stateOf = stateFinder(round)
  const pools = new Map<number, PoolReading>()
  const servers = new Map<number, ServerReading[]>()
  while (stats.next()) {
    const backendId = stats.figure(at.iid)
    if (stats.number(at.type) === typeBackend) pools.set(backendId, poolFrom(stats))
    else {
      const state = stateOf(backendId, stats.figure(at.sid), stats.text(at.addr))
      const old = oldSessions === null ? null : oldSessions.size === 0 ? 0 : (oldSessions.get(nameOf(stats)) ?? 0)
      const list = servers.get(backendId)
      const server = serverFrom(stats, state, old)
      if (list === undefined) servers.set(backendId, [server])
      else list.push(server)
    }
  }
  for (const [backendId, list] of servers) {
    const pool = pools.get(backendId)
    if (pool !== undefined) pool.servers = list
  }
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

type StateFinder = (backendId: number, serverId: number, shownAddress: string) => ServerFacts | undefined

/**
 * Both tables list servers in one order, so the next row is tried first; keys are made only when it is not the one.
 * The address is put together only where the statistics do not show it: for lower levels than admin, and for names not resolved.
 */
function stateFinder({ reply, statesFrom }: Round): StateFinder {
  const states = scanServersState(reply, statesFrom)
  let hasNext = states.next()
  let byIds: Map<string, ServerFacts> | null = null
  return (backendId, serverId, shownAddress) => {
    if (hasNext && isServer(states, backendId, serverId)) {
      const facts = factsOf(states, shownAddress)
      hasNext = states.next()
      return facts
    }
    byIds ??= new Map(parseServersState(reply, statesFrom).map((each) => [`${each.backendId}/${each.serverId}`, each]))
    return byIds.get(`${backendId}/${serverId}`)
  }
}

function poolFrom(stats: TableReader): PoolReading {
  const mode = stats.text(at.mode) === 'tcp' ? 'tcp' : 'http'
  return {
    name: stats.text(at.pxname),
    mode,
    // blank on a socket of level "user"
    algorithm: stats.text(at.algo),
    usable: (stats.number(at.act) ?? 0) + (stats.number(at.bck) ?? 0),
    requests: stats.number(mode === 'http' ? at.req_tot : at.stot),
    errors: errorsOf(stats),
    sessions: stats.number(at.scur),
    servers: [],
  }
}

function serverFrom(stats: TableReader, state: ServerFacts | undefined, oldSessions: number | null): ServerReading {
  const sessions = stats.number(at.scur)
  const queue = stats.number(at.qcur)
  const totalSessions = stats.number(at.stot)
  const lastSession = stats.number(at.lastsess)
  const word = stats.text(at.status)
  return {
    name: stats.text(at.svname),
    address: state === undefined ? stats.text(at.addr) || 'unix' : (state.address ?? 'unix'),
    state:
      state === undefined
        ? 'unknown'
        : serverStateFrom({
            opState: state.opState,
            adminState: state.adminState,
            weight: state.weight,
            checkResult: state.checkResult,
            checkText: stats.text(at.last_chk),
            word,
            sessions: sessions ?? 0,
            queue: queue ?? 0,
            lastSessionS: lastSession === -1 ? null : lastSession,
            oldSessions,
          }),
    word,
    weight: state?.weight ?? null,
    backup: stats.number(at.bck) === 1,
    sessions: sessions === null ? null : sessions + (oldSessions ?? 0),
    sessionLimit: stats.number(at.slim),
    queue,
    rate: stats.number(at.rate),
    totalSessions,
    errors: errorsOf(stats),
    // The average is over the last 1024 requests, and 0 until there was one; in mode tcp there is no response to time.
    responseMs:
      (stats.number(at.req_tot) ?? totalSessions ?? 0) > 0 && stats.text(at.mode) === 'http' ? stats.number(at.rtime) : null,
    adminState: state?.adminState ?? null,
    agentCheck: stats.text(at.agent_status) !== '',
    check: checkFrom(stats),
    sinceS: stats.number(at.lastchg),
  }
}

function checkFrom(stats: TableReader): ServerReading['check'] {
  // `* L7OK`: a new check is under way, and its code is not there yet.
  const shown = stats.text(at.check_status)
  const underWay = shown.startsWith('* ')
  if (shown === '') return null
  return {
    status: underWay ? shown.slice(2) : shown,
    code: underWay ? null : stats.number(at.check_code),
    durationMs: stats.number(at.check_duration),
    text: stats.text(at.last_chk) || stats.text(at.check_desc),
  }
}

const errorsOf = (stats: TableReader): number | null => {
  const connect = stats.number(at.econ)
  const response = stats.number(at.eresp)
  return connect === null && response === null ? null : (connect ?? 0) + (response ?? 0)
}
