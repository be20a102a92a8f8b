import type { DrainBefore, DrainFloor, DrainLeft, DrainPlan, NodeId, PoolId, PoolView, ServerId, ServerView } from '#contract'
import { checkFloor } from '../../domain/drain/floor.ts'
import { emptyInMs, forecastShares } from '../../domain/drain/forecast.ts'
import type { PlaceReading } from '../../domain/drain/place-reading.ts'
import { isDrained, isInMaintenance } from '../../domain/haproxy/server-state.ts'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { FleetService } from '../fleet-service.ts'
import type { InventoryService } from '../inventory-service.ts'
import {
  adminTimeoutMs,
  balancerName,
  balancerOf,
  notChangeable,
  operationTitle,
  refusesPlan,
  targetKey,
  type AdminOf,
  type ServerTarget,
} from '../operations/server-targets.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrainBook } from './drain-book.ts'

export interface DrainWish {
  targets: readonly string[]
  nodes?: readonly NodeId[] | undefined
  floor: DrainFloor
}

export interface PlannedDrain {
  plan: DrainPlan
  /** every place, those on balancers that cannot be asked included */
  places: { target: ServerTarget; reading: PlaceReading | null }[]
}

interface Found {
  server: ServerView
  pool: PoolView
}

type Warning = DrainPlan['warnings'][number]

/** Reads every server concerned and says what a drain would do and what would come of it. Changes nothing. */
export function createDrainPlanner(parts: {
  fleet: FleetService
  inventory: InventoryService
  adminOf: AdminOf
  book: DrainBook
  clock: Clock
}): (wish: DrainWish, signal: AbortSignal) => Promise<PlannedDrain> {
  const { fleet, inventory, adminOf, book, clock } = parts

  return async (wish, signal) => {
    const { servers, pools, nodes } = fleet.snapshot()
    const poolOf = new Map(pools.map((pool) => [pool.id, pool]))
    const found = resolve(wish, servers, poolOf)
    const unread = nodes.filter(({ services }) => !services.some((service) => service.readAt !== null)).map(({ id }) => id)
    const targets = found.flatMap((each) => targetsOf(each, unread, wish.nodes))
    const places = await readAll(targets, signal)
    const silent = places.filter(({ reading }) => reading === 'unreachable').map(({ target }) => target.nodeId)
    // A node that was never read may have the address as well: nobody can say.
    const byAddress = wish.targets.some((target) => !servers.some(({ id }) => id === target))
    const unknown = byAddress ? unread.filter((id) => wish.nodes?.includes(id) ?? true) : []
    const readable = places.flatMap(({ target, via, reading, lines }) =>
      reading === 'unreachable' ? [] : [{ target, via, reading, lines }],
    )
    const leaving = targets.map(({ serverId, nodeId }) => ({ serverId, nodeId }))
    const heldOut = book.open().flatMap((drain) => (drain.goal === 'back' ? [] : drain.places))
    const poolsLosing = [...new Set(found.map(({ pool }) => pool))]
    const membersOf = (id: PoolId): ServerView[] => servers.filter(({ poolId }) => poolId === id)
    const ofPool = (id: PoolId) => leaving.filter(({ serverId }) => membersOf(id).some((server) => server.id === serverId))
    return {
      places: places.map(({ target, reading }) => ({ target, reading: reading === 'unreachable' ? null : reading })),
      plan: {
        title: operationTitle('drain', targets),
        places: readable.map(({ target, via, reading, lines }) => ({
          ...target,
          via,
          commands: isInMaintenance(reading.adminState) ? [] : lines.commands,
          undoCommands: lines.undoCommands,
          before: beforeOf(reading),
          left: leftOf(reading, clock.now(), null),
        })),
        unreachable: [...new Set([...silent, ...unknown])],
        floor: poolsLosing.flatMap(({ id }) =>
          checkFloor(wish.floor, { id, siblings: membersOf(id), leaving: ofPool(id), heldOut }),
        ),
        forecast: {
          emptyInMs: silent.length > 0 ? null : emptyInMs(readable.map(({ reading }) => reading)),
          shares: poolsLosing.flatMap((pool) => forecastShares(pool, membersOf(pool.id), ofPool(pool.id))),
        },
        warnings: readable.flatMap(({ target, reading }) => warningsOf(target, reading)),
      },
    }
  }

  /** A member of the pair that was never read has the pool too, as far as anybody knows. */
  function targetsOf({ server, pool }: Found, unread: readonly NodeId[], only: readonly NodeId[] | undefined): ServerTarget[] {
    const pair = inventory.current().pairs.find(({ id }) => id === pool.pair)
    const on = new Set([...server.on.map(({ nodeId }) => nodeId), ...(pair?.nodes ?? []).filter((id) => unread.includes(id))])
    const chosen = [...on].filter((nodeId) => only?.includes(nodeId) ?? true)
    if (chosen.length === 0) {
      throw new AppError(
        'request.not-found',
        `${pool.name}/${server.name} is on ${[...on].join(', ')}, not on ${only?.join(', ') ?? ''}.`,
      )
    }
    return chosen.map((nodeId) => ({
      serverId: server.id,
      nodeId,
      balancer: balancerOf(pool),
      pool: pool.name,
      server: server.name,
    }))
  }

  /** Nodes side by side, on one node one after the other: a runtime socket answers few at a time. */
  async function readAll(targets: readonly ServerTarget[], signal: AbortSignal) {
    const lanes = new Map<NodeId, Promise<unknown>>()
    return Promise.all(
      targets.map((target) => {
        const reading = (lanes.get(target.nodeId) ?? Promise.resolve()).then(() => readOne(target, signal))
        lanes.set(
          target.nodeId,
          reading.catch(() => undefined), // reported by the target itself; the lane goes on
        )
        return reading
      }),
    )
  }

  async function readOne(target: ServerTarget, signal: AbortSignal) {
    const { nodeId, pool, server } = target
    const none = { commands: [] as string[], undoCommands: [] as string[] }
    try {
      const { session, admin } = await adminOf(target, signal)
      await admin.check?.(session, { signal, timeoutMs: adminTimeoutMs })
      const reading = await admin.watch.left(session, pool, server, { signal, timeoutMs: adminTimeoutMs })
      if (reading === null) {
        throw new AppError(
          'request.not-found',
          `${balancerName(target.balancer)} on ${nodeId} has no server "${pool}/${server}" any more.`,
        )
      }
      const lines = {
        commands: admin.commandsFor(beforeOf(reading), 'drain'),
        undoCommands: admin.undoCommandsFor(beforeOf(reading)),
      }
      return { target, via: admin.via, reading, lines }
    } catch (thrown) {
      signal.throwIfAborted()
      const error = appErrorFrom(thrown)
      if (refusesPlan(error)) throw error
      return { target, via: '', reading: 'unreachable' as const, lines: none }
    }
  }
}

