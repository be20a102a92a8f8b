/*
 * HAProxy's part of changing its configuration. Measured on 2.6.12.
 *
 * A reload is SIGUSR2 to the master, which answers nothing. That it worked shows in a worker that was not there before, which answers its
 * master (where there is no master socket: which stays), and which listens where the files say. A configuration that cannot be parsed leaves the old worker at work; an address that is in use takes
 * every frontend away for two seconds first, which is why `unseenByCheck` looks before.
 */
import type { ProbedService } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { ConfigAdmin } from '../../app/ports/config-admin.ts'
import type { NodeSession } from '../../app/ports/node-session.ts'
import { bindEndpoints } from '../../domain/haproxy/bind-endpoints.ts'
import { checkProblems } from '../../domain/haproxy/check-problems.ts'
import { commandsOf } from '../../domain/haproxy/runtime-changes.ts'
import { overlap } from '../../domain/net/endpoint.ts'
import { unseenByCheck } from '../../domain/net/unseen-by-check.ts'
import { createConfigAdmin } from '../linux/config-admin.ts'
import { readNetwork } from '../linux/node-network.ts'
import { createPauses } from '../linux/pauses.ts'
import { run } from '../linux/run.ts'
import { shown } from '../linux/shown-command.ts'
import { readHaproxyFiles } from './config-files.ts'
import { endpointsFrom } from './endpoints.ts'
import { findInstances, listProcesses, type HaproxyProcess } from './processes.ts'
import type { RuntimeSockets } from './runtime-socket.ts'
import type { HaproxyAdmin } from './server-admin.ts'

/** a worker that cannot start is gone by then */
const staysMs = 200
/** an address in use is tried for two seconds before the new process gives up, on a machine that has nothing else to do */
const confirmWithinMs = 20_000

interface HaproxyParts {
  clock: Clock
  sockets: RuntimeSockets
  service: ProbedService
  /** null: this account may not tell the running daemon anything */
  serverAdmin: HaproxyAdmin | null
}

