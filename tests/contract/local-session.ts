import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { Readable, type Duplex } from 'node:stream'
import * as v from 'valibot'
import { NodeId } from '#contract'
import { AppError } from '../../src-main/app/app-error.ts'
import { replaceFile } from '../../src-main/transport/ssh/replace-file.ts'
import type { CallLimits, ExecOptions, ExecResult, NodeSession } from '../../src-main/app/ports/node-session.ts'

/** Everything that reached a shell or a socket, for the tests that say what must not. */
export interface Sent {
  execs: string[][]
  opened: string[]
}

/** This machine as a node: what `transport` does over SSH, with child processes and unix sockets. For tests only. */
export function createLocalSession(
  options: { id?: string; env?: NodeJS.ProcessEnv; open?: (path: string) => Promise<Duplex> } = {},
): NodeSession & { sent: Sent } {
  const sent: Sent = { execs: [], opened: [] }
  return {
    nodeId: v.parse(NodeId, options.id ?? 'local'),
    sent,
    exec(argv, limits) {
      sent.execs.push([...argv])
      return execLocally(argv, limits, options.env ?? process.env)
    },
    async openSocket(path, limits) {
      sent.opened.push(path)
      return options.open === undefined ? openUnixSocket(path, limits) : options.open(path)
    },
    async openTcp(host, port, { signal }) {
      const socket = connect({ host, port, signal })
      await once(socket, 'connect').catch((cause: unknown) => {
        throw new AppError('exec.failed', `Nobody listens on ${host}:${port}.`, { cause })
      })
      return socket
    },
    async readFile(path, { maxBytes }) {
      const bytes = await readFile(path).catch((cause: unknown) => {
        throw new AppError('exec.not-found', `${path} could not be read on this machine.`, { cause })
      })
      if (bytes.length > maxBytes) throw new AppError('exec.output-truncated', `${path} is longer than ${maxBytes} bytes.`)
      return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
    },
    replaceFile(path, bytes, how) {
      const exec: NodeSession['exec'] = (argv, limits) => execLocally(argv, limits, options.env ?? process.env)
      return replaceFile({ exec, user: 'root', where: 'this machine' }, path, bytes, how)
    },
    traffic: () => ({ received: 0, sent: 0 }),
  }
}

async function execLocally(argv: readonly string[], limits: ExecOptions, env: NodeJS.ProcessEnv): Promise<ExecResult> {
  const [command = '', ...args] = argv
  const child = spawn(command, args, { env, stdio: 'pipe', timeout: limits.timeoutMs, signal: limits.signal })
  const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  child.stdout.on('data', limits.onOutput ?? ((chunk: Buffer) => output.stdout.push(chunk)))
  child.stderr.on('data', (chunk: Buffer) => output.stderr.push(chunk))
  child.stdin.on('error', () => undefined)
  if (limits.stdin instanceof Readable) limits.stdin.pipe(child.stdin)
  else child.stdin.end(limits.stdin)
  const [code, signal] = (await once(child, 'close').catch((cause: unknown) => {
    throw new AppError('exec.not-found', `${command} could not be run on this machine.`, { cause })
  })) as [number | null, NodeJS.Signals | null]
  const stdout = Buffer.concat(output.stdout)
  return {
    code,
    signal: signal?.replace(/^SIG/, '') ?? null,
    stdout: stdout.subarray(0, limits.maxBytes),
    stderr: Buffer.concat(output.stderr).toString('utf8'),
    truncated: stdout.length > limits.maxBytes,
  }
}

async function openUnixSocket(path: string, { signal }: CallLimits): Promise<Duplex> {
  const socket = connect({ path, allowHalfOpen: true })
  try {
    await once(socket, 'connect', { signal })
  } catch (cause) {
    socket.destroy()
    signal.throwIfAborted()
    throw new AppError('ssh.channel-refused', `The socket ${path} could not be opened on this machine.`, { cause })
  }
  return socket
}

export const within = (timeoutMs: number): CallLimits => ({ signal: new AbortController().signal, timeoutMs })
