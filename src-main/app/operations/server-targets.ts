import * as v from 'valibot'
import { NodeId, ServerId, type AdminState } from '#contract'
import { AppError } from '../app-error.ts'
import type { ServerAdmin, ServerPreImage } from '../ports/driver.ts'
import type { NodeSession } from '../ports/node-session.ts'

/** One server on one balancer, in the balancer's own names. */
export const ServerTarget = v.strictObject({
  serverId: ServerId,
  nodeId: NodeId,
  pool: v.string(),
  server: v.string(),
})
export type ServerTarget = v.InferOutput<typeof ServerTarget>

/** The journaled form of `ServerPreImage`. */
export const PreImage: v.GenericSchema<unknown, ServerPreImage> = v.strictObject({
  pool: v.string(),
  server: v.string(),
  adminState: v.number(),
  weight: v.number(),
  configuredWeight: v.number(),
  address: v.string(),
})

export interface NodeAdmin {
  session: NodeSession
  admin: ServerAdmin
}

/**
 * How to change servers on a node.
 * @throws AppError `ssh.*` when it cannot be reached, `daemon.runtime-rejected` when its HAProxy offers no such way
 */
export type AdminOf = (nodeId: NodeId, signal: AbortSignal) => Promise<NodeAdmin>

/** for one read or write over the runtime socket */
export const adminTimeoutMs = 10_000

export function targetKey({ nodeId, serverId }: ServerTarget): string {
  return `${nodeId}/${serverId}`
}

/** @throws AppError `request.not-found` when the balancer no longer has the server */
export async function readServer(
  { session, admin }: NodeAdmin,
  { nodeId, pool, server }: ServerTarget,
  limits: Parameters<ServerAdmin['read']>[3],
): Promise<ServerPreImage> {
  const read = await admin.read(session, pool, server, limits)
  if (read !== null) return read
  throw new AppError('request.not-found', `HAProxy on ${nodeId} has no server "${pool}/${server}" any more.`, {
    details: { node: nodeId, pool, server },
  })
}

const verbs = { drain: 'Drain', maint: 'Put into maintenance', ready: 'Put back' } as const

/** `Drain be_app/w1 on lb1, lb2` */
export function operationTitle(what: AdminState | string, targets: readonly ServerTarget[]): string {
  const verb = what === 'drain' || what === 'maint' || what === 'ready' ? verbs[what] : what
  const servers = [...new Set(targets.map(({ pool, server }) => `${pool}/${server}`))]
  const nodes = [...new Set(targets.map(({ nodeId }) => nodeId))]
  const shown = servers.length > 3 ? `${servers.slice(0, 3).join(', ')} and ${servers.length - 3} more` : servers.join(', ')
  return `${verb} ${shown} on ${nodes.join(', ')}`
}
