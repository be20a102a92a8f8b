import type { DrainRecord, ServerView } from '#contract'
import { isDrained, isInMaintenance } from '../haproxy/server-state.ts'

/** Why the servers of a drain that was put back are not in service yet, as a sentence; null when they are. */
export function unwellOf({ places }: DrainRecord, servers: readonly ServerView[]): string | null {
  for (const { serverId, nodeId, pool, server, phase, before } of places) {
    // What took no traffic before is not waited for.
    if (phase !== 'restored' || before === null || isInMaintenance(before.adminState) || isDrained(before.adminState)) continue
    const cell = servers.find(({ id }) => id === serverId)?.on.find((each) => each.nodeId === nodeId)
    if (cell?.state !== 'up' && cell?.state !== 'unchecked') {
      return `${pool}/${server} on ${nodeId} is ${cell?.state ?? 'gone'} and not in service yet.`
    }
  }
  return null
}
