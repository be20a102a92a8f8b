/*
 * Connections to unix sockets on the node.
 *
 * First `direct-streamlocal@openssh.com`: no program, no shell, one round trip. OpenSSH 9.2 answers every failure with the same
 * "open failed", so then a relay program on the node is tried: it either says what is wrong with the path, or is the connection
 * (forwarding forbidden, or a socket that needs root). The streams returned end like sockets do: the far side's end is 'end', and the
 * caller still has to end its own.
 */
import type { Duplex } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import type { Effect, ErrorCode } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { ExecResult } from '../../app/ports/node-session.ts'
import { abortable } from './deadline.ts'
import { forwardedStream, type ForwardShell } from './forwarded-stream.ts'
import { quoteCommand } from './quote.ts'
import { outputMark } from './run-command.ts'
import { keepUnlessAborted } from './slots.ts'
import { relayArgv, relayExit } from './socket-relay.ts'
import { goneError, socketStream } from './socket-stream.ts'
import { sudoersLine } from './sudo.ts'

export interface SocketShell extends ForwardShell {
  client: Client
  user: string
  /** the relay may use sudo */
  elevate: boolean
  /** by path: what sudo allowed as a relay earlier on this connection */
  sudoRelays: Map<string, readonly [string, ...string[]]>
  /** a relay worked lately where forwarding did not */
  forwardingRefused: boolean
  onForwardingRefused: () => void
  channelSlot: (signal: AbortSignal) => Promise<() => void>
  exec: (argv: readonly [string, ...string[]], signal: AbortSignal) => Promise<ExecResult>
}

/** What socat takes for a path and nothing else. */
const socatPath = /^[A-Za-z0-9_./-]+$/

export async function openUnixSocket(path: string, shell: SocketShell, signal: AbortSignal): Promise<Duplex> {
  // perl and nc would take a relative one that begins with a dash for an option
  if (!path.startsWith('/')) throw new AppError('request.invalid', `"${path}" is not the absolute path of a socket.`)
  if (!shell.forwardingRefused) {
    const open = shell.client.openssh_forwardOutStreamLocal.bind(shell.client, path)
    const forwarded = await forwardedStream(shell, open, signal)
    if (!(forwarded instanceof Error)) return forwarded
  }
  if (!shell.elevate) {
    const relayed = await relay(path, relayArgv(path), shell, signal)
    shell.onForwardingRefused()
    return relayed
  }
  const argv = shell.sudoRelays.get(path) ?? (await privilegedRelay(path, shell, signal))
  const relayed = await relay(path, argv, shell, signal)
  shell.sudoRelays.set(path, argv)
  return relayed
}

/** What sudo lets this account run as a relay: the whole program, or at least socat on this very path. */
async function privilegedRelay(path: string, shell: SocketShell, signal: AbortSignal): Promise<[string, ...string[]]> {
  const socat: [string, ...string[]] = ['socat', '-', `UNIX-CONNECT:${path}`]
  // in socat's own language `,` begins options and `!!` another address, and a sudo rule may have a wildcard
  const usable = socatPath.test(path) ? [relayArgv(path), socat] : [relayArgv(path)]
  for (const argv of usable) {
    const listed = await shell.exec(['sudo', '-n', '-l', ...argv], signal)
    if (listed.code === 0) return ['sudo', '-n', ...argv]
  }
  const line = socatPath.test(path) ? sudoersLine(shell.user, ['/usr/bin/socat', ...socat.slice(1)]) : null
  const message =
    `${shell.user} may not open the socket ${path} on ${shell.where}, with or without sudo. Give the account access to the socket ` +
    `(for HAProxy: add it to the group named in the "stats socket" line)` +
    (line === null ? '.' : `, or install socat and add to /etc/sudoers.d: ${line}`)
  throw new AppError('exec.not-permitted', message, { details: { path, reason: 'not-permitted', sudoersLine: line } })
}

