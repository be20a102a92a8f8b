import type { ServerChannel } from 'ssh2'
import type { Machine, SignalName } from '../machine/machine.ts'
import { Input } from '../shell/descriptors.ts'
import { execute, findProgram } from '../shell/execute.ts'
import { type Account, loginEnvironment } from './accounts.ts'

/**
 * A program is given its input as a whole. A client that leaves stdin open, as ssh(1) on a terminal does, sends nothing for this long;
 * then the command starts with what has come. On a busy computer the console's own words may take a good part of that.
 */
const stdinSilenceMs = 1000

export interface LoginCommand {
  /** Signals the client sends; OpenSSH 9.2 does not pass them on for root. */
  signal(name: SignalName): void
}

/** Runs `text` with the login shell. The client's going away ends only what still writes (SIGPIPE), as with OpenSSH. */
export function runLoginCommand(
  machine: Machine,
  login: { account: Account; parentPid: number },
  text: string,
  channel: ServerChannel,
): LoginCommand {
  const { account, parentPid } = login
  let pid: number | null = null
  let closed = false
  channel.on('close', () => {
    closed = true
  })
  const signal = (name: SignalName): void => {
    if (pid !== null && machine.processes.get(pid) !== null) machine.processes.signal(pid, name)
  }
  const write = (stream: { write(bytes: Buffer): unknown }, bytes: Buffer): void => {
    if (!closed) stream.write(bytes)
    else signal('PIPE')
  }
  whenReadIn(machine, channel, (stdin) => {
    const environment = loginEnvironment(account)
    const shell = findProgram(machine, '/bin/sh', { searchPath: '', cwd: '/', uid: account.uid })
    if (shell === null || shell === 'denied') return finish(channel, { code: 127, signal: null })
    const { files } = machine
    void execute(machine, shell, {
      ...{ argv: ['sh', '-c', text], parentPid, uid: account.uid, user: account.name, environment },
      cwd: files.exists(account.home) ? account.home : '/',
      stdin: new Input(stdin),
      stdout: (bytes) => write(channel, bytes),
      stderr: (bytes) => write(channel.stderr, bytes),
      signal: new AbortController().signal,
      started: (started) => {
        pid = started
      },
    }).then(
      (ended) => finish(channel, ended),
      // no process could be started: the machine has no power
      () => channel.close(),
    )
  })
  return {
    signal: (name) => {
      if (account.uid !== 0) signal(name)
    },
  }
}

function finish(channel: ServerChannel, ended: { code: number | null; signal: SignalName | null }): void {
  if (ended.signal === null) channel.exit(ended.code ?? 0)
  else channel.exit(ended.signal, false, '')
  channel.end()
}

function whenReadIn(machine: Machine, channel: ServerChannel, start: (stdin: Buffer) => void): void {
  const chunks: Buffer[] = []
  let started = false
  const begin = (): void => {
    if (started) return
    started = true
    cancel()
    start(Buffer.concat(chunks))
    channel.resume()
  }
  let cancel = machine.clock.after(stdinSilenceMs, begin)
  channel.on('data', (chunk: Buffer) => {
    if (started) return
    chunks.push(chunk)
    cancel()
    cancel = machine.clock.after(stdinSilenceMs, begin)
  })
  channel.on('end', begin)
  channel.on('close', begin)
}
