import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { DrainWatch } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { DrainClient } from '#contract'
import {
  countStuck,
  parsePlace,
  placeCommands,
  stuckCommand,
  undecidedCommands,
  undecidedIn,
  type CurrentPlace,
} from '../../domain/haproxy/drain-reading.ts'
import { parseSessions, type SessionRow } from '../../domain/haproxy/parse-sessions.ts'
import { faultFrom, faultOfChange, nameFault, type ServerRef } from '../../domain/haproxy/runtime-command.ts'
import { isInMaintenance } from '../../domain/haproxy/server-state.ts'
import type { Endpoints } from './endpoints.ts'
import { readOldWorkers } from './old-workers.ts'
import { orUnexpected } from './or-unexpected.ts'
import type { RuntimeSockets, RuntimeTarget } from './runtime-socket.ts'
import { readStickiness, type ReadFiles } from './stickiness.ts'

/*
 * Model: first the current worker, on one line, so that its state and its figures are of one moment and one process; then the workers
 * that are older than it. In this order a reload in between can only make a server look busier than it is: what the first answer
 * counted is then counted again on the worker that became old. The other way round it would look empty.
 *
 * Nobody on it is not yet nobody who can come: only when all counts are zero, it is asked who may still be sent there by an older worker
 * and who is led there by the stick table.
 */

interface WatchParts {
  clock: Clock
  sockets: RuntimeSockets
  endpoints: Endpoints
  target: RuntimeTarget
  readFiles: ReadFiles
}

/** `show sess` writes some 300 bytes for every session of the process, whoever it belongs to. */
const mostListed = 5000
const mostClients = 50

interface Found extends SessionRow {
  worker: number
  generation: DrainClient['generation']
  target: RuntimeTarget
}

