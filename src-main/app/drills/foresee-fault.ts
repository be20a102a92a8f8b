/** What a fault would do to a virtual router, from what its members say now. Reads the nodes and changes nothing. */
import type { DrillPrediction, FaultKind, NodeId, RouterId, RouterView } from '#contract'
import { effectOf } from '../../domain/drill/effects.ts'
import { lostWith } from '../../domain/drill/lost-with.ts'
import { predict, type VrrpMember } from '../../domain/drill/prediction.ts'
import { membersOf } from '../../domain/drill/vrrp-members.ts'
import { parseTree } from '../../domain/keepalived/config-tree.ts'
import { viewOf, type KeepalivedFile } from '../../domain/keepalived/config-view.ts'
import { AppError } from '../app-error.ts'
import type { FleetService } from '../fleet-service.ts'
import type { ServicesOf } from '../pushes/parties.ts'

export interface ForeseeParts {
  fleet: Pick<FleetService, 'snapshot'>
  servicesOf: ServicesOf
}

export interface Foreseen {
  router: RouterView
  members: VrrpMember[]
}

const readMs = 20_000

/** @throws AppError `request.not-found` */
export function routerOf({ fleet }: Pick<ForeseeParts, 'fleet'>, id: RouterId): RouterView {
  const router = fleet.snapshot().routers.find((each) => each.id === id)
  if (router !== undefined) return router
  const known = fleet.snapshot().routers.map((each) => each.id)
  throw new AppError(
    'request.not-found',
    `There is no virtual router ${id}${known.length === 0 ? '; none was read yet' : `; there are ${known.join(', ')}`}.`,
  )
}

/** The members with what only their files say. Throws `node.*`, `ssh.*` where one cannot be read. */
export async function readMembers(parts: ForeseeParts, id: RouterId, signal: AbortSignal): Promise<Foreseen> {
  const router = routerOf(parts, id)
  const files = await Promise.all(
    router.members.map(async ({ nodeId }) => [nodeId, await keepalivedFiles(parts, nodeId, signal)] as const),
  )
  return { router, members: membersOf(router, new Map(files)) }
}

async function keepalivedFiles({ servicesOf }: ForeseeParts, nodeId: NodeId, signal: AbortSignal): Promise<KeepalivedFile[]> {
  const { session, services } = await servicesOf(nodeId, signal)
  const keepalived = services.find(({ kind }) => kind === 'keepalived')
  if (keepalived === undefined) return []
  const files = await keepalived.readConfig(session, { signal, timeoutMs: readMs })
  return files.flatMap(({ path, bytes }) => (bytes === null ? [] : [viewOf(path, parseTree(bytes.toString('utf8')))]))
}

/** Whoever holds the address gets the fault, unless somebody else is named. */
export const faultedNode = ({ holders }: RouterView, named: NodeId | undefined): NodeId | null => named ?? holders[0] ?? null

/** The other members that the fault takes with it. */
export const goneWith = (
  { fleet }: Pick<ForeseeParts, 'fleet'>,
  { members }: RouterView,
  node: NodeId,
  fault: FaultKind,
): NodeId[] =>
  lostWith(
    fault,
    node,
    members.map(({ nodeId }) => nodeId),
    fleet.snapshot().nodes,
  )

export function foreseeFault(
  { fleet }: Pick<ForeseeParts, 'fleet'>,
  { router, members }: Foreseen,
  node: NodeId,
  fault: FaultKind,
  probeEveryMs: number,
): DrillPrediction {
  const owner = members.find(({ nodeId }) => nodeId === node)
  if (owner === undefined) {
    throw new AppError(
      'request.invalid',
      `${node} is not a member of ${router.id}; ${members.map(({ nodeId }) => nodeId).join(', ')} are.`,
    )
  }
  const gone = goneWith({ fleet }, router, node, fault)
  return predict({ router: router.id, members, node, gone, fault, effect: effectOf(fault, owner), probeEveryMs })
}
