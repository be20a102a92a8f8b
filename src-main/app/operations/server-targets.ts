import * as v from 'valibot'
import { Balancer, DrainBefore, NodeId, ServerId, type AdminState, type PoolView } from '#contract'
import { AppError } from '../app-error.ts'
import type { ServerAdmin, ServerPreImage } from '../ports/driver.ts'
import type { NodeSession } from '../ports/node-session.ts'

/** One server on one balancer, in the balancer's own names. */
export const ServerTarget = v.strictObject({
  serverId: ServerId,
  nodeId: NodeId,
  balancer: v.optional(Balancer, 'haproxy'),
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
  lines: DrainBefore.entries.lines,
})

export interface NodeAdmin {
  session: NodeSession
  admin: ServerAdmin
}

/**
 * How to change servers on a node.
 * @throws AppError `ssh.*` when it cannot be reached, `daemon.runtime-rejected` when its balancer offers no such way
 */
export type AdminOf = (place: Pick<ServerTarget, 'nodeId' | 'balancer'>, signal: AbortSignal) => Promise<NodeAdmin>

/** for one read or write; nginx's takes a reload */
export const adminTimeoutMs = 15_000

export const balancerOf = ({ kind, mode }: Pick<PoolView, 'kind' | 'mode'>): Balancer =>
  kind === 'nginx' && mode === 'tcp' ? 'nginx-stream' : kind

export const balancerName = (balancer: Balancer): string => (balancer === 'haproxy' ? 'HAProxy' : 'nginx')

/** What went wrong is no matter of reaching the node, so that it would be the same later. */
export const refusesPlan = ({ code }: AppError): boolean =>
  ['request.not-found', 'daemon.runtime-rejected', 'config.check-failed', 'host.internal'].includes(code)

/** Why a pool's servers cannot be changed, and what would change that. */
export function notChangeable({ kind, name }: PoolView): AppError {
  return new AppError(
    'daemon.runtime-rejected',
    kind === 'haproxy'
      ? `HAProxy does not let Evenkeel change ${name}: its stats socket is not of level admin. Add "level admin" to the stats socket line and reload HAProxy.`
      : `Evenkeel may not change ${name}: taking a server out of nginx means writing its configuration as root. Let the account run a shell with sudo (NOPASSWD), or log in as root, and probe the node again.`,
  )
}

export function targetKey({ nodeId, serverId }: Pick<ServerTarget, 'nodeId' | 'serverId'>): string {
  return `${nodeId}/${serverId}`
}

/** @throws AppError `request.not-found` when the balancer no longer has the server */
export async function readServer(
  { session, admin }: NodeAdmin,
  { nodeId, balancer, pool, server }: ServerTarget,
  limits: Parameters<ServerAdmin['read']>[3],
): Promise<ServerPreImage> {
  const read = await admin.read(session, pool, server, limits)
  if (read !== null) return read
  throw new AppError(
    'request.not-found',
    `${balancerName(balancer)} on ${nodeId} has no server "${pool}/${server}" any more.`,
    {
      details: { node: nodeId, pool, server },
    },
  )
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