export function createDrainWatch(parts: WatchParts): DrainWatch {
  const { clock, sockets, endpoints, target } = parts
  /** by server; a worker keeps the configuration that it was started with */
  const tables = new Map<string, { worker: number; names: string[] }>()

  async function sessionsOf(
    session: NodeSession,
    ref: ServerRef,
    workers: readonly Pick<Found, 'worker' | 'generation' | 'target'>[],
    limits: CallLimits,
  ): Promise<Found[]> {
    const found = workers.map(async (each) => {
      const text = await sockets.ask(session, each.target, ['show sess'], limits)
      return parseSessions(text, ref.pool, ref.server).map((row) => ({ ...row, ...each }))
    })
    return (await Promise.all(found)).flat()
  }

  function workersOf(current: number, old: readonly number[]): Pick<Found, 'worker' | 'generation' | 'target'>[] {
    const master = endpoints.master
    return [
      { worker: current, generation: 'current', target },
      ...old.flatMap((pid) =>
        master === null ? [] : [{ worker: pid, generation: 'old' as const, target: { ...master, prefix: `@!${pid} ` } }],
      ),
    ]
  }

  async function read(session: NodeSession, ref: ServerRef, limits: CallLimits) {
    assertNames(ref)
    const text = await sockets.ask(session, target, placeCommands(ref), limits)
    const { info, place, serverId } = orUnexpected(session, () => parsePlace(text, ref))
    if (info.stopping) {
      throw new AppError(
        'daemon.unexpected-reply',
        `HAProxy on ${session.nodeId} is reloading: the worker that answered (${info.pid}) is about to end. Ask again in a moment.`,
      )
    }
    const old = await readOldWorkers({ sockets, endpoints }, session, info.pid, limits)
    const oldWorkers = old.workers.map(({ pid }) => pid)
    const oldListable = old.workers.every(({ sessions }) => (sessions ?? 0) <= mostListed)
    const listable = oldListable && info.connections <= mostListed
    // Whom so many sessions could still be sent to is not found out; they end in time.
    const oldSessions = old.sessions === null || !oldListable ? null : (old.sessions.get(`${ref.pool}/${ref.server}`) ?? 0)
    return { place, serverId, oldWorkers, oldSessions, listable }
  }

  /** Clients of old workers that have no server yet and may be given this one; a worker that has ended has none. */
  async function undecided(
    session: NodeSession,
    ref: ServerRef,
    pids: readonly number[],
    isSticky: boolean,
    limits: CallLimits,
  ) {
    const counts = workersOf(0, pids).map(async ({ generation, target: worker }) => {
      if (generation === 'current') return 0
      const text = await sockets.ask(session, worker, undecidedCommands(ref), limits)
      return faultFrom(text) === 'no-such-worker' ? 0 : orUnexpected(session, () => undecidedIn(text, ref, isSticky))
    })
    return (await Promise.all(counts)).reduce((total, count) => total + count, 0)
  }

  /** The backend's own table, and those that the files name. */
  async function tablesOf(session: NodeSession, { pool, server, worker }: CurrentPlace, serverId: number, limits: CallLimits) {
    const key = `${pool}/${server}`
    const known = tables.get(key)
    if (known?.worker === worker) return known.names
    const found = await readStickiness(parts, session, { pool, server }, serverId, limits).catch((thrown: unknown) => {
      // What may not be read is gone without; what cannot be reached now, another reading will.
      if (limits.signal.aborted || !(thrown instanceof AppError) || thrown.code.startsWith('ssh.')) throw thrown
      return []
    })
    const named = found.flatMap(({ kind, name }) => (kind === 'table' && nameFault(name) === null ? [name] : []))
    const names = [...new Set([pool, ...named])]
    tables.set(key, { worker, names })
    return names
  }

  async function stickyBy(session: NodeSession, place: CurrentPlace, serverId: number, limits: CallLimits): Promise<string[]> {
    if (isInMaintenance(place.adminState)) return place.stickyBy
    const names = await tablesOf(session, place, serverId, limits)
    const counts = names.map(async (name) => {
      const stuck = countStuck(await sockets.ask(session, target, [stuckCommand(name, serverId)], limits))
      return stuck === 0 ? [] : [`${stuck} ${stuck === 1 ? 'entry' : 'entries'} of the stick table ${name}`]
    })
    return [...place.stickyBy, ...(await Promise.all(counts)).flat()]
  }

  return {
    async left(session, pool, server, limits) {
      const ref = { pool, server }
      const { place, serverId, oldWorkers, oldSessions, listable } = await read(session, ref, limits)
      if (place === null) return null
      const none = place.sessions === 0 && oldSessions === 0
      const sticky = none ? await stickyBy(session, place, serverId, limits) : place.stickyBy
      const waiting = none ? await undecided(session, ref, oldWorkers, sticky.length > 0, limits) : 0
      const asked = workersOf(place.worker, oldSessions === 0 ? [] : oldWorkers)
      const rows = none || !listable ? [] : await sessionsOf(session, ref, asked, limits)
      const clients = rows.sort((a, b) => b.ageMs - a.ageMs).slice(0, mostClients)
      return {
        ...place,
        queue: place.queue + waiting,
        stickyBy: sticky,
        oldSessions,
        oldWorkers,
        clients: listable
          ? clients.map(({ source, ageMs, frontend, worker, generation }) => ({ source, ageMs, frontend, worker, generation }))
          : null,
      }
    },

    async stickiness(session, pool, server, limits) {
      const ref = { pool, server }
      const { serverId } = await read(session, ref, limits)
      return readStickiness(parts, session, ref, serverId, limits)
    },

    async shutdownSessions(session, pool, server, limits) {
      const ref = { pool, server }
      const { place, oldWorkers } = await read(session, ref, limits)
      if (place === null) return 0
      const rows = await sessionsOf(session, ref, workersOf(place.worker, oldWorkers), limits)
      if (place.sessions > 0) await change(session, target, `shutdown sessions server ${pool}/${server}`, limits)
      // On a worker of before a reload the command above says "Proxy is disabled."; there each session has to be named.
      for (const row of rows) {
        if (row.generation === 'old') await change(session, row.target, `shutdown session ${row.pointer}`, limits)
      }
      return rows.length
    },
  }

  async function change(session: NodeSession, to: RuntimeTarget, command: string, limits: AdminLimits): Promise<void> {
    const via = `socket ${to.path}`
    const record = (reply: string): void =>
      limits.record({ at: clock.now(), via, command: to.prefix + command, exitCode: null, reply })
    const reply = await sockets.ask(session, to, [command], { ...limits, changes: true }).catch((thrown: unknown) => {
      if (thrown instanceof AppError && thrown.effect !== 'none') record(`(no reply: ${thrown.message})`)
      throw thrown
    })
    record(reply)
    // It ended by itself in the meantime, or its worker did.
    if (/^(No such session|Can't find the target PID)/.test(reply) || faultOfChange(reply) === null) return
    throw new AppError(
      'daemon.runtime-rejected',
      `HAProxy on ${session.nodeId} refused "${command}": ${reply.trim().slice(0, 200)}`,
      { details: { command } },
    )
  }
}

function assertNames({ pool, server }: ServerRef): void {
  for (const name of [pool, server]) {
    const fault = nameFault(name)
    if (fault === null) continue
    throw new AppError(
      'daemon.runtime-rejected',
      `The name ${JSON.stringify(name.slice(0, 100))} was not sent to HAProxy: it ${fault}.`,
    )
  }
}
