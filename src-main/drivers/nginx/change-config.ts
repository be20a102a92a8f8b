/*
 * Changing nginx's configuration on a node.
 *
 * Model: every changed file is tested before it is live, by an `nginx -t` that sees it in the place of the real one in a mount namespace of
 * its own; then replaced, if nobody changed it meanwhile; then nginx is told to reload. `nginx -s reload` ends with 0 also when the new
 * configuration is not taken (1.22.1: an address that is in use), so only a new generation of workers counts. Whatever fails before that puts
 * the files back as they were, and nothing but a reload of the old configuration can have happened.
 */
import type { CommandRecord } from '#contract'
import { AppError, appErrorFrom } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { ExecResult, NodeSession } from '../../app/ports/node-session.ts'
import { isNewGeneration, workersOf } from '../../domain/nginx/worker-generations.ts'
import { createPauses } from '../linux/pauses.ts'
import { run } from '../linux/run.ts'
import { tryConfig } from '../linux/try-config.ts'
import { complaintIn, nginxArgv, type NginxCommand } from './load-config.ts'
import { listNginxProcesses } from './processes.ts'

export interface FileChange {
  path: string
  before: Buffer
  /** of `before` */
  sha256: string
  after: Buffer
  /** the lines that differ, for the record */
  diff: readonly string[]
}

export interface RunningNginx {
  command: NginxCommand
  masterPid: number
  /** of the current generation */
  workerPids: readonly number[]
  /** where it says why it did not take a configuration; null = not known */
  errorLog: string | null
}

/** $1: a file. Its size, or with $2 what was added since it had that size. */
const logScript = `
if [ $# = 1 ]; then wc -c < "$1"; else tail -c +$(( $2 + 1 )) "$1"; fi
`

const confirmWithinMs = 5000