export function createHaproxyConfigAdmin({ clock, sockets, service, serverAdmin }: HaproxyParts): ConfigAdmin {
  const { master: masterSocket, runtime: runtimeSocket } = endpointsFrom(service.endpoints)
  const binary = service.endpoints['binary'] ?? 'haproxy'
  const paths = service.endpoints['configPaths']?.split('\n') ?? service.configFiles

  /** The master, and its workers of all generations. */
  async function processesOf(session: NodeSession, limits: AdminLimits) {
    const processes = await listProcesses(session, limits)
    const known = new Set(paths)
    const master = findInstances(processes).find(
      ({ userId, commandLine }) => userId === 0 && commandLine.configFiles.some((file) => known.has(file)),
    )
    const workers = processes.filter(({ parentPid }) => parentPid === master?.pid).map(({ pid }) => pid)
    return { master, workers }
  }

  async function requireMaster(
    session: NodeSession,
    limits: AdminLimits,
  ): Promise<{ master: HaproxyProcess; workers: number[] }> {
    const { master, workers } = await processesOf(session, limits)
    if (master === undefined) {
      throw new AppError('daemon.not-running', `HAProxy does not run on ${session.nodeId}. Start it, or probe the node again.`)
    }
    if (!master.commandLine.masterWorker && workers.length === 0) {
      throw new AppError(
        'daemon.runtime-rejected',
        `HAProxy on ${session.nodeId} runs without a master process, so it cannot be told to read its files again. Start it with -W or -Ws.`,
      )
    }
    return { master, workers }
  }

  /** Reloads that failed since the last one that did not, as the master counts them; 0 where it cannot be asked, as in the midst of one. */
  async function failures(session: NodeSession, limits: AdminLimits): Promise<number> {
    if (masterSocket === null) return 0
    const reply = await sockets.ask(session, masterSocket, ['show proc'], limits).catch((thrown: unknown) => {
      if (thrown instanceof AppError && !limits.signal.aborted) return ''
      throw thrown
    })
    return Number(/\[failed: (\d+)\]/.exec(reply)?.[1] ?? 0)
  }

  /** One that answers has read everything, and given up its rights. */
  async function answers(session: NodeSession, worker: number, limits: AdminLimits): Promise<boolean> {
    if (masterSocket === null) return false
    const target = { ...masterSocket, prefix: `@!${worker} ` }
    const reply = await sockets.ask(session, target, ['show info'], limits).catch((thrown: unknown) => {
      if (thrown instanceof AppError && !limits.signal.aborted) return ''
      throw thrown
    })
    return new RegExp(`^Pid: ${worker}$`, 'm').test(reply)
  }

  /** With who listens where, once it has read everything. */
  async function newWorker(session: NodeSession, old: ReadonlySet<number>, failedBefore: number, limits: AdminLimits) {
    const until = clock.monotonic() + confirmWithinMs
    const pause = createPauses(clock, limits.signal)
    let seen = null as { pid: number; at: number } | null
    let gone = false
    while (clock.monotonic() < until) {
      await pause()
      const [{ master, workers }, failed] = await Promise.all([processesOf(session, limits), failures(session, limits)])
      // while it becomes itself anew, one look may miss it
      if (master === undefined && gone) throw ended(session)
      gone = master === undefined
      const fresh = workers.find((pid) => !old.has(pid))
      if (fresh === undefined) {
        seen = null
        if (failed > failedBefore) throw notTaken(session, 'its master says so')
        continue
      }
      const at = clock.monotonic()
      if (seen?.pid !== fresh) seen = { pid: fresh, at }
      // it listens before it exists: the master opens the sockets
      const [hasAnswered, { listeners }] = await Promise.all([answers(session, fresh, limits), readNetwork(session, limits)])
      if (hasAnswered || at - seen.at >= staysMs) return { worker: fresh, listeners }
    }
    throw notTaken(session, `there is no new worker after ${confirmWithinMs / 1000} s`)
  }

  return createConfigAdmin(
    {
      kind: 'haproxy',
      readFiles: (session, limits) => readHaproxyFiles(session, service, limits),
      testArgv: [binary, '-c', ...paths.flatMap((path) => ['-f', path])],
      judge({ code, stderr }, words) {
        const problems = checkProblems(stderr, words)
        if (code === 0 || problems.some(({ severity }) => severity === 'error')) return problems
        return [...problems, { severity: 'error', message: stderr.trim() || `it ended with ${code}`, path: null, line: null }]
      },
      async unseen(session, limits) {
        const [network, { master, workers }] = await Promise.all([readNetwork(session, limits), processesOf(session, limits)])
        const pids = new Set([...workers, ...(master === undefined ? [] : [master.pid])])
        return ({ before, after }) =>
          unseenByCheck(bindEndpoints(after), bindEndpoints(before), network, { pids, sharesOwn: true })
      },
      async revival(session, limits) {
        const { master } = await requireMaster(session, limits)
        return { name: 'haproxy', pid: master.pid, signal: 'USR2', argv: [] }
      },
      async reload(session, limits) {
        const [{ master, workers }, failed] = await Promise.all([requireMaster(session, limits), failures(session, limits)])
        return async (files) => {
          const argv = ['kill', '-USR2', String(master.pid)] as const
          const { code, stderr } = await run(session, argv, { ...limits, privileged: true, maxBytes: 1024 })
          limits.record({ at: clock.now(), via: 'ssh', command: argv.join(' '), exitCode: code, reply: stderr.trim() })
          const wanted = bindEndpoints(files)
          const { worker, listeners } = await newWorker(session, new Set(workers), failed, limits)
          const deaf = wanted.find(
            (each) =>
              !listeners.some((listener) => overlap(listener, each) && listener.owners.some(({ pid }) => pid === worker)),
          )
          if (deaf !== undefined) {
            throw notTaken(session, `worker ${worker} does not listen on port ${deaf.port}, as ${deaf.path}:${deaf.line} says`)
          }
          return { mayMoveVip: false }
        }
      },
      reloadCommand: 'systemctl reload haproxy',
      async apply(session, steps, limits) {
        if (serverAdmin === null) {
          throw new AppError(
            'exec.not-permitted',
            `HAProxy on ${session.nodeId} has no socket of level admin to this account, so it can only be reloaded.`,
          )
        }
        for (const step of steps) await serverAdmin.apply(session, step, limits)
      },
      commandsOf(steps) {
        if (runtimeSocket === null) return []
        const { prefix, path } = runtimeSocket
        return steps.flatMap(commandsOf).map((command) => `echo ${shown(prefix + command)} | socat - ${shown(path)}`)
      },
    },
    { clock },
  )
}

const ended = ({ nodeId }: NodeSession): AppError =>
  new AppError(
    'daemon.reload-rejected',
    `HAProxy on ${nodeId} could not go on with the new configuration and ended, so nothing is served there. Put the files back and start it.`,
    { effect: 'unknown' },
  )

const notTaken = ({ nodeId }: NodeSession, why: string): AppError =>
  new AppError(
    'daemon.reload-rejected',
    `HAProxy on ${nodeId} did not take the new configuration: ${why}. The old worker goes on where there is one; put the files back.`,
    { effect: 'unknown', details: { why } },
  )
