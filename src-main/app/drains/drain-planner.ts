import type {
  DrainFloor,
  DrainLeftOut,
  DrainPlan,
  DrainSticky,
  DrainWaves,
  NodeId,
  PoolId,
  PoolView,
  ServerId,
  ServerView,
} from '#contract'
import { checkFloor } from '../../domain/drain/floor.ts'
import { emptyInMs, forecastShares } from '../../domain/drain/forecast.ts'
import type { PlaceReading } from '../../domain/drain/place-reading.ts'
import { wavesOf } from '../../domain/drain/waves.ts'
import { isInMaintenance } from '../../domain/haproxy/server-state.ts'
import { AppError } from '../app-error.ts'
import type { FleetService } from '../fleet-service.ts'
import type { InventoryService } from '../inventory-service.ts'
import {
  balancerName,
  balancerOf,
  notChangeable,
  operationTitle,
  type AdminOf,
  type ServerTarget,
} from '../operations/server-targets.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrainBook } from './drain-book.ts'
import { warningsOf } from './drain-warnings.ts'
import { beforeOf, leftOf } from './place-record.ts'
import { readPlaces, type PlaceTarget } from './read-places.ts'

export interface DrainWish {
  targets: readonly string[]
  nodes?: readonly NodeId[] | undefined
  floor: DrainFloor
  unchangeable: 'refuse' | 'leave-out'
  waves?: DrainWaves | undefined
}

export interface PlannedDrain {
  plan: DrainPlan
  /** every place of the first wave, those on balancers that cannot be asked included */
  places: { target: ServerTarget; reading: PlaceReading | null }[]
}

interface Found {
  server: ServerView
  pool: PoolView
}

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
    const unread = nodes.filter(({ services }) => !services.some((service) => service.readAt !== null)).map(({ id }) => id)
    const waves = wavesOf(wish.targets, wish.waves).map((wave) => resolve({ ...wish, targets: wave }, servers, poolOf))
    assertChecked(wish, waves)
    const targetsIn = (wave: readonly Found[]) => wave.flatMap((each) => targetsOf(each, unread, wish.nodes))
    const [found = []] = waves
    const answers = await readPlaces(adminOf, targetsIn(found), signal)
    const refusal = answers.find(({ refused }) => refused !== null)?.refused ?? null
    const others = answers.filter(({ refused }) => refused === null)
    if (refusal !== null && (wish.unchangeable === 'refuse' || others.length === 0)) throw orLeftOut(refusal, others.length > 0)
    const readable = others.flatMap(({ reading, ...answer }) => (reading === null ? [] : [{ ...answer, reading }]))
    if (wish.waves?.goOn === 'healthy') readable.forEach(assertObservable)
    const silent = others.filter(({ reading }) => reading === null).map(({ target }) => target.place.nodeId)
    // A node that was never read may have the address as well: nobody can say.
    const byAddress = wish.targets.some((target) => !servers.some(({ id }) => id === target))
    const unknown = byAddress ? unread.filter((id) => wish.nodes?.includes(id) ?? true) : []
    const heldOut = book.open().flatMap((drain) => (drain.goal === 'back' ? [] : drain.places))
    const membersOf = (id: PoolId): ServerView[] => servers.filter(({ poolId }) => poolId === id)
    const floorOf = (targets: readonly PlaceTarget[], wave: number) =>
      poolsOf(targets).flatMap(({ id }) =>
        checkFloor(wish.floor, { wave, id, siblings: membersOf(id), leaving: within(id, targets), heldOut }),
      )
    const leaving = others.map(({ target }) => target)
    const leavingIn = (wave: readonly Found[], at: number) => (at === 0 ? leaving : targetsIn(wave))
    return {
      places: others.map(({ target, reading }) => ({ target: target.place, reading })),
      plan: {
        title: operationTitle(
          'drain',
          leaving.map(({ place }) => place),
        ),
        waves: waves.map((wave) => wave.map(({ server }) => server.id)),
        places: readable.map(({ target, via, reading, lines, sticky }) => ({
          ...target.place,
          via,
          commands: isInMaintenance(reading.adminState) ? [] : lines.commands,
          undoCommands: lines.undoCommands,
          before: beforeOf(reading),
          left: leftOf(reading, clock.now(), null),
          sticky,
        })),
        unreachable: [...new Set([...silent, ...unknown])],
        leftOut: answers.flatMap(({ target, refused }) => (refused === null ? [] : [leftOutFrom(target, refused)])),
        floor: waves.flatMap((wave, at) => floorOf(leavingIn(wave, at), at + 1)),
        forecast: {
          emptyInMs: silent.length > 0 ? null : emptyInMs(readable.map(({ reading }) => reading)),
          shares: poolsOf(leaving).flatMap((pool) => forecastShares(pool, membersOf(pool.id), within(pool.id, leaving))),
        },
        warnings: readable.flatMap(({ target, reading }) => warningsOf(target.place, reading)),
      },
    }
  }

  /** A member of the pair that was never read has the pool too, as far as anybody knows. */
  function targetsOf({ server, pool }: Found, unread: readonly NodeId[], only: readonly NodeId[] | undefined): PlaceTarget[] {
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
      place: { serverId: server.id, nodeId, balancer: balancerOf(pool), pool: pool.name, server: server.name },
      pool,
    }))
  }
}

