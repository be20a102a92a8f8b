/*
 * One node over one connection: commands, files and unix sockets.
 *
 * Concurrency: at most `maxSessionChannels` commands run at once, the rest wait in order (sshd's MaxSessions is 10 by default; one that
 * allows fewer is learnt when it refuses). Connections to unix sockets do not count there and have their own bound. Every call ends when
 * its own time is up, when its caller cancels, or when the connection is lost; a slot is given back when the server closed the channel.
 */
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Effect, NodeId } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { CallLimits, ExecOptions, ExecResult, NodeSession, ReplaceOptions } from '../../app/ports/node-session.ts'
import type { Chain } from './chain.ts'
import { abortable, startDeadline } from './deadline.ts'
import { remoteCommandText } from './remote-command.ts'
import { replaceFile } from './replace-file.ts'
import { ChannelRefused, type Command, runCommand } from './run-command.ts'
import { keepUnlessAborted, Slots } from './slots.ts'
import { openForwardedTcp } from './forwarded-tcp.ts'
import { openUnixSocket, type SocketShell } from './socket.ts'
import { maybeRefused, sudoMissing, sudoRefusal } from './sudo.ts'

const maxSessionChannels = 8
const maxSocketChannels = 32
/** forwarding that failed where a relay worked is tried again after this: the daemon may just have been reloading */
const relayMs = 5 * 60_000
/** how long sshd may take to give a channel's slot back after closing it */
const slotGraceMs = 50
const maxRefusals = 3
const factsMaxBytes = 4 * 1024
type Io = Pick<Command, 'maxBytes' | 'stdin' | 'onOutput'>
/** of the session's own small commands */
const ownIo: Io = { maxBytes: factsMaxBytes, stdin: null, onOutput: null }
/** strerror(3) of EACCES in the C locale, which every command is given */
const permissionDenied = /: Permission denied$/m

/** Says whether, as of now, a command may have been carried out. */
type MarkEffect = (effect: Effect) => void

interface AccountFacts {
  uid: number
  user: string
  hasTimeout: boolean
}

export interface SshSession extends NodeSession {
  /** time of one round trip as of the last command, null before the first */
  roundTripMs(): number | null
}

/**
 * A session over a fresh chain. Runs one small command first: it learns what the account is, and it makes OpenSSH 9.2 switch Nagle's
 * algorithm off, without which every exchange with a unix socket takes 44 ms instead of 1.
 */
export async function openSession(
  nodeId: NodeId,
  chain: Chain,
  options: { mayUseSudo: boolean },
  limits: CallLimits,
): Promise<SshSession> {
  const session = new ChannelSession(nodeId, chain, options.mayUseSudo)
  await session.learnAccount(limits)
  return session
}

class ChannelSession implements SshSession {
  readonly nodeId: NodeId
  readonly #chain: Chain
  readonly #mayUseSudo: boolean
  readonly #channels = new Slots(maxSessionChannels)
  readonly #sockets = new Slots(maxSocketChannels)
  /** apart: one to an address that swallows everything is held for two minutes, until the node's kernel gives up */
  readonly #dials = new Slots(maxSocketChannels)
  #account: AccountFacts = { uid: 0, user: '', hasTimeout: false }
  #roundTripMs: number | null = null
  #sudoAllowsTimeout: Promise<boolean> | null = null
  readonly #sudoRelays = new Map<string, readonly [string, ...string[]]>()
  /** on performance.now(); until then sockets are opened through a relay at once */
  #relayUntil = 0

  constructor(nodeId: NodeId, chain: Chain, mayUseSudo: boolean) {
    this.nodeId = nodeId
    this.#chain = chain
    this.#mayUseSudo = mayUseSudo
  }

  roundTripMs(): number | null {
    return this.#roundTripMs
  }

  traffic(): { received: number; sent: number } {
    return this.#chain.traffic()
  }

