import type { DrainFloor, DrainPlan, NodeId, PoolId, ServerId, ServerView } from '#contract'
import { takesTraffic } from '../fleet/state.ts'

type FloorCheck = DrainPlan['floor'][number]

/** One pool of which servers would leave, with everything that leaves or has left it by another drain. */
export interface LeavingPool {
  /** counted from 1 */
  wave: number
  id: PoolId
  siblings: readonly ServerView[]
  /** on which balancer which servers would go */
  leaving: readonly { serverId: ServerId; nodeId: NodeId }[]
  /** held out by drains that are in force, whatever was last read of them */
  heldOut: readonly { serverId: ServerId; nodeId: NodeId }[]
}

/** On each balancer that loses a server: what would be left to take new work there, and whether that is enough. */
export function checkFloor(floor: DrainFloor, { wave, id, siblings, leaving, heldOut }: LeavingPool): FloorCheck[] {
  return [...new Set(leaving.map(({ nodeId }) => nodeId))].map((nodeId) => {
    const members = siblings.filter((server) => server.on.some((cell) => cell.nodeId === nodeId))
    const out = new Set(heldOut.filter((place) => place.nodeId === nodeId).map(({ serverId }) => serverId))
    const healthy = members.filter((server) => isUsable(server, nodeId) && !out.has(server.id))
    const gone = new Set(leaving.filter((place) => place.nodeId === nodeId).map(({ serverId }) => serverId))
    const remaining = healthy.filter((server) => !gone.has(server.id)).length
    const needed = floor.unit === 'servers' ? floor.atLeast : Math.ceil((members.length * floor.atLeast) / 100)
    // What takes no traffic can leave without making anything worse.
    const holds = remaining >= needed || remaining === healthy.length
    return { wave, pool: id, nodeId, healthy: healthy.length, remaining, total: members.length, needed, holds }
  })
}

/** `pool edge/haproxy/be_web on lb1: 1 of 3 would remain, 2 must` */
export function floorText({ pool, nodeId, remaining, total, healthy, needed }: FloorCheck): string {
  return `${pool} on ${nodeId}: of ${total} servers ${healthy} take traffic now, ${remaining} would remain, and ${needed} must`
}

function isUsable(server: ServerView, nodeId: NodeId): boolean {
  return server.on.some((cell) => cell.nodeId === nodeId && takesTraffic(cell.state) && cell.weight !== 0)
}
