import type { DrainSticky, NodeId, PoolView } from '#contract'
import type { PlaceReading } from '../../domain/drain/place-reading.ts'
import { AppError, appErrorFrom } from '../app-error.ts'
import {
  adminTimeoutMs,
  balancerName,
  notChangeable,
  refusesPlan,
  type AdminOf,
  type ServerTarget,
} from '../operations/server-targets.ts'
import { beforeOf } from './place-record.ts'

export interface PlaceTarget {
  place: ServerTarget
  pool: PoolView
}

/** What a balancer says of a server that is to leave. `reading` null and nothing `refused`: it cannot be asked now. */
interface PlaceAnswer {
  target: PlaceTarget
  via: string
  reading: PlaceReading | null
  lines: { commands: string[]; undoCommands: string[] }
  /** null: it could not be read */
  sticky: DrainSticky[] | null
  /** why the server cannot be changed there, now or later */
  refused: AppError | null
}

/**
 * Nodes side by side, on one node one after the other: a runtime socket answers few at a time.
 * @throws AppError `request.not-found` when a balancer has the server no more
 */
export async function readPlaces(
  adminOf: AdminOf,
  targets: readonly PlaceTarget[],
  signal: AbortSignal,
): Promise<PlaceAnswer[]> {
  const lanes = new Map<NodeId, Promise<unknown>>()
  return Promise.all(
    targets.map((target) => {
      const { nodeId } = target.place
      const reading = (lanes.get(nodeId) ?? Promise.resolve()).then(() => readPlace(adminOf, target, signal))
      lanes.set(
        nodeId,
        reading.catch(() => undefined), // reported by the target itself; the lane goes on
      )
      return reading
    }),
  )
}

async function readPlace(adminOf: AdminOf, target: PlaceTarget, signal: AbortSignal): Promise<PlaceAnswer> {
  const { nodeId, balancer, pool, server } = target.place
  const none = { target, via: '', reading: null, lines: { commands: [], undoCommands: [] }, sticky: null, refused: null }
  if (!target.pool.can.setState) return { ...none, refused: notChangeable(target.pool) }
  try {
    const { session, admin } = await adminOf(target.place, signal)
    const limits = { signal, timeoutMs: adminTimeoutMs }
    await admin.check?.(session, limits)
    const reading = await admin.watch.left(session, pool, server, limits)
    if (reading === null) {
      throw new AppError(
        'request.not-found',
        `${balancerName(balancer)} on ${nodeId} has no server "${pool}/${server}" any more.`,
      )
    }
    const before = beforeOf(reading)
    const lines = { commands: admin.commandsFor(before, 'drain'), undoCommands: admin.undoCommandsFor(before) }
    // Files that cannot be read say nothing about whether the server can be drained.
    const sticky = await admin.watch.stickiness(session, pool, server, limits).catch(() => null)
    signal.throwIfAborted()
    return { target, via: admin.via, reading, lines, sticky, refused: null }
  } catch (thrown) {
    signal.throwIfAborted()
    const error = appErrorFrom(thrown)
    if (!refusesPlan(error)) return none
    if (error.code !== 'daemon.runtime-rejected' && error.code !== 'config.check-failed') throw error
    return { ...none, refused: error }
  }
}
