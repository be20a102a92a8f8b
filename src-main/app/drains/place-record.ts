import type { DrainBefore, DrainLeft, NodeId, ServerId } from '#contract'
import type { PlaceReading } from '../../domain/drain/place-reading.ts'
import { targetKey } from '../operations/server-targets.ts'

export function beforeOf(reading: PlaceReading): DrainBefore {
  const { pool, server, adminState, weight, configuredWeight, address, lines } = reading
  return { pool, server, adminState, weight, configuredWeight, address, ...(lines === undefined ? {} : { lines }) }
}

/** `since`: how many sessions it had been given by this worker when it was set; null = it was not set while this worker ran. */
export function leftOf(reading: PlaceReading, at: number, since: number | null): DrainLeft {
  const { sessions, oldSessions, queue, idle, lastRequestS, totalSessions, clients } = reading
  const stuck = since === null || totalSessions === null ? null : Math.max(0, totalSessions - since)
  return { at, sessions, oldSessions, queue, idle, lastRequestS, stuck, clients }
}

/** `node/server` of a place, as jobs name their steps. */
export const placeKey = (place: { nodeId: NodeId; serverId: ServerId }): string => targetKey(place)
