import { AppError } from '../../../app/app-error.ts'
import type { AdminLimits } from '../../../app/ports/admin-limits.ts'
import type { Clock } from '../../../app/ports/clock.ts'
import type { FaultGuard, FaultTicket, InjectedFault, RevertedFault, StandingFault } from '../../../app/ports/fault-admin.ts'
import type { CallLimits, ExecResult, NodeSession } from '../../../app/ports/node-session.ts'
import { lastLine, run } from '../run.ts'
import { guardScript, heartbeatScript, injectScript, revertScript, standingScript } from './dead-man-scripts.ts'
import type { FaultScripts } from './fault-scripts.ts'

/** See dead-man-scripts.ts for the model. */
const folder = '/var/lib/evenkeel/drill'
const maxBytes = 1024 * 1024

const hundredths = (ms: number): string => String(Math.ceil(ms / 10))

export function createDeadMan({ clock }: { clock: Clock }) {
  const script = (session: NodeSession, text: string, args: readonly string[], limits: CallLimits): Promise<ExecResult> =>
    run(session, ['sh', '-c', text, 'evenkeel', folder, ...args], { ...limits, privileged: true, maxBytes })

  function note({ record }: AdminLimits, command: string, { code, stderr }: ExecResult, reply: string): void {
    record({ at: clock.now(), via: 'ssh', command, exitCode: code, reply: (reply || stderr).trim().slice(-4096) })
  }

  return {
    /** See FaultAdmin.inject. */
    async inject(session: NodeSession, fault: FaultScripts, guard: FaultGuard, limits: AdminLimits): Promise<InjectedFault> {
      const { id } = guard
      const scripts = [guardScript, revertScript, fault.inject, fault.undo]
      const args = [id, hundredths(guard.expiresAfterMs), guard.owner, guard.reason, ...scripts, ...fault.args]
      const result = await script(session, injectScript, args, limits)
      const [word = '', first = '', second = ''] = result.stdout.toString('utf8').split('\0')
      const said = word === 'injected' ? '' : `${word} ${first} ${second}`
      note(limits, `arm guard ${id} for ${guard.expiresAfterMs / 1000} s; ${fault.shown.inject.join('; ')}`, result, said)
      if (word === 'injected') return { id, began: Number(first), ended: Number(second) }
      throw notInjected(session, word, first, second, result)
    },

    async heartbeat(session: NodeSession, { id }: FaultTicket, expiresAfterMs: number, limits: AdminLimits): Promise<void> {
      const { code } = await script(session, heartbeatScript, [id, hundredths(expiresAfterMs)], limits)
      if (code === 0) return
      throw new AppError('daemon.not-confirmed', `The guard on ${session.nodeId} has taken the fault back, or is at it.`, {
        effect: 'applied',
      })
    },

    async revert(session: NodeSession, { id }: FaultTicket, limits: AdminLimits): Promise<RevertedFault> {
      const result = await script(session, revertScript, [id, 'console'], limits)
      const [by = '', ...log] = result.stdout.toString('utf8').trim().split('\n')
      note(limits, `take back ${id}`, result, log.join('\n'))
      if (result.code === 0) return { by: by === 'guard' || by === 'nobody' ? by : 'console', log: log.join('\n') }
      throw new AppError(
        'job.rollback-failed',
        `The fault on ${session.nodeId} could not be taken back: ${lastLine(log.join('\n')) || lastLine(result.stderr)}. What it takes stands in ${folder}/undo.sh there.`,
        { effect: 'unknown', details: { id, log: log.join('\n'), stderr: result.stderr } },
      )
    },

    async standing(session: NodeSession, limits: CallLimits): Promise<StandingFault[]> {
      const { stdout } = await script(session, standingScript, [], limits)
      if (stdout.length === 0) return []
      const [id = '', owner = '', reason = '', , state = '', log = ''] = stdout.toString('utf8').split('\0')
      const known = state === 'armed' || state === 'reverted' || state === 'failed' ? state : 'lost'
      return [{ ticket: { id }, owner, reason, state: known, log }]
    },
  }
}

function notInjected({ nodeId }: NodeSession, word: string, first: string, second: string, { stderr }: ExecResult): AppError {
  if (word === 'held') {
    return new AppError('job.conflict', `${nodeId} is in a drill of ${first || 'somebody'} (${second || 'no reason given'}).`, {
      details: { owner: first, reason: second },
    })
  }
  if (word === 'refused' && second === '') {
    return new AppError(
      'drill.refused',
      `The fault could not be put on ${nodeId}, and what had begun of it was taken back: ${lastLine(first)}.`,
    )
  }
  if (word === 'refused') {
    return new AppError(
      'job.rollback-failed',
      `The fault could not be put on ${nodeId} (${lastLine(first)}), and what had begun of it could not be taken back: ${lastLine(second)}. Its guard goes on trying.`,
      { effect: 'unknown', details: { said: first, undone: second } },
    )
  }
  return new AppError(
    'drill.refused',
    `No guard could be armed on ${nodeId}, so there is no fault: ${lastLine(stderr) || 'it did not start'}.`,
  )
}
