/*
 * The pool: one connection per node, opened when it is first asked for, at most `maxParallelDials` handshakes at once (a fleet that comes
 * back together would otherwise run into sshd's MaxStartups on its jump host).
 */
import type { NodeId } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { Log } from '../../app/ports/log.ts'
import type { ConnectionStatus, NodeSessions } from '../../app/ports/node-session.ts'
import type { HostKeyPolicy, SshTargets } from '../../app/ports/ssh.ts'
import { dialChain } from './chain.ts'
import { type Dialled, NodeLink } from './node-link.ts'
import { resolveTarget } from './resolve-target.ts'
import { Slots } from './slots.ts'
import { openSession } from './ssh-session.ts'
import { readTextIfPresent } from './text-file.ts'

export interface NodeSessionsParts {
  targets: SshTargets
  hostKeys: HostKeyPolicy
  clock: Clock
  log: Log
  /** the home of the account this console runs as */
  home: string
  env: NodeJS.ProcessEnv
  maxParallelDials?: number
  /** in [0, 1); for the jitter of back-off */
  random?: () => number
  /** a dead connection is noticed after intervalMs × (countMax + 1) */
  keepalive?: { intervalMs: number; countMax: number }
}

/** The first command of a connection may wait for a slow login shell; the caller's own limit ends it earlier. */
const firstCommandMs = 30_000

export function createNodeSessions(parts: NodeSessionsParts): NodeSessions {
  const { targets, log, clock } = parts
  const dials = new Slots(parts.maxParallelDials ?? 8)
  const keepalive = parts.keepalive ?? { intervalMs: 5_000, countMax: 2 }
  const links = new Map<NodeId, NodeLink>()
  const listeners = new Set<(nodeId: NodeId, status: ConnectionStatus) => void>()
  let closed = false

  const idle = (): ConnectionStatus => ({
    state: 'idle',
    since: clock.now(),
    error: null,
    attempts: 0,
    retryAt: null,
    roundTripMs: null,
  })

  const tell = (nodeId: NodeId, status: ConnectionStatus): void => {
    for (const listener of listeners) {
      try {
        listener(nodeId, status)
      } catch (error) {
        // one listener's defect must not break the connection or the other listeners
        log.error('a connection status listener failed', { nodeId, error: String(error) })
      }
    }
  }

  const dial = async (nodeId: NodeId, signal: AbortSignal, onPhase: (phase: string) => void): Promise<Dialled> => {
    const target = targets.target(nodeId)
    if (target === null) throw new AppError('node.not-found', `There is no node ${nodeId} in the inventory.`)
    const release = await dials.acquire(signal)
    try {
      const { hops, notes } = await resolveTarget(target, { home: parts.home, env: parts.env, readFile: readTextIfPresent })
      for (const note of notes) log.warn(note, { nodeId })
      const secrets = {
        password: () => targets.secret(nodeId, 'password'),
        passphrase: () => targets.secret(nodeId, 'passphrase'),
      }
      const chain = await dialChain(hops, { hostKeys: parts.hostKeys, secrets, home: parts.home, keepalive, onPhase }, signal)
      try {
        onPhase('first command')
        const limits = { signal, timeoutMs: firstCommandMs }
        return { chain, session: await openSession(nodeId, chain, { mayUseSudo: target.sudo !== false }, limits) }
      } catch (error) {
        chain.close()
        throw error
      }
    } finally {
      release()
    }
  }

  const linkTo = (nodeId: NodeId): NodeLink => {
    const known = links.get(nodeId)
    if (known !== undefined) return known
    const link = new NodeLink({
      nodeId,
      clock,
      random: parts.random ?? Math.random,
      dial: (signal, onPhase) => dial(nodeId, signal, onPhase),
      onStatus: (status) => {
        log.debug('ssh connection', {
          nodeId,
          state: status.state,
          attempts: status.attempts,
          error: status.error?.message ?? null,
        })
        tell(nodeId, status)
      },
    })
    links.set(nodeId, link)
    return link
  }

  const drop = async (nodeId: NodeId): Promise<void> => {
    const link = links.get(nodeId)
    if (link === undefined) return
    links.delete(nodeId)
    await link.close()
    tell(nodeId, idle())
  }

  return {
    async session(nodeId, options) {
      if (closed) throw new AppError('request.cancelled', 'This console is shutting down; no new connections are made.')
      if (targets.target(nodeId) === null) {
        throw new AppError('node.not-found', `There is no node ${nodeId} in the inventory.`, { details: { nodeId } })
      }
      return linkTo(nodeId).session(options)
    },
    status: (nodeId) => links.get(nodeId)?.status() ?? idle(),
    onStatus(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    reset: (nodeId) => links.get(nodeId)?.reset(),
    drop,
    async close() {
      closed = true
      await Promise.all([...links.keys()].map(drop))
    },
  }
}
