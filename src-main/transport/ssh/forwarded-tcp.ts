import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { AppError } from '../../app/app-error.ts'
import { forwardedStream, type ForwardShell } from './forwarded-stream.ts'

/** A TCP connection that the node makes (RFC 4254, 7.2, `direct-tcpip`): no program, no shell, nothing to install there. */
export async function openForwardedTcp(
  { host, port }: { host: string; port: number },
  shell: ForwardShell & { client: Client },
  signal: AbortSignal,
): Promise<Duplex> {
  const made = await forwardedStream(shell, (opened) => shell.client.forwardOut('127.0.0.1', 0, host, port, opened), signal)
  if (made instanceof Error) throw refusedError(made, shell.where, `${host}:${port}`)
  return made
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
