import { createHash } from 'node:crypto'
import type { AdminState, ProbedService } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { ServerAdmin } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import {
  applyChanges,
  putBack,
  putIntoService,
  takeOut,
  type ConfigSource,
  type LineChange,
  type MemberRef,
} from '../../domain/nginx/member-edit.ts'
import { run } from '../linux/run.ts'
import { createConfigChanger, refused, type FileChange } from './change-config.ts'
import { createDrainWatch } from './drain-watch.ts'
import { complaintIn, nginxArgv } from './load-config.ts'
import { commandFrom } from './detect.ts'
import { hashOf, preImageOf, readMember, textOf, type MemberOnNode } from './read-member.ts'

/*
 * Servers of nginx, by its configuration.
 *
 * Model: what the files say counts, once the workers that run now have read it. A file that was changed and not loaded stands for a server
 * in service: a step that was cut off between the two is then taken up again and finds nothing left to do but the reload. HAProxy's states
 * `drain` and `maint` are one here, because nginx has but one: no new work.
 */

interface AdminParts {
  clock: Clock
  service: ProbedService
  context: MemberRef['context']
}

export function createServerAdmin({ clock, service, context }: AdminParts): ServerAdmin {
  const changer = createConfigChanger({ clock })
  const command = commandFrom(service.endpoints)
  /** What we loaded ourselves, for the time in which the node's clock cannot be believed. */
  const loaded = new Map<string, { sha256: string; workerPids: readonly number[] }>()

  async function look(session: NodeSession, ref: MemberRef, limits: CallLimits): Promise<MemberOnNode> {
    const found = await readMember(session, service, ref, limits)
    const isOurs = (path: string): boolean => {
      const own = loaded.get(path)
      const { workerPids } = found.running
      return own !== undefined && own.sha256 === hashOf(found, path) && workerPids.some((pid) => own.workerPids.includes(pid))
    }
    const files = new Set(found.member?.lines.map(({ file }) => file))
    return { ...found, isLoaded: found.isLoaded || [...files].every(isOurs) }
  }

  async function carryOut(session: NodeSession, found: MemberOnNode, changes: readonly LineChange[], limits: AdminLimits) {
    const files = found.files.flatMap((file): FileChange[] => {
      const own = changes.filter((change) => change.file === file.path)
      if (own.length === 0) return []
      const source: ConfigSource = { path: file.path, text: textOf(file) }
      const after = Buffer.from(applyChanges(source, own), 'latin1')
      return [{ path: file.path, before: file.bytes, sha256: file.sha256, after, diff: diffOf(own) }]
    })
    if (files.length === 0 && found.isLoaded) return
    const workerPids = await changer.apply(session, found.running, files, limits)
    for (const { file } of found.member?.lines ?? []) {
      const change = files.find(({ path }) => path === file)
      const sha256 = change === undefined ? hashOf(found, file) : createHash('sha256').update(change.after).digest('hex')
      loaded.set(file, { sha256, workerPids })
    }
  }

  const refOf = (pool: string, server: string): MemberRef => ({ context, upstream: pool, address: server })

  return {
    via: 'ssh',
    watch: createDrainWatch({ clock, service, context, look }),

    async check(session, limits) {
      const result = await run(session, nginxArgv(command, '-t'), { ...limits, privileged: true, maxBytes: 64 * 1024 })
      if (result.code !== 0) throw refused(session, complaintIn(result.stderr))
    },

    async read(session, pool, server, limits) {
      return preImageOf(pool, server, await look(session, refOf(pool, server), limits))
    },

    async setState(session, pool, server, state, limits) {
      const found = await look(session, refOf(pool, server), limits)
      await carryOut(session, found, changesFor(requireMember(session, found, pool, server), state), limits)
    },

    async restore(session, before, limits) {
      const { pool, server } = before
      const found = await look(session, refOf(pool, server), limits)
      const member = requireMember(session, found, pool, server)
      const changes = putBack(member.lines, before.lines ?? [])
      if (!Array.isArray(changes)) {
        const where =
          changes === null
            ? `a line of ${before.lines?.[0]?.file ?? pool} is gone`
            : `${changes.file}:${changes.line} is now "${changes.written}"`
        throw new AppError(
          'config.changed-on-node',
          `${pool}/${server} on ${session.nodeId} was not put back, because somebody has changed its line meanwhile: ${where}. Take "down" out by hand, or write the line as it was.`,
          { details: { pool, server } },
        )
      }
      await carryOut(session, found, changes, limits)
    },

    commandsFor: (now, state) =>
      commandsFrom(changesFor({ lines: now.lines ?? [], word: now.lines?.[0]?.word ?? 'down' }, state)),
    undoCommandsFor(before) {
      const lines = before.lines ?? []
      const out = takeOut({ lines, word: lines[0]?.word ?? 'down' })
      return commandsFrom(out.map((change) => ({ ...change, written: change.becomes, becomes: change.written })))
    },
    isIn: (before, state) => (state === 'ready') === (before.adminState === 0),
  }

  function commandsFrom(changes: readonly LineChange[]): string[] {
    if (changes.length === 0) return []
    return [...diffOf(changes), nginxArgv(command, '-t').join(' '), nginxArgv(command, '-s', 'reload').join(' ')]
  }
}

const changesFor = (member: Parameters<typeof takeOut>[0], state: AdminState): LineChange[] =>
  state === 'ready' ? putIntoService(member) : takeOut(member)

const diffOf = (changes: readonly LineChange[]): string[] =>
  changes.flatMap(({ file, line, written, becomes }) => [`${file}:${line}: - ${written};`, `${file}:${line}: + ${becomes};`])

function requireMember({ nodeId }: NodeSession, { member }: MemberOnNode, pool: string, server: string) {
  const fault =
    member === null
      ? 'its configuration has no such server'
      : member.sharedWith.length > 0
        ? `${member.lines[0]?.file}:${member.lines[0]?.line} stands for ${member.sharedWith.join(' and ')} as well, which include the same file`
        : null
  if (member !== null && fault === null) return member
  throw new AppError('daemon.runtime-rejected', `nginx on ${nodeId} was not changed for ${pool}/${server}: ${fault}.`, {
    details: { pool, server },
  })
}