function resolve(
  { targets, nodes, unchangeable }: DrainWish,
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
    const here = meant.length > 0 ? meant : matching
    for (const server of here) {
      const pool = poolOf.get(server.poolId)
      if (pool === undefined) continue
      if (!pool.can.setState && unchangeable === 'refuse') {
        const elsewhere = here.some(({ poolId }) => poolOf.get(poolId)?.can.setState === true)
        throw orLeftOut(notChangeable(pool), elsewhere)
      }
      found.set(server.id, { server, pool })
    }
  }
  return [...found.values()]
}

/** Checks that do not run cannot say that a server is well again. */
function assertChecked({ waves: wanted, nodes }: DrainWish, waves: readonly (readonly Found[])[]): void {
  if (wanted?.goOn !== 'healthy') return
  for (const { server, pool } of waves.flat()) {
    const cells = server.on.filter(({ nodeId, state }) => state !== 'unknown' && (nodes?.includes(nodeId) ?? true))
    const unchecked = cells.find(({ check }) => check === null)
    if (unchecked === undefined) continue
    throw new AppError(
      'daemon.runtime-rejected',
      `${balancerName(balancerOf(pool))} on ${unchecked.nodeId} does not check ${pool.name}/${server.name}, so nobody could see it come back to health. Have the waves go on at your word.`,
    )
  }
}

/** Clients that stick to a server are turned away by maintenance, in which HAProxy checks nothing. */
function assertObservable({
  target: { place },
  reading,
  sticky,
}: {
  target: PlaceTarget
  reading: PlaceReading
  sticky: readonly DrainSticky[] | null
}): void {
  const written = sticky?.find(({ kind, entries }) => kind !== 'hash' && entries !== 0)?.written ?? reading.stickyBy[0]
  if (written === undefined || place.balancer !== 'haproxy') return
  throw new AppError(
    'daemon.runtime-rejected',
    `Clients stick to ${place.pool}/${place.server} on ${place.nodeId} (${written}), so it goes into maintenance to become empty, and HAProxy checks nothing there: nobody could see it come back to health. Have the waves go on at your word.`,
  )
}

/** The refusal, with the way round it. */
function orLeftOut(refusal: AppError, elsewhere: boolean): AppError {
  const way = ' Or drain on the other balancers only, and leave this one out: it is then listed as not done.'
  return new AppError(refusal.code, elsewhere ? `${refusal.message}${way}` : refusal.message, { details: refusal.details })
}

const leftOutFrom = ({ place: { serverId, nodeId, pool, server } }: PlaceTarget, { message }: AppError): DrainLeftOut => ({
  ...{ serverId, nodeId, pool, server },
  why: message,
})

function poolsOf(targets: readonly PlaceTarget[]): PoolView[] {
  return [...new Set(targets.map(({ pool }) => pool))]
}

const within = (id: PoolId, targets: readonly PlaceTarget[]): ServerTarget[] =>
  targets.flatMap(({ place, pool }) => (pool.id === id ? [place] : []))
