import { AppError } from '../../app/app-error.ts'

/** What ssh2 puts on its errors. */
interface Ssh2Error extends Error {
  /** client-authentication, client-socket, client-timeout, client-dns, handshake, agent, protocol; absent on a disconnect message */
  level?: string
  /** errno name of a socket error, or the number of an SSH disconnect reason */
  code?: string | number
}

/**
 * An error before a connection was ready, as AppError. Nothing was run yet: the effect is `none`.
 * `authenticating` tells a disconnect during login (e.g. too many tries) from one before it.
 */
export function dialError(thrown: unknown, where: string, authenticating: boolean): AppError {
  if (thrown instanceof AppError) return thrown
  const error = thrown as Ssh2Error
  const options = { details: { where, reason: error.message, level: error.level ?? null }, cause: error }
  switch (error.level) {
    case 'client-authentication':
    case 'agent':
      return new AppError('ssh.auth-failed', `${where} did not accept the login: ${error.message}.`, options)
    case 'client-timeout':
      return new AppError('ssh.timeout', `${where} stopped answering while the connection was being made.`, options)
    case 'handshake':
      return new AppError(
        'node.unreachable',
        `${where} and this console could not agree on an SSH handshake: ${error.message}.`,
        options,
      )
    case 'protocol':
      return new AppError(
        'node.unreachable',
        `${where} does not speak SSH as expected (${error.message}); check host and port.`,
        options,
      )
    default:
      if (authenticating) return new AppError('ssh.auth-failed', `${where} ended the login: ${error.message}.`, options)
      return new AppError('node.unreachable', `${where} cannot be reached: ${reachWord(error)}.`, options)
  }
}

/** An established connection that is gone. The effect depends on the call that notices. */
export function lostError(error: Error | null, where: string): AppError {
  const { level } = (error ?? {}) as Ssh2Error
  const why =
    level === 'client-timeout'
      ? 'it no longer answers'
      : error === null
        ? 'the other side closed it'
        : error.message.replace(/\.$/, '')
  const details = { where, reason: error?.message ?? null }
  return new AppError('ssh.connection-lost', `The SSH connection to ${where} was lost: ${why}.`, { details, cause: error })
}

function reachWord(error: Ssh2Error): string {
  const words: Record<string, string> = {
    ECONNREFUSED: 'nothing listens on this port (connection refused)',
    EHOSTUNREACH: 'there is no route to the host',
    ENETUNREACH: 'there is no route to its network',
    ETIMEDOUT: 'it does not answer',
    ENOTFOUND: 'the name is not known to DNS',
    EAI_AGAIN: 'DNS does not answer',
    ECONNRESET: 'it closed the connection before the handshake',
  }
  return words[String(error.code)] ?? error.message
}
