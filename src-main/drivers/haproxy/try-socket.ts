import { AppError } from '../../app/app-error.ts'
import type { NodeFacts } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { socketLevels, type SocketLevel } from '../../domain/haproxy/config-sockets.ts'
import { parseInfo } from '../../domain/haproxy/parse-info.ts'
import { orUnexpected } from './or-unexpected.ts'
import { runScript } from '../linux/run.ts'
import type { RuntimeSockets, RuntimeTarget } from './runtime-socket.ts'

export interface ReachedSocket {
  target: RuntimeTarget
  level: SocketLevel
  version: string
  pid: number
}

/** `missing` also stands for a folder this account may not look into. */
export type WhyNot = { kind: 'missing' | 'not-permitted' | 'silent'; message: string }
export type SocketOutcome = { reached: ReachedSocket; why: null } | { reached: null; why: WhyNot }

export const levelRank = (level: SocketLevel): number => socketLevels.indexOf(level)

/** A probe must not spend its whole time on one socket that hangs. */
const maxWaitMs = 3000

/** `r`: exists and is a socket, `w`: this account may write to it; a refused connection says neither. */
const accessScript = 'if [ -S "$1" ]; then printf r; fi; if [ -w "$1" ]; then printf w; fi'

/** Tries the socket as the account itself, then with sudo where that is to be had. */
export async function trySocket(
  sockets: RuntimeSockets,
  session: NodeSession,
  facts: NodeFacts,
  address: { path: string; prefix: string },
  limits: CallLimits,
): Promise<SocketOutcome> {
  const bounded = { ...limits, timeoutMs: Math.min(limits.timeoutMs, maxWaitMs) }
  let failure = ''
  for (const privileged of facts.sudo === 'available' ? [false, true] : [false]) {
    try {
      return { reached: await reach(sockets, session, { ...address, privileged }, bounded), why: null }
    } catch (thrown) {
      if (!(thrown instanceof AppError) || limits.signal.aborted || thrown.code === 'ssh.connection-lost') throw thrown
      failure = thrown.message
    }
  }
  const access = await runScript(session, accessScript, [address.path], { ...limits, maxBytes: 1024 })
  const seen = access.stdout.toString('utf8')
  const kind = seen === '' ? 'missing' : seen === 'r' ? 'not-permitted' : 'silent'
  return { reached: null, why: { kind, message: failure } }
}

async function reach(
  sockets: RuntimeSockets,
  session: NodeSession,
  target: RuntimeTarget,
  limits: CallLimits,
): Promise<ReachedSocket> {
  const reply = await sockets.ask(session, target, ['show cli level', 'show info'], limits)
  const [first = '', ...rest] = reply.split('\n')
  const level = socketLevels.find((one) => one === first)
  if (level === undefined) {
    throw new AppError(
      'daemon.unexpected-reply',
      `${target.path} does not answer like HAProxy: ${JSON.stringify(reply.slice(0, 120))}.`,
    )
  }
  const { version, pid } = orUnexpected(session, () => parseInfo(rest.join('\n')))
  return { target, level, version, pid }
}
