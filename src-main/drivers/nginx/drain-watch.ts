import type { ProbedService } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { DrainWatch } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import type { MemberRef } from '../../domain/nginx/member-edit.ts'
import { oldClientsScript, parseOldClients, type OldClients } from '../../domain/nginx/old-workers.ts'
import type { Connection } from '../../domain/nginx/parse-ss.ts'
import { stickinessOf } from '../../domain/nginx/stickiness.ts'
import { workersOf, type WorkerProcess } from '../../domain/nginx/worker-generations.ts'
import { runRootScript } from '../linux/run.ts'
import { endConnections, listConnections } from './connections.ts'
import { listNginxProcesses } from './processes.ts'
import { preImageOf, textOf, type MemberOnNode } from './read-member.ts'

/*
 * Model: the kernel lists the connections to the member's address, then the processes are listed; a worker that ended in between has taken its
 * connections with it. The kernel does not say for which upstream a worker holds a connection, so all of them count: what is empty is so
 * for every upstream. Workers of before a reload are looked at once more, and last, with all their connections (domain/nginx/old-workers.ts).
 */

interface WatchParts {
  clock: Clock
  service: ProbedService
  context: MemberRef['context']
  look: (session: NodeSession, ref: MemberRef, limits: CallLimits) => Promise<MemberOnNode>
}

interface Held {
  connections: Connection[]
  worker: WorkerProcess
}

export function createDrainWatch({ clock, service, context, look }: WatchParts): DrainWatch {
  const ss = service.endpoints['ss'] ?? 'ss'
  /** by member: when it was last seen busy, or first looked at */
  const busyAt = new Map<string, number>()

  /** Null: they cannot be counted. */
  async function holders(session: NodeSession, { member, running }: MemberOnNode, limits: CallLimits) {
    const endpoint = member?.endpoint ?? null
    const listed = endpoint === null ? null : await listConnections(session, ss, [{ servers: [{ endpoint }] }], limits)
    const workers = workersOf(running.masterPid, (await listNginxProcesses(session, limits)).all)
    const held =
      listed === null
        ? null
        : workers.map((worker): Held => ({ worker, connections: listed.filter(({ pids }) => pids.includes(worker.pid)) }))
    return { workers, held }
  }

  /** Null: they cannot be counted. */
  async function clientsOf(pids: readonly number[], session: NodeSession, { member }: MemberOnNode, limits: CallLimits) {
    if (pids.length === 0) return { onMember: 0, undecided: 0 } satisfies OldClients
    const endpoint = member?.endpoint ?? null
    if (endpoint === null) return null
    try {
      const args = [ss, pids.join('|')]
      const { stdout } = await runRootScript(session, oldClientsScript, args, { ...limits, maxBytes: 64 * 1024 * 1024 })
      return parseOldClients(stdout.toString('utf8'), endpoint)
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.code === 'exec.not-permitted') return null
      throw thrown
    }
  }

  return {
    async left(session, pool, server, limits) {
      const found = await look(session, { context, upstream: pool, address: server }, limits)
      const before = preImageOf(pool, server, found)
      if (before === null) return null
      const { workers, held } = await holders(session, found, limits)
      const current = held?.flatMap(({ worker, connections }) => (worker.generation === 'current' ? connections : [])) ?? []
      const oldWorkers = workers.flatMap(({ pid, generation }) => (generation === 'old' ? [pid] : []))
      const old = held === null ? null : await clientsOf(oldWorkers, session, found, limits)
      const key = `${pool} ${server}`
      const now = clock.monotonic()
      const sessions = current.length
      if (!busyAt.has(key) || sessions + (old?.onMember ?? 0) > 0) busyAt.set(key, now)
      const stickyBy = found.member?.word === 'drain' ? ['the sticky cookie of its upstream'] : []
      return {
        ...before,
        worker: found.running.workerPids[0] ?? found.running.masterPid,
        sessions,
        oldSessions: old?.onMember ?? null,
        oldWorkers,
        queue: old?.undecided ?? 0,
        idle: null,
        lastRequestS: stickyBy.length === 0 ? null : Math.floor((now - (busyAt.get(key) ?? now)) / 1000),
        stickyBy,
        totalSessions: null,
        agentCheck: false,
        health: null,
        // nginx tells nobody which client a connection to a server belongs to
        clients: sessions + (old?.onMember ?? 0) === 0 ? [] : null,
      }
    },

    async stickiness(session, pool, server, limits) {
      const ref = { context, upstream: pool, address: server }
      const { files } = await look(session, ref, limits)
      return stickinessOf(
        files.map((file) => ({ path: file.path, text: textOf(file) })),
        ref,
      )
    },

    async shutdownSessions(session, pool, server, limits) {
      const found = await look(session, { context, upstream: pool, address: server }, limits)
      const others = found.member?.alsoServes ?? []
      if (others.length > 0) {
        const why = `${server} serves ${others.join(', ')} as well, and nobody can tell whose connections they are`
        throw new AppError('daemon.runtime-rejected', `Nothing of ${pool}/${server} on ${session.nodeId} was cut: ${why}.`)
      }
      const { held } = await holders(session, found, limits)
      const connections = held?.flatMap((each) => each.connections) ?? []
      if (connections.length === 0) return 0
      const ended = await endConnections(session, ss, connections, limits)
      const command = `${ss} -K, ${connections.map(({ local }) => `src ${local}`).join(', ')}`
      limits.record({ at: clock.now(), via: 'ssh', command, exitCode: ended ? 0 : 1, reply: '' })
      if (ended) return connections.length
      throw new AppError(
        'daemon.runtime-rejected',
        `${session.nodeId} cannot end single connections (ss -K needs CONFIG_INET_DIAG_DESTROY in its kernel), and ending a worker would cut other servers' clients too. Wait, or set worker_shutdown_timeout, which bounds the next reload.`,
      )
    },
  }
}
