import type { Worker } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { BalancerReading } from '../../domain/fleet/reading.ts'
import type { WorkerInfo } from '../../domain/haproxy/parse-info.ts'
import { balancerReadingFrom, parseRound, roundCommands, roundMemory } from '../../domain/haproxy/reading.ts'
import type { Endpoints } from './endpoints.ts'
import { noOldWorkers, readOldWorkers, type OldWorkers } from './old-workers.ts'
import { orUnexpected } from './or-unexpected.ts'
import { listProcesses } from './processes.ts'
import type { RuntimeSockets } from './runtime-socket.ts'

export interface ObserveParts {
  clock: Clock
  sockets: RuntimeSockets
  endpoints: Endpoints
}

/**
 * One round: a single line on one connection while nothing was reloaded. Old workers can only appear with a new worker, so they
 * are looked for at the first round, when the worker's pid has changed, and for as long as there are any.
 */
export function createObserver(parts: ObserveParts): (session: NodeSession, limits: CallLimits) => Promise<BalancerReading> {
  /** the worker whose predecessors were last seen to be gone */
  let alonePid: number | null = null
  const memory = roundMemory()

  return async (session, limits) => {
    const started = parts.clock.monotonic()
    const bytes = await askRound(parts, session, limits)
    const reply = { codes: bytes, text: (from: number, to: number) => bytes.toString('utf8', from, to) }
    const round = orUnexpected(session, () => parseRound(reply))
    const elapsed = parts.clock.monotonic() - started
    const rest = { ...limits, timeoutMs: Math.max(1, Math.floor(limits.timeoutMs - elapsed)) }
    const old = round.info.pid === alonePid ? noOldWorkers : await readOldWorkers(parts, session, round.info.pid, rest)
    alonePid = old.workers.length === 0 && old.sessions !== null ? round.info.pid : null
    return orUnexpected(session, () => balancerReadingFrom(round, workersFrom(round.info, old), old.sessions, memory))
  }
}

function workersFrom(info: WorkerInfo, old: OldWorkers): Worker[] {
  const current: Worker = {
    pid: info.pid,
    // The stats socket of a worker that is stopping answers until the new one has taken it over.
    generation: info.stopping ? 'old' : 'current',
    sessions: info.connections,
    uptimeS: info.uptimeS,
  }
  return [current, ...old.workers]
}

async function askRound({ sockets, endpoints }: ObserveParts, session: NodeSession, limits: CallLimits): Promise<Buffer> {
  if (endpoints.runtime === null) {
    await assertRuns(session, limits)
    throw new AppError(
      'exec.not-permitted',
      `HAProxy on ${session.nodeId} has no runtime socket that this account can use. Probe the node: the probe names the line to add.`,
    )
  }
  try {
    return await sockets.askBytes(session, endpoints.runtime, roundCommands, limits)
  } catch (thrown) {
    if (thrown instanceof AppError && isAboutSocket(thrown)) await assertRuns(session, limits)
    throw thrown
  }
}

/** Every way a socket can be closed to us looks alike over SSH, so the processes are asked whether HAProxy runs at all. */
function isAboutSocket(error: AppError): boolean {
  const timedOut = error.details['timeoutMs'] !== undefined
  return !timedOut && /^(ssh\.channel-refused|exec\..*|daemon\..*)$/.test(error.code)
}

async function assertRuns(session: NodeSession, limits: CallLimits): Promise<void> {
  const processes = await listProcesses(session, limits)
  if (processes.length > 0) return
  throw new AppError(
    'daemon.not-running',
    `HAProxy does not run on ${session.nodeId}: no process of it was found. Start it, or probe the node again.`,
  )
}
