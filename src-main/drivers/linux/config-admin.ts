/*
 * The transaction of ConfigAdmin, the same for every daemon; what differs is a DaemonPart.
 *
 * Model: before the guard is armed nothing on the node has changed. From then on the node itself comes back to what was there, unless it is
 * confirmed; so a step that fails leaves the rest to `restore`, which the guard would run as well. Only `replace` tidies up after itself,
 * because the daemon has not read anything yet. What a daemon says of the files goes on without the passwords in them.
 */
import type { RuntimeStep, ServiceKind } from '#contract'
import { AppError, appErrorFrom } from '../../app/app-error.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { ConfigAdmin, ConfigChange } from '../../app/ports/config-admin.ts'
import type { ConfigFileReading } from '../../app/ports/driver.ts'
import type { ExecResult, NodeSession } from '../../app/ports/node-session.ts'
import type { CheckProblem } from '../../domain/config-text/check-problem.ts'
import { hideSecrets } from '../../domain/config-text/mask-secrets.ts'
import { createFile, removeFile } from './create-file.ts'
import { claimOf, createGuard, sha256Of, type Revival } from './guard.ts'
import { run } from './run.ts'
import { shown } from './shown-command.ts'
import { tryConfig } from './try-config.ts'

export interface ConfigText {
  path: string
  text: string
}

type Tell = (files: readonly ConfigText[]) => Promise<{ mayMoveVip: boolean }>

export interface DaemonPart {
  kind: ServiceKind
  readFiles(session: NodeSession, limits: AdminLimits): Promise<ConfigFileReading[]>
  /** has the daemon judge the files at their paths */
  testArgv: readonly [string, ...string[]]
  judge(result: Pick<ExecResult, 'code' | 'stderr'>, words: string): CheckProblem[]
  /** Looks around on the node, and answers what tells of files what the daemon's check cannot see. */
  unseen(
    session: NodeSession,
    limits: AdminLimits,
  ): Promise<(files: { before: ConfigText[]; after: ConfigText[] }) => CheckProblem[]>
  /** @throws AppError where it could not be brought to read its files again */
  revival(session: NodeSession, limits: AdminLimits): Promise<Revival>
  /**
   * Looks at what runs, and answers what sends the signal and comes back once the new configuration is in force. `files`: as they lie on
   * the node now.
   */
  reload(session: NodeSession, limits: AdminLimits): Promise<Tell>
  /** Does at run time what the files say, and answers once it is in force; absent: the daemon cannot. */
  apply?: (session: NodeSession, steps: readonly RuntimeStep[], limits: AdminLimits) => Promise<void>
  /** for a person */
  reloadCommand: string
  commandsOf?: (steps: readonly RuntimeStep[]) => string[]
}

const textOf = (bytes: Buffer): string => bytes.toString('latin1')

/** What could be read, in the daemon's order. */
const textsOf = (files: readonly ConfigFileReading[]): ConfigText[] =>
  files.flatMap(({ path, bytes }) => (bytes === null ? [] : [{ path, text: textOf(bytes) }]))

/** Tells one set of files from another; null where the bytes of one are not known. */
function printOf(files: readonly { path: string; sha256: string | null }[]): string | null {
  if (files.some(({ sha256 }) => sha256 === null)) return null
  const lines = files.map(({ path, sha256 }) => `${path}\0${sha256 ?? ''}`)
  return sha256Of(Buffer.from(lines.sort().join('\n')))
}

