import { createHash, randomUUID } from 'node:crypto'
import type { CommandRecord, ServiceKind } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { AdminLimits } from '../../app/ports/admin-limits.ts'
import type { ConfigChange, GuardOptions, GuardTicket, StandingGuard } from '../../app/ports/config-admin.ts'
import type { ExecResult, NodeSession } from '../../app/ports/node-session.ts'
import { armScript, confirmScript, heldScript, restoreScript, reviveScript, standingScript } from './guard-scripts.ts'
import { lastLine, run } from './run.ts'

/** How a daemon is brought to read its files again, by its own means and without a console. */
export interface Revival {
  /** of the program, as /proc/PID/comm has it */
  name: string
  /** of its main process */
  pid: number
  signal: 'HUP' | 'USR2'
  /** what starts it where systemd does not; empty: what it was started with, as the process itself shows it */
  argv: readonly string[]
}

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const folderOf = (kind: ServiceKind): string => `/var/lib/evenkeel/${kind}`

/** Whoever changes the files of a push, forth or back, has this link while it does. */
export const claimOf = ({ dir }: GuardTicket): string => `${dir}/claimed`

/** See guard-scripts.ts for the model. Everything here is one script on the node, whose outcome it reads. */
export function createGuard({ kind, now }: { kind: ServiceKind; now: () => number }) {
  async function onNode(
    session: NodeSession,
    script: string,
    args: readonly string[],
    shown: string,
    limits: AdminLimits,
  ): Promise<ExecResult & { text: string }> {
    const options = { ...limits, privileged: true, maxBytes: 1024 * 1024 }
    const result = await run(session, ['sh', '-c', script, 'evenkeel', ...args], options)
    const text = result.stdout.toString('utf8')
    const record: Omit<CommandRecord, 'nodeId'> = {
      at: now(),
      via: 'ssh',
      command: shown,
      exitCode: result.code,
      reply: (text.replaceAll('\0', ' ') || result.stderr).trim().slice(0, 4096),
    }
    limits.record(record)
    return { ...result, text }
  }

  const lost = (session: NodeSession, ticket: GuardTicket, log: string): AppError =>
    new AppError(
      'daemon.not-confirmed',
      `The guard of ${kind} on ${session.nodeId} has acted or is gone, so the configuration of before counts there: ${log.trim() || 'nothing is on record'}.`,
      { effect: 'applied', details: { id: ticket.id, log } },
    )

  return {
    /** See ConfigAdmin.arm. */
    async arm(
      session: NodeSession,
      changes: readonly ConfigChange[],
      { guardMs, owner, reason }: GuardOptions,
      revival: Revival,
      limits: AdminLimits,
    ): Promise<GuardTicket> {
      const seconds = Math.max(1, Math.ceil(guardMs / 1000))
      const ticket = { id: randomUUID(), dir: folderOf(kind), expiresAfterMs: seconds * 1000 }
      const revive = [String(revival.argv.length), revival.name, String(revival.pid), revival.signal, ...revival.argv]
      const files = changes.flatMap(({ path, expectSha256, after }) => [
        path,
        expectSha256,
        after === null ? '' : sha256Of(after),
      ])
      const args = [ticket.dir, ticket.id, String(seconds), owner, reason, restoreScript, reviveScript]
      const shown = `arm guard ${ticket.id}: ${changes.map(({ path }) => path).join(' ')} come back in ${seconds} s`
      const { text, stderr } = await onNode(session, armScript, [...args, ...revive, ...files], shown, limits)
      const [word, what = '', why = ''] = text.split('\0')
      if (word === 'armed') return ticket
      throw notArmed(session, kind, { word: word ?? '', what, why, stderr })
    },

    /** @throws AppError `daemon.not-confirmed` unless the lock is ours and nothing has been restored */
    async requireHeld(session: NodeSession, ticket: GuardTicket, when: 'begin' | 'end', limits: AdminLimits): Promise<void> {
      const { code } = await onNode(session, heldScript, [ticket.dir, ticket.id, when], `look at guard ${ticket.id}`, limits)
      if (code !== 0) throw lost(session, ticket, '')
    },

    async confirm(session: NodeSession, ticket: GuardTicket, limits: AdminLimits): Promise<void> {
      const { text } = await onNode(session, confirmScript, [ticket.dir, ticket.id], `confirm ${ticket.id}`, limits)
      if (text.trim() !== 'confirmed') throw lost(session, ticket, text.replace(/^restored\n?/, ''))
    },

    /** `files`: only those, while the daemon has not read the new ones; the guard stays armed. */
    async restore(session: NodeSession, ticket: GuardTicket, what: 'all' | 'files', limits: AdminLimits): Promise<void> {
      const who = what === 'all' ? 'console' : 'files'
      const { code, text, stderr } = await onNode(
        session,
        restoreScript,
        [ticket.dir, ticket.id, who],
        `restore ${ticket.id}`,
        limits,
      )
      if (code === 0) return
      throw new AppError(
        'job.rollback-failed',
        `${kind} on ${session.nodeId} could not be put back as it was: ${lastLine(stderr) || lastLine(text)}. The files of before are beside the live ones and end with .evenkeel-${ticket.id}; put them back by hand, or correct what is wrong and restore again.`,
        { effect: 'unknown', details: { id: ticket.id, log: text, stderr } },
      )
    },

    async standing(session: NodeSession, limits: AdminLimits): Promise<StandingGuard[]> {
      const { text } = await onNode(session, standingScript, [folderOf(kind)], `look for locks of ${kind}`, limits)
      const [id = '', owner = '', reason = '', since = '', expires = '', state = '', log = ''] = text.split('\0')
      if (text === '') return []
      const [sinceMs, expiresAt] = [Number(since) * 1000, Number(expires) * 1000]
      return [
        {
          ticket: { id, dir: folderOf(kind), expiresAfterMs: Math.max(0, expiresAt - sinceMs) },
          owner,
          reason,
          since: sinceMs,
          expiresAt,
          state: state === 'armed' || state === 'restored' || state === 'failed' ? state : 'lost',
          log,
        },
      ]
    },
  }
}

interface Refusal {
  word: string
  what: string
  why: string
  stderr: string
}

function notArmed({ nodeId }: NodeSession, kind: ServiceKind, { word, what, why, stderr }: Refusal): AppError {
  if (word === 'held') {
    return new AppError(
      'job.conflict',
      `${kind} on ${nodeId} is being changed by ${what || 'somebody'} (${why || 'no reason given'}). Wait, or finish or undo that first.`,
      { details: { owner: what, reason: why } },
    )
  }
  if (word === 'changed') {
    return new AppError(
      'config.changed-on-node',
      `${what} on ${nodeId} was changed by somebody else since it was read, and was left so. Read it again.`,
      { details: { path: what } },
    )
  }
  if (word === 'missing')
    return new AppError('exec.not-found', `There is no ${what} on ${nodeId}.`, { details: { path: what } })
  return new AppError(
    'config.write-failed',
    `No guard could be armed for ${kind} on ${nodeId}, so nothing was changed: ${lastLine(stderr) || 'it did not start'}.`,
    { details: { stderr: stderr.slice(0, 4096) } },
  )
}
