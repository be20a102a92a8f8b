import type { DrainShare, NodeId, PoolId, ServerId, ServerView } from '#contract'
import { takesTraffic } from '../fleet/state.ts'
import { quietS } from '../haproxy/server-state.ts'
import type { PlaceReading } from './place-reading.ts'

/**
 * How long until the last session ends. In a steady stream the time that a session still has is distributed like the age that it has
 * already (renewal theory), so the oldest age is the best guess at the longest rest. Null when sessions could not be listed.
 */
export function emptyInMs(places: readonly PlaceReading[]): number | null {
  let longest = 0
  for (const { sessions, oldSessions, clients, lastRequestS } of places) {
    if (oldSessions === null || (clients === null && sessions + oldSessions > 0)) return null
    const quietMs = lastRequestS === null ? 0 : Math.max(0, quietS - lastRequestS) * 1000
    longest = Math.max(longest, quietMs, ...(clients ?? []).map(({ ageMs }) => ageMs))
  }
  return longest
}

/** How new work is shared on each balancer, with and without the servers that leave, by weight. */
export function sharesOf(
  pool: PoolId,
  siblings: readonly ServerView[],
  leaving: readonly { serverId: ServerId; nodeId: NodeId }[],
): DrainShare[] {
  return [...new Set(leaving.map(({ nodeId }) => nodeId))].flatMap((nodeId) => {
    const gone = new Set(leaving.filter((place) => place.nodeId === nodeId).map(({ serverId }) => serverId))
    const cells = siblings.flatMap((server) => {
      const cell = server.on.find((each) => each.nodeId === nodeId)
      return cell === undefined ? [] : [{ server, cell }]
    })
    // Backups wait until no other server is left.
    const active = cells.some(({ cell }) => !cell.backup && takesTraffic(cell.state))
    const weightOf = ({ cell }: (typeof cells)[number]): number =>
      takesTraffic(cell.state) && !(active && cell.backup) ? (cell.weight ?? 1) : 0
    const total = sum(cells.map(weightOf))
    const rest = sum(cells.filter(({ server }) => !gone.has(server.id)).map(weightOf))
    const rates = cells.map(({ cell }) => cell.rate)
    const rate = rates.every((each) => each !== null) ? sum(rates) : null
    return cells.map((each): DrainShare => {
      const after = gone.has(each.server.id) || rest === 0 ? 0 : weightOf(each) / rest
      const { sessions, sessionLimit } = each.cell
      return {
        pool,
        nodeId,
        server: each.server.name,
        before: total === 0 ? 0 : weightOf(each) / total,
        after,
        rateBefore: each.cell.rate,
        rateAfter: rate === null ? null : rate * after,
        sessions,
        sessionLimit,
      }
    })
  })
}

/** What the shares that were forecast have really become, by the rates that are read now. */
export function observedShares(forecast: readonly DrainShare[], servers: readonly ServerView[]): DrainShare[] {
  const cellOf = ({ pool, server, nodeId }: DrainShare) =>
    servers.find(({ poolId, name }) => poolId === pool && name === server)?.on.find((cell) => cell.nodeId === nodeId)
  const total = new Map<string, number>()
  for (const share of forecast) {
    const key = `${share.pool} ${share.nodeId}`
    total.set(key, (total.get(key) ?? 0) + (cellOf(share)?.rate ?? 0))
  }
  return forecast.map((share) => {
    const cell = cellOf(share)
    const all = total.get(`${share.pool} ${share.nodeId}`) ?? 0
    const rate = cell?.rate ?? null
    return { ...share, after: all === 0 ? 0 : (rate ?? 0) / all, rateAfter: rate, sessions: cell?.sessions ?? null }
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
