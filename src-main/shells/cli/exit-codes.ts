import type { ErrorCode, ErrorReply } from '#contract'

/** What the command line ends with; scripts rely on these (docs/cli.md). */
export const exitCodes = {
  ok: 0,
  /** the operation did not succeed, or something was found */
  failed: 1,
  /** bad usage or bad input */
  usage: 2,
  /** a node, or a part of what was asked, could not be reached */
  unreachable: 3,
  /** refused: another job or shell is in the way, or a host key is not trusted */
  refused: 4,
  /** a defect, or the data folder cannot be used */
  internal: 5,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Ends a command with a sentence for people and a reply for scripts. */
export class CliError extends Error {
  readonly reply: ErrorReply

  constructor(reply: ErrorReply) {
    super(reply.message)
    this.name = 'CliError'
    this.reply = reply
  }
}

export function usageError(message: string): CliError {
  return new CliError({ code: 'request.invalid', message, effect: 'none', details: {} })
}

const inputCodes: ReadonlySet<ErrorCode> = new Set([
  'node.not-found',
  'job.not-found',
  'drain.not-found',
  'inventory.invalid',
  'inventory.conflict',
  'ssh.config-invalid',
])
const refusedCodes: ReadonlySet<ErrorCode> = new Set([
  'host.viewer',
  'job.conflict',
  'drain.conflict',
  'drain.floor',
  'drill.refused',
  'job.not-undoable',
  'daemon.runtime-rejected',
])

export function exitCodeFor(code: ErrorCode): ExitCode {
  if (code === 'request.cancelled') return exitCodes.failed
  if (code.startsWith('request.') || inputCodes.has(code)) return exitCodes.usage
  if (refusedCodes.has(code) || code.startsWith('ssh.host-key-') || code.startsWith('vault.')) return exitCodes.refused
  if (code === 'node.unreachable' || code.startsWith('ssh.')) return exitCodes.unreachable
  if (code === 'host.internal' || code.startsWith('store.')) return exitCodes.internal
  return exitCodes.failed
}
