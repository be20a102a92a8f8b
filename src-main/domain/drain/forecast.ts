import type {
  DrainForecast,
  DrainRecord,
  DrainShare,
  NodeId,
  PoolView,
  ServerId,
  ServerOnBalancer,
  ServerView,
} from '#contract'
import { algorithmOf } from '../balance/algorithm-of.ts'
import { sharesOf, survivorsOf, type LiveServer } from '../balance/predict.ts'
import { takesTraffic } from '../fleet/state.ts'
import { quietS } from '../haproxy/server-state.ts'
import type { PlaceReading } from './place-reading.ts'

/**
 * How long until the last session ends. In a steady stream the time that a session still has is distributed like the age that it has
 * already (renewal theory), so the oldest age is the best guess at the longest rest. Null when sessions could not be listed.
 */
export function emptyInMs(places: readonly PlaceReading[]): number | null {
  let longest = 0
  for (const { sessions, oldSessions, clients, lastRequestS, stickyBy } of places) {
    if (oldSessions === null || (clients === null && sessions + oldSessions > 0)) return null
    const quietMs = lastRequestS === null || stickyBy.length === 0 ? 0 : Math.max(0, quietS - lastRequestS) * 1000
    longest = Math.max(longest, quietMs, ...(clients ?? []).map(({ ageMs }) => ageMs))
  }
  return longest
}

/** How new work is shared on each balancer, now and without the servers that leave, as the pool's algorithm shares it. */
export function forecastShares(
  pool: PoolView,
  siblings: readonly ServerView[],
  leaving: readonly { serverId: ServerId; nodeId: NodeId }[],
): DrainShare[] {
  // An algorithm that is not modelled is taken to go by the weights alone.
  const algorithm = algorithmOf(pool.kind, pool.algorithm) ?? { kind: 'haproxy-roundrobin' }
  return [...new Set(leaving.map(({ nodeId }) => nodeId))].flatMap((nodeId) => {
    const gone = new Set<string>(leaving.filter((place) => place.nodeId === nodeId).map(({ serverId }) => serverId))
    const cells = siblings.flatMap((server) => {
      const cell = server.on.find((each) => each.nodeId === nodeId)
      return cell === undefined ? [] : [{ server, cell }]
    })
    const now = liveServers(cells, new Set())
    const then = liveServers(cells, gone)
    const survivors = new Map(survivorsOf(algorithm, now, gone).map((survivor) => [survivor.id, survivor]))
    const inFlight = sum(now.map(({ active }) => active))
    const [before, after] = [sharesOf(algorithm, now, inFlight), sharesOf(algorithm, then, inFlight)]
    const ratesKnown = cells.every(({ cell }) => cell.rate !== null)
    return cells.map(({ server: { id, name }, cell }): DrainShare => {
      const survivor = survivors.get(id)
      return {
        pool: pool.id,
        nodeId,
        server: name,
        before: before.get(id) ?? 0,
        after: after.get(id) ?? 0,
        rateBefore: cell.rate,
        rateAfter: ratesKnown ? (survivor?.ratePerS ?? 0) : null,
        sessionsBefore: cell.sessions,
        sessionsAfter: ratesKnown ? (survivor?.active ?? 0) : null,
        sessionLimit: cell.sessionLimit,
      }
    })
  })
}

/** As the algorithm sees them. Backups take new work only when no other server does. */
function liveServers(
  cells: readonly { server: ServerView; cell: ServerOnBalancer }[],
  gone: ReadonlySet<string>,
): LiveServer[] {
  const takes = ({ server, cell }: (typeof cells)[number]): boolean => takesTraffic(cell.state) && !gone.has(server.id)
  const active = cells.some((each) => takes(each) && !each.cell.backup)
  return cells.map((each) => {
    const { server, cell } = each
    const weight = cell.weight ?? 1
    const inUse = takes(each) && !(active && cell.backup)
    return {
      id: server.id,
      weight: inUse ? weight : 0,
      ...(inUse ? {} : { keptWeight: weight }),
      ratePerS: cell.rate ?? 0,
      active: cell.sessions ?? 0,
      maxActive: cell.sessionLimit,
    }
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
    return { ...share, after: all === 0 ? 0 : (rate ?? 0) / all, rateAfter: rate, sessionsAfter: cell?.sessions ?? null }
  })
}

/** `12 s; 9 s were foretold` */
export function timeErrorText(forecast: DrainForecast, outcome: DrainForecast): string {
  const seconds = (ms: number | null): string => `${Math.round((ms ?? 0) / 1000)} s`
  return seconds(outcome.emptyInMs) + (forecast.emptyInMs === null ? '' : `; ${seconds(forecast.emptyInMs)} were foretold`)
}

/** As a sentence after another; empty where nothing was measured. */
export function shareErrorText({ forecast, outcome }: Pick<DrainRecord, 'forecast' | 'outcome'>): string {
  const error = shareErrorOf(forecast.shares, outcome?.shares ?? [])
  return error === null ? '' : ` The shares of new work were foretold to within ${Math.round(error * 100)} %.`
}

/** By how much the shares were foretold wrongly at most, 0 to 1; null where there was no traffic to share. */
function shareErrorOf(foretold: readonly DrainShare[], observed: readonly DrainShare[]): number | null {
  const withTraffic = new Set(observed.flatMap(({ pool, nodeId, after }) => (after > 0 ? [`${pool} ${nodeId}`] : [])))
  const errors = foretold.flatMap(({ pool, nodeId, server, after }) => {
    const found = observed.find((each) => each.pool === pool && each.nodeId === nodeId && each.server === server)
    return found === undefined || !withTraffic.has(`${pool} ${nodeId}`) ? [] : [Math.abs(found.after - after)]
  })
  return errors.length === 0 ? null : Math.max(...errors)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
