import type { Worker } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { parseShowProc, type WorkerProcess } from '../../domain/haproxy/parse-show-proc.ts'
import { oldWorkerCommands, parseOldWorker, type OldSessions, type OldWorkerRound } from '../../domain/haproxy/reading.ts'
import { faultFrom } from '../../domain/haproxy/runtime-command.ts'
import { UnexpectedReply } from '../../domain/haproxy/unexpected-reply.ts'
import type { Endpoints } from './endpoints.ts'
import { listProcesses, oldProcessesOf } from './processes.ts'
import type { RuntimeSockets } from './runtime-socket.ts'

/*
 * Workers of before a reload. The stats socket only ever shows the newest worker, so a server can look empty there while an old
 * worker still streams from it. What cannot be counted is said to be unknown (`sessions: null`), never taken for none.
 */

export interface OldWorkers {
  workers: Worker[]
  sessions: OldSessions
}

export const noOldWorkers: OldWorkers = { workers: [], sessions: new Map() }
const uncounted: OldWorkers = { workers: [], sessions: null }

/** More than this many lingering generations are listed but not asked. */
const maxAsked = 16

interface OldWorkerParts {
  sockets: RuntimeSockets
  endpoints: Endpoints
}

export async function readOldWorkers(
  parts: OldWorkerParts,
  session: NodeSession,
  currentPid: number,
  limits: CallLimits,
): Promise<OldWorkers> {
  try {
    return parts.endpoints.master === null
      ? await fromProcesses(session, currentPid, limits)
      : await fromMaster(parts, session, currentPid, limits)
  } catch (thrown) {
    // The master resets its connections for up to two seconds during a reload (2.6.12). The round itself was read: it stands,
    // without a word about old workers, and the next round asks again.
    if (limits.signal.aborted || !(thrown instanceof AppError || thrown instanceof UnexpectedReply)) throw thrown
    return uncounted
  }
}

async function fromMaster(
  { sockets, endpoints }: OldWorkerParts,
  session: NodeSession,
  currentPid: number,
  limits: CallLimits,
): Promise<OldWorkers> {
  const master = endpoints.master
  if (master === null) return uncounted
  const listed = parseShowProc(await sockets.ask(session, master, ['show proc'], limits))
  const old = listed.filter((worker) => worker.pid !== currentPid && worker.generation === 'old')
  const rounds = await Promise.all(
    old.slice(0, maxAsked).map((worker) => askOldWorker(sockets, session, { ...master, prefix: `@!${worker.pid} ` }, limits)),
  )
  const sessions = new Map<string, number>()
  for (const round of rounds) {
    for (const [server, count] of round?.sessions ?? []) sessions.set(server, (sessions.get(server) ?? 0) + count)
  }
  // A worker that ended between the two questions has no sessions left.
  const left = old.filter((_, index) => index >= maxAsked || rounds[index] !== null)
  return {
    workers: left.map((worker) => workerFrom(worker, rounds[old.indexOf(worker)] ?? null)),
    sessions: old.length > maxAsked ? null : sessions,
  }
}

/** Null: it has ended. */
async function askOldWorker(
  sockets: RuntimeSockets,
  session: NodeSession,
  target: Parameters<RuntimeSockets['ask']>[1],
  limits: CallLimits,
): Promise<OldWorkerRound | null> {
  const reply = await sockets.ask(session, target, oldWorkerCommands, limits)
  return faultFrom(reply) === 'no-such-worker' ? null : parseOldWorker(reply)
}

function workerFrom({ pid, uptimeS }: WorkerProcess, round: OldWorkerRound | null): Worker {
  return { pid, generation: 'old', sessions: round?.info.connections ?? null, uptimeS }
}

async function fromProcesses(session: NodeSession, currentPid: number, limits: CallLimits): Promise<OldWorkers> {
  const processes = await listProcesses(session, limits)
  // The pid HAProxy gives is not among ours: it runs in a container, and whether it has old workers cannot be seen.
  if (!processes.some((process) => process.pid === currentPid)) return uncounted
  const old = oldProcessesOf(currentPid, processes).filter((process) => process.pid !== masterOf(currentPid, processes))
  if (old.length === 0) return noOldWorkers
  return {
    workers: old.map(({ pid }) => ({ pid, generation: 'old', sessions: null, uptimeS: null })),
    sessions: null,
  }
}

const masterOf = (pid: number, processes: readonly { pid: number; parentPid: number }[]): number | undefined =>
  processes.find((process) => process.pid === pid)?.parentPid