function resolve(
  { targets, nodes }: DrainWish,
  servers: readonly ServerView[],
  poolOf: ReadonlyMap<PoolId, PoolView>,
): Found[] {
  const found = new Map<ServerId, Found>()
  for (const target of targets) {
    const matching = servers.filter(({ id, address }) => id === target || address === target)
    if (matching.length === 0) {
      throw new AppError('request.not-found', `No balancer that was read has a server "${target}".`)
    }
    // An address may stand on balancers that are not meant, which need not be changeable.
    const meant = matching.filter(({ on }) => nodes === undefined || on.some(({ nodeId }) => nodes.includes(nodeId)))
    for (const server of meant.length > 0 ? meant : matching) {
      const pool = poolOf.get(server.poolId)
      if (pool === undefined) continue
      if (!pool.can.setState) throw notChangeable(pool)
      found.set(server.id, { server, pool })
    }
  }
  return [...found.values()]
}

const reloadText =
  'nginx reloads its configuration for this, now and when it is put back, with everything else that was changed in it. Keep-alive clients may see one reset, and old workers stay until their connections end (worker_shutdown_timeout bounds that). Fewer reloads cost less: drain several servers at once.'

function warningsOf(target: ServerTarget, reading: PlaceReading): Warning[] {
  const { pool, server, nodeId } = target
  const subject = `${pool}/${server}`
  const warn = (rule: Warning['rule'], text: string): Warning => ({
    rule,
    subject,
    nodeId,
    text: `${subject} on ${nodeId}: ${text}`,
  })
  const found: Warning[] = []
  if (target.balancer !== 'haproxy') found.push(warn('needs-reload', reloadText))
  if (reading.agentCheck) found.push(warn('agent-check', 'its agent-check may undo the drain; the agent has the last word.'))
  if (reading.weight === 0) found.push(warn('weight-zero', 'its weight is 0 already; it will be 0 again when it is put back.'))
  if (isInMaintenance(reading.adminState)) found.push(warn('already-out', 'it is in maintenance already, and is left so.'))
  else if (isDrained(reading.adminState))
    found.push(warn('already-draining', 'it is being drained already, and will be afterwards.'))
  if (reading.oldSessions === null) {
    found.push(
      warn('old-workers-uncounted', 'what is on it cannot be counted on every worker, so it can never be proved empty.'),
    )
  }
  return found
}

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
