import type { Duplex } from 'node:stream'
import { AppError } from '../../app/app-error.ts'
import { abortable } from './deadline.ts'
import { keepUnlessAborted } from './slots.ts'
import { goneError, socketStream, type SocketShell } from './socket.ts'

/** A TCP connection that the node makes (RFC 4254, 7.2, `direct-tcpip`): no program, no shell, nothing to install there. */
export async function openTcp(
  { host, port }: { host: string; port: number },
  shell: Pick<SocketShell, 'client' | 'where' | 'lost' | 'socketSlot'>,
  signal: AbortSignal,
): Promise<Duplex> {
  const release = await shell.socketSlot(signal)
  keepUnlessAborted(release, signal)
  return abortable(signal, (resolve, reject) => {
    try {
      shell.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error !== undefined) {
          release()
          return reject(refusedError(error, shell.where, `${host}:${port}`))
        }
        channel.on('close', release)
        const stream = socketStream(channel, shell)
        if (signal.aborted) stream.destroy()
        else resolve(stream)
      })
    } catch (error) {
      release()
      reject(goneError(shell, error))
    }
  })
}

/** RFC 4254, 5.1: 1 administratively prohibited, 2 connect failed. */
function refusedError(error: Error & { reason?: unknown }, where: string, target: string): AppError {
  return error.reason === 1
    ? new AppError(
        'ssh.channel-refused',
        `sshd on ${where} forbids forwarding to ${target} (AllowTcpForwarding, PermitOpen in sshd_config).`,
        { cause: error },
      )
    : new AppError('exec.failed', `${where} cannot connect to ${target}: ${error.message}.`, { cause: error })
}