export function createConfigChanger({ clock }: { clock: Clock }) {
  function note(
    { record }: AdminLimits,
    command: string,
    result: Pick<ExecResult, 'code' | 'stderr'> | null,
    reply = '',
  ): void {
    const entry: Omit<CommandRecord, 'nodeId'> = {
      at: clock.now(),
      via: 'ssh',
      command,
      exitCode: result?.code ?? null,
      reply: (reply || result?.stderr || '').trim().slice(-4096),
    }
    record(entry)
  }

  /** False: it could not be tried apart from the live files. Throws `config.check-failed` when nginx refuses it. */
  async function test(session: NodeSession, { command }: RunningNginx, { path, after, diff }: FileChange, limits: AdminLimits) {
    const argv = nginxArgv(command, '-t')
    const result = await tryConfig(session, [{ path, after }], argv, limits)
    note(limits, `${argv.join(' ')}  # with ${path} changed: ${diff.join(' ')}`, result)
    if (result === null) return false
    if (result.code !== 0) throw refused(session, complaintIn(result.stderr))
    return true
  }

  async function replace(
    session: NodeSession,
    { path, sha256, after, diff }: FileChange,
    limits: AdminLimits,
  ): Promise<string> {
    const command = [`replace ${path}`, ...diff].join('\n')
    try {
      const done = await session.replaceFile(path, after, { ...limits, privileged: true, expectSha256: sha256 })
      note(limits, command, { code: 0, stderr: '' }, `sha256 ${sha256} -> ${done.sha256}`)
      return done.sha256
    } catch (thrown) {
      note(limits, command, null, appErrorFrom(thrown).message)
      throw thrown
    }
  }

  async function isTaken(session: NodeSession, running: RunningNginx, limits: AdminLimits): Promise<number[] | null> {
    const until = clock.monotonic() + confirmWithinMs
    const pause = createPauses(clock, limits.signal)
    while (clock.monotonic() < until) {
      const workers = workersOf(running.masterPid, (await listNginxProcesses(session, limits)).all)
      if (isNewGeneration(running.workerPids, workers)) {
        return workers.flatMap(({ pid, generation }) => (generation === 'current' ? [pid] : []))
      }
      await pause()
    }
    return null
  }

  async function logOf(session: NodeSession, { errorLog }: RunningNginx, from: string | null, limits: AdminLimits) {
    if (errorLog === null) return null
    const argv = ['sh', '-c', logScript, 'evenkeel', errorLog, ...(from === null ? [] : [from])] as const
    const result = await session.exec(argv, { ...limits, privileged: true, maxBytes: 64 * 1024 })
    return result.code === 0 ? result.stdout.toString('utf8').trim() : null
  }

  /** Reloads, and answers the workers that have taken the configuration. */
  async function reload(session: NodeSession, running: RunningNginx, limits: AdminLimits): Promise<number[]> {
    const from = await logOf(session, running, null, limits)
    const argv = nginxArgv(running.command, '-s', 'reload')
    const result = await run(session, argv, { ...limits, privileged: true, maxBytes: 64 * 1024 })
    note(limits, argv.join(' '), result)
    if (result.code !== 0) throw notTaken(session, complaintIn(result.stderr), 'none')
    const workers = await isTaken(session, running, limits)
    if (workers !== null) return workers
    const log = from === null ? null : await logOf(session, running, from, limits)
    const said = /\[(?:emerg|alert)\]/.test(log ?? '') ? complaintIn(log ?? '') : null
    throw notTaken(
      session,
      said ?? `no new workers appeared within ${confirmWithinMs / 1000} s`,
      said === null ? 'unknown' : 'none',
    )
  }

  async function putBack(
    session: NodeSession,
    replaced: readonly FileChange[],
    why: unknown,
    limits: AdminLimits,
  ): Promise<AppError> {
    const cause = appErrorFrom(why)
    try {
      for (const change of replaced) await replace(session, change, limits)
    } catch (thrown) {
      return new AppError(
        cause.code,
        `${cause.message} The file could not be put back either: ${appErrorFrom(thrown).message} Correct it before nginx reloads the next time.`,
        { effect: 'unknown', details: cause.details, cause },
      )
    }
    return new AppError(cause.code, `${cause.message} The file was put back as it was.`, {
      effect: cause.effect,
      details: cause.details,
      cause,
    })
  }

  return {
    reload,
    /** Answers the new workers. Without changes it only reloads. */
    async apply(session: NodeSession, running: RunningNginx, changes: readonly FileChange[], limits: AdminLimits) {
      let untested = false
      for (const change of changes) untested = !(await test(session, running, change, limits)) || untested
      const replaced: FileChange[] = []
      try {
        for (const change of changes) {
          const sha256 = await replace(session, change, limits)
          const diff = [`put back: ${change.path}`]
          replaced.unshift({ path: change.path, before: change.after, after: change.before, sha256, diff })
        }
        // Together they may be wrong although each alone was right, and where nothing can be tried apart this is the only test.
        if (untested || changes.length !== 1) {
          const argv = nginxArgv(running.command, '-t')
          const result = await run(session, argv, { ...limits, privileged: true, maxBytes: 64 * 1024 })
          note(limits, `${argv.join(' ')}  # in place`, result)
          if (result.code !== 0) throw refused(session, complaintIn(result.stderr))
        }
        return await reload(session, running, limits)
      } catch (thrown) {
        if (replaced.length === 0 || limits.signal.aborted) throw thrown
        throw await putBack(session, replaced, thrown, limits)
      }
    },
  }
}

export function refused(session: NodeSession, complaint: string): AppError {
  return new AppError(
    'config.check-failed',
    `nginx on ${session.nodeId} does not accept its configuration, so nothing was changed: ${complaint}. Correct that first; the running nginx is not affected until it reloads.`,
    { details: { complaint } },
  )
}

function notTaken(session: NodeSession, complaint: string, effect: 'none' | 'unknown'): AppError {
  return new AppError(
    'daemon.reload-rejected',
    `nginx on ${session.nodeId} did not take the new configuration: ${complaint}.`,
    {
      effect,
      details: { complaint },
    },
  )
}