  async learnAccount(limits: CallLimits): Promise<void> {
    const script = 'id -u; id -un; timeout -k 2 5 true >/dev/null 2>&1 && echo timeout'
    const argv = ['sh', '-c', script] as const
    const result = await this.#call('The first command', limits, (signal, mark) =>
      this.#run(remoteCommandText({ argv, killAfterS: null, sudo: 'none' }), ownIo, signal, mark),
    )
    const [uid, user, word] = result.stdout.toString('utf8').split('\n')
    if (user === undefined || !/^\d+$/.test(uid ?? '')) {
      const message = `${this.#chain.where} accepted the login, but the account cannot run "id": ${result.stderr.trim() || 'no output'}.`
      throw new AppError('exec.failed', message, { details: { code: result.code, stderr: result.stderr } })
    }
    this.#account = { uid: Number(uid), user, hasTimeout: word === 'timeout' }
  }

  async exec(argv: readonly [string, ...string[]], options: ExecOptions): Promise<ExecResult> {
    const elevate = options.privileged === true && this.#elevates()
    return this.#call(`"${argv[0]}"`, options, async (signal, mark) => {
      const seconds = this.#account.hasTimeout ? Math.ceil(options.timeoutMs / 1000) + 1 : null
      const inside = elevate && seconds !== null && (await this.#maySudoTimeout(signal))
      const text = remoteCommandText({ argv, killAfterS: seconds, sudo: elevate ? (inside ? 'inside' : 'outside') : 'none' })
      const result = await this.#run(
        text,
        { maxBytes: options.maxBytes, stdin: options.stdin ?? null, onOutput: options.onOutput ?? null },
        signal,
        mark,
      )
      if (elevate) await this.#throwIfSudoRefused(argv, result, signal)
      return result
    })
  }

  async readFile(
    path: string,
    options: CallLimits & { privileged?: boolean; maxBytes: number },
  ): Promise<{ bytes: Buffer; sha256: string }> {
    requireAbsolute(path)
    // most configuration is readable by all: sudo, and a sudoers rule for it, is needed only for what is not
    const plain = await this.exec(['cat', path], { ...options, privileged: false })
    const denied = options.privileged === true && permissionDenied.test(plain.stderr) && this.#elevates()
    const { code, stdout, stderr, truncated } = denied ? await this.exec(['cat', path], options) : plain
    const where = `${path} on ${this.#chain.where}`
    const details = { path, code, stderr }
    if (truncated) {
      throw new AppError('exec.output-truncated', `${where} is larger than ${options.maxBytes} bytes and was not read.`, {
        details,
      })
    }
    if (code !== 0) {
      // cat has one exit code for all; the words are those of strerror(3) in the C locale, which the command was given
      if (/: No such file or directory$/m.test(stderr))
        throw new AppError('exec.not-found', `There is no ${where}.`, { details })
      if (permissionDenied.test(stderr)) {
        throw new AppError('exec.not-permitted', `${this.#account.user} may not read ${where}.`, { details })
      }
      throw new AppError('exec.failed', `${where} could not be read: ${stderr.trim() || `cat ended with ${code}`}.`, {
        details,
      })
    }
    return { bytes: stdout, sha256: createHash('sha256').update(stdout).digest('hex') }
  }

  async replaceFile(path: string, bytes: Buffer, options: ReplaceOptions): Promise<{ sha256: string }> {
    requireAbsolute(path)
    const over = { user: this.#account.user, where: this.#chain.where }
    return replaceFile({ ...over, exec: (argv, how) => this.exec(argv, how) }, path, bytes, options)
  }

  async openSocket(path: string, options: CallLimits & { privileged?: boolean }): Promise<Duplex> {
    requireAbsolute(path)
    const elevate = options.privileged === true && this.#elevates()
    const shell: SocketShell = {
      client: this.#chain.client,
      where: this.#chain.where,
      user: this.#account.user,
      lost: this.#chain.lost,
      elevate,
      sudoRelays: this.#sudoRelays,
      forwardingRefused: performance.now() < this.#relayUntil,
      onForwardingRefused: () => {
        this.#relayUntil = performance.now() + relayMs
      },
      socketSlot: (signal) => this.#sockets.acquire(signal),
      channelSlot: (signal) => this.#channels.acquire(signal),
      exec: (argv, signal) => this.exec(argv, { signal, timeoutMs: options.timeoutMs, maxBytes: factsMaxBytes }),
    }
    return this.#call(`The connection to ${path}`, options, (signal) => openUnixSocket(path, shell, signal))
  }

  async openTcp(host: string, port: number, limits: CallLimits): Promise<Duplex> {
    const { client, where, lost } = this.#chain
    const shell = { client, where, lost, socketSlot: (signal: AbortSignal) => this.#dials.acquire(signal) }
    return this.#call(`The connection to ${host}:${port}`, limits, (signal) => openForwardedTcp({ host, port }, shell, signal))
  }

  #elevates(): boolean {
    return this.#account.uid !== 0 && this.#mayUseSudo
  }

  /** Runs `work` under the call's limits; what it learns about "may have started" decides the effect of a timeout or a lost connection. */
  async #call<T>(what: string, limits: CallLimits, work: (signal: AbortSignal, mark: MarkEffect) => Promise<T>): Promise<T> {
    let effect: Effect = 'none'
    const call = { what: () => `${what} on ${this.#chain.where}`, effect: () => effect }
    const deadline = startDeadline(limits, call, [this.#chain.lost])
    try {
      return await work(deadline.signal, (now) => {
        effect = now
      })
    } finally {
      deadline.dispose()
    }
  }

  async #run(text: string, io: Io, signal: AbortSignal, mark: MarkEffect): Promise<ExecResult> {
    const command = { text, where: this.#chain.where, ...io }
    // bounded: the limit can shrink only a few times, and every other refusal counts
    for (let refusals = 0; ;) {
      try {
        return await this.#runOnce(command, signal, mark)
      } catch (error) {
        if (!(error instanceof ChannelRefused)) throw error
        mark('none')
        const { held, limit } = this.#channels
        // The server counts fewer channels than we do: never more than now. Or it has not given back one that was just closed.
        if (held > 0 && held < limit) this.#channels.shrinkTo(held)
        else refusals += 1
        if (refusals === maxRefusals) throw this.#noChannel(error)
        await pause(slotGraceMs, signal)
      }
    }
  }

  #noChannel(refused: ChannelRefused): AppError {
    const message = `${this.#chain.where} keeps refusing another channel; look at MaxSessions in its sshd_config.`
    return new AppError('ssh.channel-refused', message, { details: { reason: refused.reason }, cause: refused })
  }

  async #runOnce(command: Io & { text: string; where: string }, signal: AbortSignal, mark: MarkEffect): Promise<ExecResult> {
    const release = await this.#channels.acquire(signal)
    keepUnlessAborted(release, signal)
    const sentAt = performance.now()
    const events = {
      onAccepted: () => {
        // opening the channel and starting the command are one exchange each
        this.#roundTripMs = Math.round((performance.now() - sentAt) * 5) / 10
      },
      onClosed: release,
    }
    mark('unknown')
    return runCommand(this.#chain.client, command, events, signal)
  }

  async #throwIfSudoRefused(argv: readonly [string, ...string[]], result: ExecResult, signal: AbortSignal): Promise<void> {
    const command = { argv, user: this.#account.user, where: this.#chain.where }
    const ask = async (words: readonly [string, ...string[]]): Promise<ExecResult> =>
      this.#run(remoteCommandText({ argv: words, killAfterS: null, sudo: 'none' }), ownIo, signal, () => undefined)
    const programPath = async (name: string): Promise<string | null> => {
      const found = await ask(['sh', '-c', 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1"', 'sh', name])
      return found.code === 0 ? found.stdout.toString('utf8').trim() : null
    }
    if (result.code === 127 && (await programPath('sudo')) === null) throw sudoMissing(command)
    if (!maybeRefused(result)) return
    const refusal = await sudoRefusal(result, command, {
      isAllowed: async () => (await ask(['sudo', '-n', '-l', ...argv])).code === 0,
      programPath: () => programPath(argv[0]),
    })
    if (refusal !== null) throw refusal
  }

  /** Asked once per connection: an account that may run anything may also run `timeout` as root, which can end what it started. */
  #maySudoTimeout(signal: AbortSignal): Promise<boolean> {
    const argv = ['sh', '-c', 'sudo -n -l timeout -k 2 1 true && sudo -n timeout -k 2 1 true'] as const
    // shared by all callers, so not ended by the signal of one of them
    this.#sudoAllowsTimeout ??= this.#run(
      remoteCommandText({ argv, killAfterS: 5, sudo: 'none' }),
      ownIo,
      this.#chain.lost,
      () => undefined,
    ).then(
      (result) => result.code === 0,
      () => false,
    )
    const answer = this.#sudoAllowsTimeout
    return abortable(signal, (resolve) => void answer.then(resolve))
  }
}

function requireAbsolute(path: string): void {
  if (path.startsWith('/') && !path.includes('\0')) return
  throw new AppError('request.invalid', `${JSON.stringify(path)} is not an absolute path on the node; give the whole path.`)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    const stop = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', stop, { once: true })
  })
}
