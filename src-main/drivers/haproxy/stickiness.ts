import type { DrainSticky } from '#contract'
import type { ConfigFileReading } from '../../app/ports/driver.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { AppError } from '../../app/app-error.ts'
import { countStuck, stuckCommand } from '../../domain/haproxy/drain-reading.ts'
import { stickinessOf } from '../../domain/haproxy/config/stickiness.ts'
import { parseConfig } from '../../domain/haproxy/config/tree.ts'
import { viewOf } from '../../domain/haproxy/config/view.ts'
import { faultFrom, nameFault, type ServerRef } from '../../domain/haproxy/runtime-command.ts'
import type { RuntimeSockets, RuntimeTarget } from './runtime-socket.ts'

export type ReadFiles = (session: NodeSession, limits: CallLimits) => Promise<ConfigFileReading[]>

interface StickinessParts {
  sockets: RuntimeSockets
  target: RuntimeTarget
  readFiles: ReadFiles
}

/**
 * What leads clients to a server again: by the files, and counted where a stick table holds it. How many hold a cookie nobody knows but they.
 * @param serverId HAProxy's number of the server within its backend
 * @throws AppError as reading the files does
 */
export async function readStickiness(
  { sockets, target, readFiles }: StickinessParts,
  session: NodeSession,
  { pool, server }: ServerRef,
  serverId: number,
  limits: CallLimits,
): Promise<DrainSticky[]> {
  const files = await readFiles(session, limits)
  const unread = files.find(({ error }) => error !== null)?.error
  if (unread) throw unread
  const view = viewOf(files.map(({ path, bytes }) => ({ path, tree: parseConfig(bytes?.toString('utf8') ?? '') })))
  const found = stickinessOf(view, pool, server)
  return Promise.all(found.map(async (one) => (one.kind === 'table' ? { ...one, entries: await entriesOf(one.name) } : one)))

  /** Null: the table cannot be read, or is too large to be. */
  async function entriesOf(table: string): Promise<number | null> {
    if (nameFault(table) !== null) return null
    try {
      const reply = await sockets.ask(session, target, [stuckCommand(table, serverId)], limits)
      return reply.startsWith('#') && faultFrom(reply) === null ? countStuck(reply) : null
    } catch (thrown) {
      if (limits.signal.aborted || !(thrown instanceof AppError) || thrown.code.startsWith('ssh.')) throw thrown
      return null
    }
  }
}
