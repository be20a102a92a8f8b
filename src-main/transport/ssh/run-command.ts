/*
 * One command over one session channel.
 *
 * Model: the account's shell may print to stdout before the command starts (a chatty ~/.bashrc), so the command is preceded by a mark
 * and everything before it is dropped. A channel that closes without an exit status did not tell how the command ended: that is an
 * error, not a result. After an abort the channel is closed and TERM is sent (root's sshd ignores it); what really bounds the command on
 * the node is the `timeout` in front of it.
 */
import { Readable } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import { AppError } from '../../app/app-error.ts'
import type { ExecResult } from '../../app/ports/node-session.ts'
import { abortable } from './deadline.ts'

/** printed on the node when a command's own output begins */
export const outputMark = Buffer.from('\x1eevenkeel\x1e')
/** shell text that prints the mark */
const printMark = "printf '\\036evenkeel\\036'"
const maxNoiseBytes = 64 * 1024
const maxStderrBytes = 64 * 1024

export interface Command {
  /** shell text, quoted already */
  text: string
  stdin: Buffer | string | Readable | null
  maxBytes: number
  /** takes what the command prints; nothing is kept of it then */
  onOutput: ((chunk: Buffer) => void) | null
  /** `user@host:port`, for messages */
  where: string
}

export interface CommandEvents {
  /** the server opened the channel and took the command; from now on it may be running */
  onAccepted: () => void
  /** the channel is gone, and with it its slot */
  onClosed: () => void
}

/** The server would not open another channel; nothing was run. */
export class ChannelRefused extends Error {
  readonly reason: unknown

  constructor(cause: Error & { reason?: unknown }) {
    super(cause.message, { cause })
    this.name = 'ChannelRefused'
    this.reason = cause.reason
  }
}

/** Rejects with ChannelRefused, an AppError, or the signal's reason. `onClosed` is called exactly once, whatever happens. */
export function runCommand(client: Client, command: Command, events: CommandEvents, signal: AbortSignal): Promise<ExecResult> {
  return abortable(signal, (resolve, reject) => {
    const onOpened = (error: (Error & { reason?: unknown }) | undefined, channel: ClientChannel): void => {
      if (error !== undefined) {
        events.onClosed()
        reject(error.reason === undefined ? refusedExec(error, command.where) : new ChannelRefused(error))
        return
      }
      events.onAccepted()
      channel.on('close', events.onClosed)
      const collected = collect(channel, command)
      const stop = (): void => {
        channel.signal('TERM')
        channel.close()
        channel.resume()
      }
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      channel.on('close', () => {
        signal.removeEventListener('abort', stop)
        const result = collected()
        if (result instanceof AppError) reject(result)
        else resolve(result)
      })
      if (command.stdin instanceof Readable) command.stdin.pipe(channel)
      else channel.end(command.stdin ?? undefined)
    }
    try {
      client.exec(`${printMark}; ${command.text}`, onOpened)
    } catch (error) {
      events.onClosed()
      throw new AppError('ssh.connection-lost', `The SSH connection to ${command.where} is gone; nothing was run.`, {
        cause: error,
      })
    }
  })
}

function refusedExec(error: Error, where: string): AppError {
  return new AppError('ssh.channel-refused', `${where} does not let this account run commands: ${error.message}.`, {
    cause: error,
  })
}

/** Gathers output; the returned function is asked when the channel has closed. */
function collect(channel: ClientChannel, { maxBytes, onOutput, where }: Command): () => ExecResult | AppError {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  let noise = Buffer.alloc(0)
  let started = false
  let [stdoutBytes, stderrBytes] = [0, 0]
  let truncated = false
  let exit: { code: number | null; signal: string | null } | null = null

  const keep = (chunk: Buffer): void => {
    if (chunk.length === 0) return
    if (onOutput !== null) return onOutput(chunk)
    const room = maxBytes - stdoutBytes
    if (chunk.length > room) truncated = true
    if (room <= 0) return
    const kept = chunk.subarray(0, room)
    stdoutBytes += kept.length
    stdout.push(kept)
  }
  channel.on('data', (chunk: Buffer) => {
    if (started) return keep(chunk)
    noise = Buffer.concat([noise, chunk])
    const at = noise.indexOf(outputMark)
    if (at >= 0) {
      started = true
      keep(noise.subarray(at + outputMark.length))
      noise = Buffer.alloc(0)
    } else if (noise.length > maxNoiseBytes) {
      noise = noise.subarray(-outputMark.length) // the mark may be cut in two
    }
  })
  channel.stderr.on('data', (chunk: Buffer) => {
    const kept = chunk.subarray(0, maxStderrBytes - stderrBytes)
    stderrBytes += kept.length
    stderr.push(kept)
  })
  channel.on('exit', (code: number | null, signalName?: string) => {
    exit = { code, signal: signalName?.replace(/^SIG/, '') ?? null }
  })
  channel.on('error', () => undefined) // 'close' follows and tells the outcome

  return () => {
    const words = Buffer.concat(stderr).toString('utf8')
    if (exit === null) {
      const message = `${where} closed the channel without saying how the command ended; find out before you run it again.`
      return new AppError('ssh.connection-lost', message, { effect: 'unknown', details: { stderr: words } })
    }
    if (!started) {
      const said = (noise.toString('utf8').trim() || words.trim()).slice(0, 200)
      const message = `The login shell of ${where} did not run the command${said === '' ? '' : `; it said "${said}"`}. The account needs a POSIX shell.`
      return new AppError('exec.failed', message, { details: { code: exit.code, signal: exit.signal, stderr: words } })
    }
    return { code: exit.code, signal: exit.signal, stdout: Buffer.concat(stdout), stderr: words, truncated }
  }
}