export function createConfigAdmin(part: DaemonPart, { clock }: { clock: Clock }): ConfigAdmin {
  const guard = createGuard({ kind: part.kind, now: () => clock.now() })

  function note({ record }: AdminLimits, command: string, exitCode: number | null, reply: string): void {
    record({ at: clock.now(), via: 'ssh', command, exitCode, reply: reply.trim().slice(-4096) })
  }

  /**
   * What the files would be, and what the daemon's own check cannot see of them.
   * @throws AppError `config.changed-on-node`
   */
  async function besidesTheCheck(session: NodeSession, changes: readonly ConfigChange[], limits: AdminLimits) {
    const [files, unseenIn] = await Promise.all([part.readFiles(session, limits), part.unseen(session, limits)])
    for (const { path, expectSha256 } of changes) {
      const known = files.find((file) => file.path === path)
      if (known !== undefined && known.sha256 !== null && known.sha256 !== expectSha256) throw changedSince(session, path)
    }
    const before = textsOf(files)
    const written = new Map(changes.map(({ path, after: bytes }) => [path, bytes === null ? null : textOf(bytes)]))
    const paths = [...before.map(({ path }) => path), ...written.keys()]
    const after = [...new Set(paths)].flatMap((path) => {
      const text = written.has(path) ? written.get(path) : before.find((file) => file.path === path)?.text
      return typeof text === 'string' ? [{ path, text }] : []
    })
    const candidates = [
      ...files.filter(({ path }) => !written.has(path)),
      ...changes.flatMap(({ path, after: bytes }) => (bytes === null ? [] : [{ path, sha256: sha256Of(bytes) }])),
    ]
    return { before, after, candidates, unseen: unseenIn({ before, after }) }
  }

  /** @throws AppError `config.check-failed` */
  async function judgeInPlace(session: NodeSession, changes: readonly ConfigChange[], limits: AdminLimits): Promise<void> {
    const result = await run(session, part.testArgv, { ...limits, privileged: true, maxBytes: 1024 * 1024 })
    const words = result.stdout.toString('utf8')
    const texts = changes.flatMap(({ after }) => (after === null ? [] : [textOf(after)]))
    const hidden = (said: string): string => hideSecrets(part.kind, texts, said)
    note(limits, shown(...part.testArgv), result.code, hidden(`${result.stderr}${words}`))
    const fault = part.judge(result, words).find(({ severity }) => severity === 'error')
    if (fault !== undefined) throw refusedInPlace(session, part.kind, { ...fault, message: hidden(fault.message) }, changes)
  }

  function atRuntime(session: NodeSession, steps: readonly RuntimeStep[], limits: AdminLimits): Tell {
    const { apply } = part
    if (apply === undefined) throw new Error(`${part.kind} cannot be changed at run time`)
    return async () => {
      await apply(session, steps, limits)
      return { mayMoveVip: false }
    }
  }

  async function replaceOne(
    session: NodeSession,
    change: ConfigChange,
    at: { like: string; lock: string },
    limits: AdminLimits,
  ): Promise<void> {
    const { path, expectSha256, after } = change
    try {
      if (after === null) await removeFile(session, { path, expectSha256, lock: at.lock }, limits)
      else if (expectSha256 === '') await createFile(session, path, after, at, limits)
      else await session.replaceFile(path, after, { ...limits, privileged: true, expectSha256, lock: at.lock })
      note(limits, `replace ${path}`, 0, `sha256 ${expectSha256} -> ${after === null ? 'no such file' : sha256Of(after)}`)
    } catch (thrown) {
      note(limits, `replace ${path}`, null, appErrorFrom(thrown).message)
      throw thrown
    }
  }

  return {
    commandsFor(changes, steps = null) {
      const binds = changes.map(({ path }) => `mount --bind ${shown(`new${path}`)} ${shown(path)}`)
      const replaceable = changes.every(({ expectSha256, after }) => expectSha256 !== '' && after !== null)
      return [
        `# the new files stand under ./new, at the paths they are to have`,
        ...changes.flatMap(({ path, expectSha256, after }) => [
          ...(expectSha256 === ''
            ? [`test ! -e ${shown(path)}`]
            : [`echo ${shown(`${expectSha256}  ${path}`)} | sha256sum -c -`]),
          ...(after === null ? [] : [`echo ${shown(`${sha256Of(after)}  new${path}`)} | sha256sum -c -`]),
        ]),
        replaceable
          ? `unshare -m sh -c ${shown([...binds, shown(...part.testArgv)].join(' && '))}`
          : `# a file that comes or goes cannot be tried apart like this: ${shown(...part.testArgv)} after the next step`,
        ...changes.map(({ path, expectSha256, after }) => {
          if (after === null) return `rm ${shown(path)}`
          return expectSha256 === ''
            ? `cp ${shown(`new${path}`)} ${shown(path)}`
            : `cp -a ${shown(path)} ${shown(`${path}.next~`)} && cat ${shown(`new${path}`)} > ${shown(`${path}.next~`)} && mv ${shown(`${path}.next~`)} "$(readlink -f ${shown(path)})"`
        }),
        shown(...part.testArgv),
        ...(steps === null ? [part.reloadCommand] : (part.commandsOf?.(steps) ?? [])),
      ]
    },

    async check(session, changes, limits) {
      const [tried, { before, after, candidates, unseen }] = await Promise.all([
        tryConfig(session, changes, part.testArgv, limits),
        besidesTheCheck(session, changes, limits),
      ])
      const hidden = (said: string): string =>
        hideSecrets(
          part.kind,
          [...before, ...after].map(({ text }) => text),
          said,
        )
      const output = tried === null ? '' : hidden(`${tried.stderr}${tried.words}`.trim())
      note(
        limits,
        `${shown(...part.testArgv)}  # with ${changes.map(({ path }) => path).join(' ')} changed`,
        tried?.code ?? null,
        output,
      )
      const problems = [
        ...(tried === null
          ? [notApart(session)]
          : part.judge(tried, tried.words).map((problem) => ({ ...problem, message: hidden(problem.message) }))),
        ...unseen,
      ]
      return {
        accepted: !problems.some(({ severity }) => severity === 'error'),
        how: tried === null ? 'in place' : 'bound',
        output,
        problems,
        judged: tried === null ? null : printOf(candidates),
      }
    },

    async arm(session, changes, options, limits) {
      return guard.arm(session, changes, options, await part.revival(session, limits), limits)
    },

    async replace(session, changes, ticket, limits) {
      await guard.requireHeld(session, ticket, 'begin', limits)
      const makesFiles = changes.some(({ expectSha256 }) => expectSha256 === '')
      const like = makesFiles ? ((await part.readFiles(session, limits)).find(({ error }) => error === null)?.path ?? '') : ''
      try {
        for (const change of changes) await replaceOne(session, change, { like, lock: claimOf(ticket) }, limits)
        await guard.requireHeld(session, ticket, 'end', limits)
      } catch (thrown) {
        await guard.restore(session, ticket, 'files', limits)
        const { code, message, details } = appErrorFrom(thrown)
        throw new AppError(code, message, { effect: 'none', details, cause: thrown })
      }
    },

    async reload(session, changes, limits, { together, steps = null, judged = null } = {}) {
      const [files, tell] = await Promise.all([
        part.readFiles(session, limits),
        steps === null ? part.reload(session, limits) : atRuntime(session, steps, limits),
      ])
      if (judged === null || judged !== printOf(files)) await judgeInPlace(session, changes, limits)
      await together?.()
      return tell(textsOf(files))
    },

    confirm: (session, ticket, limits) => guard.confirm(session, ticket, limits),
    restore: (session, ticket, limits) => guard.restore(session, ticket, 'all', limits),
    standing: (session, limits) => guard.standing(session, limits),
  }
}

const changedSince = ({ nodeId }: NodeSession, path: string): AppError =>
  new AppError(
    'config.changed-on-node',
    `${path} on ${nodeId} was changed by somebody else since it was read, and was left so. Read it again.`,
    { details: { path } },
  )

const notApart = ({ nodeId }: NodeSession): CheckProblem => ({
  severity: 'warning',
  message: `the new files cannot be tried apart on ${nodeId}: it is checked in their place, before anything is reloaded`,
  path: null,
  line: null,
})

function refusedInPlace(
  { nodeId }: NodeSession,
  kind: ServiceKind,
  { message, path, line }: CheckProblem,
  changes: readonly ConfigChange[],
): AppError {
  const where = path === null ? '' : ` (${path}${line === null ? '' : `:${line}`})`
  return new AppError(
    'config.check-failed',
    `${kind} on ${nodeId} does not accept ${changes.map((change) => change.path).join(', ')} as it now stands, so it was not reloaded: ${message}${where}. The running ${kind} is not affected; put the files back.`,
    { effect: 'applied', details: { message, path, line } },
  )
}