async function relay(
  path: string,
  argv: readonly [string, ...string[]],
  shell: SocketShell,
  signal: AbortSignal,
): Promise<Duplex> {
  const text = `exec ${quoteCommand(['env', 'LC_ALL=C', ...argv])}`
  const release = await shell.channelSlot(signal)
  keepUnlessAborted(release, signal)
  // plain `sudo socat` cannot print the mark; sudo -l said it may run, so it counts as connected when it has started
  const announced = !argv.includes('socat')
  return abortable(signal, (resolve, reject) => {
    const onOpened = (error: Error | undefined, channel: ClientChannel): void => {
      if (error !== undefined) {
        release()
        return reject(
          new AppError('ssh.channel-refused', `${shell.where} refused a channel for ${path}: ${error.message}.`, {
            cause: error,
          }),
        )
      }
      channel.on('close', release)
      const giveUp = (): void => {
        channel.close()
        channel.resume()
      }
      if (signal.aborted) return giveUp()
      signal.addEventListener('abort', giveUp, { once: true })
      const settled = (): void => signal.removeEventListener('abort', giveUp)
      const ended = watchRelay(channel)
      const failure = (): AppError | null => (ended.code === 0 ? null : relayError(path, ended, shell, 'unknown'))
      const begin = (): void => {
        settled()
        resolve(socketStream(channel, shell, failure))
      }
      if (!announced) return begin()
      awaitMark(channel).then(begin, () => {
        settled()
        reject(relayError(path, ended, shell))
      })
    }
    try {
      shell.client.exec(text, onOpened)
    } catch (error) {
      release()
      reject(goneError(shell, error))
    }
  })
}

interface RelayEnd {
  /** null until it has ended, and when a signal ended it */
  code: number | null
  stderr: string
}

/** How the relay ends; filled in as it does. */
function watchRelay(channel: ClientChannel): RelayEnd {
  const ended: RelayEnd = { code: null, stderr: '' }
  channel.on('exit', (code: number | null) => {
    ended.code = code
  })
  channel.stderr.on('data', (chunk: Buffer) => {
    ended.stderr = (ended.stderr + chunk.toString('utf8')).slice(0, 2_000)
  })
  return ended
}

/** Takes everything up to the mark from the channel; rejects when it closes before. */
function awaitMark(channel: ClientChannel): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      const at = head.indexOf(outputMark)
      if (at < 0) {
        head = head.subarray(-64 * 1024)
        return
      }
      channel.off('data', onData)
      channel.off('close', onClose)
      channel.pause()
      const rest = head.subarray(at + outputMark.length)
      if (rest.length > 0) channel.unshift(rest)
      resolve()
    }
    const onClose = (): void => reject(new Error('the relay ended before it was connected'))
    channel.on('close', onClose)
    channel.on('data', onData)
  })
}

function relayError(path: string, { code, stderr }: RelayEnd, shell: SocketShell, effect: Effect = 'none'): AppError {
  const where = `${path} on ${shell.where}`
  const error = (code: ErrorCode, reason: string, message: string): AppError =>
    new AppError(code, message, { effect, details: { path, reason, stderr } })
  switch (code) {
    case relayExit.missing:
      return error(
        'exec.not-found',
        'missing',
        `There is no socket ${where}, or ${shell.user} may not look into its directory.`,
      )
    case relayExit.notASocket:
      return error('exec.failed', 'not-a-socket', `${where} exists but is not a socket.`)
    case relayExit.notPermitted:
      return error(
        'exec.not-permitted',
        'not-permitted',
        `${shell.user} may not open the socket ${where}; give its group access, or allow sudo.`,
      )
    case relayExit.notListening:
      return error('exec.failed', 'not-listening', `Nobody listens on the socket ${where}; the daemon that made it is gone.`)
    case relayExit.noProgram:
      return error(
        'ssh.channel-refused',
        'no-relay',
        `sshd on ${shell.where} forbids forwarding to ${path}, and none of perl, python3, socat and nc is there to do without. Set AllowStreamLocalForwarding local (or yes) in sshd_config.`,
      )
    default:
      return error(
        'exec.failed',
        'connect-failed',
        `The socket ${where} could not be opened: ${stderr.trim() || `the relay ended with ${code}`}.`,
      )
  }
}
