import type { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import { AppError } from '../../app/app-error.ts'
import { ChannelDuplex } from './channel-duplex.ts'

/**
 * A channel as a stream, which ends with the connection (`lost` aborts with an AppError), with the error that says so: a command sent over it
 * may have been carried out.
 */
export function socketStream(channel: ClientChannel, shell: { lost: AbortSignal }, verdict?: () => AppError | null): Duplex {
  const stream = new ChannelDuplex(channel, verdict)
  // Readers and writers learn of an error as always; this keeps one that comes while nobody listens from ending the whole console.
  stream.on('error', () => undefined)
  const onLost = (): void => {
    const lost = shell.lost.reason as AppError
    stream.destroy(new AppError(lost.code, lost.message, { effect: 'unknown', details: lost.details, cause: lost }))
  }
  shell.lost.addEventListener('abort', onLost, { once: true })
  stream.once('close', () => shell.lost.removeEventListener('abort', onLost))
  return stream
}

export function goneError(shell: { where: string }, cause: unknown): AppError {
  return new AppError('ssh.connection-lost', `The SSH connection to ${shell.where} is gone; nothing was sent.`, { cause })
}
