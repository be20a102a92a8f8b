import type { DrainId } from '#contract'
import {
  type DrainPlan,
  type DrainRecord,
  type DrainView,
  type JobId,
  type NodeId,
  type ParsedInputOf,
  type ServerId,
} from '#contract'
import { floorText } from '../../domain/drain/floor.ts'
import { unwellOf } from '../../domain/drain/health.ts'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { FleetService } from '../fleet-service.ts'
import { setStateKind } from '../operations/server-state.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrainBook } from './drain-book.ts'
import type { DrainJobs } from './drain-jobs.ts'
import type { DrainKeeper } from './drain-keeper.ts'
import type { DrainWish, PlannedDrain } from './drain-planner.ts'
import { recordFrom } from './drain-record.ts'
import type { DrainTimers } from './drain-timers.ts'

type StartInput = ParsedInputOf<'drain.start'>

/** What operators ask for. Everything that follows from it is the keeper's. */
export interface DrainService {
  plan(wish: DrainWish, signal: AbortSignal): Promise<DrainPlan>
  /** @throws AppError `drain.floor`, `drain.conflict`, `node.unreachable`, `job.conflict`, and what reading a server throws */
  start(input: StartInput, owner: string, signal: AbortSignal): Promise<DrainView>
  hold(id: DrainId): DrainView
  resume(id: DrainId): DrainView
  finishNow(id: DrainId): Promise<DrainView>
  putBack(id: DrainId): Promise<DrainView>
  /** Puts this wave back; the next one begins when it takes traffic again. */
  goOn(id: DrainId): Promise<DrainView>
  /** No wave follows; what is out stays out. */
  stopHere(id: DrainId): DrainView
  get(id: DrainId): DrainView
  list(query: { open: boolean; limit: number }): DrainView[]
  /** Starts what follows a drain that is back. Answers why that has to wait, or null when it was started. */
  startNext(drain: DrainRecord): Promise<string | null>
  /** Undoing what a drain has set means putting the drain back: answers the job that does it, or null when the job is no drain's. */
  undo(job: JobId): Promise<JobId | null>
  /** @throws AppError `drain.conflict` when one of the servers is kept out by a drain, which would undo the change at once */
  refuseAgainst(servers: readonly ServerId[], nodes: readonly NodeId[] | undefined): void
}

export function createDrainService(parts: {
  book: DrainBook
  keeper: DrainKeeper
  timers: DrainTimers
  drainJobs: DrainJobs
  planner: (wish: DrainWish, signal: AbortSignal) => Promise<PlannedDrain>
  fleet: FleetService
  clock: Clock
}): DrainService {
  const { fleet, book, keeper, timers, drainJobs, planner, clock } = parts

  /** An open drain that has not begun to go back. */
  function kept(id: DrainId): DrainRecord {
    const drain = book.find(id)
    if (drain.endedAt === null && drain.goal !== 'back' && drain.state !== 'failed') return drain
    throw conflict(drain.endedAt === null ? `The drain "${drain.title}" is being put back.` : whenOver(drain), drain)
  }

  /** No wave follows, whatever becomes of this one. */
  function stopHere(drain: DrainRecord): void {
    if (drain.next.length === 0) return
    book.note(
      drain,
      'stopped',
      `No wave follows: ${drain.next.join(', ')} ${drain.next.length === 1 ? 'is' : 'are'} left alone.`,
    )
    drain.next = []
  }

  async function putBack(id: DrainId): Promise<DrainRecord> {
    const drain = book.find(id)
    if (drain.endedAt !== null) throw conflict(whenOver(drain), drain)
    if (drain.goal === 'back' && drain.state !== 'failed') throw conflict(`"${drain.title}" is being put back already.`, drain)
    stopHere(drain)
    await keeper.putBack(drain, 'put-back', 'The operator puts it back.')
    return drain
  }

  async function start(
    input: StartInput,
    owner: string,
    signal: AbortSignal,
    before: DrainRecord | null,
  ): Promise<DrainRecord> {
    if (input.waves?.goOn === 'healthy' && input.then === 'maint') {
      throw new AppError(
        'request.invalid',
        'Nothing was drained: in maintenance a server is not checked, so nobody would see it come back to health. Leave it drained, or have the waves go on at your word.',
      )
    }
    const { plan, places } = await planner(input, signal)
    // The waves after it are checked at the start, before anything is out, and each again when its turn has come.
    const broken = plan.floor.filter(({ holds, wave }) => !holds && (before === null || wave === 1))
    if (broken.length > 0 && input.overrideFloor === undefined) {
      throw new AppError(
        'drain.floor',
        `Nothing was drained, because too few servers would remain. ${broken.map(floorText).join('; ')}. Drain fewer at a time, or override the floor with a reason.`,
        { details: { floor: broken } },
      )
    }
    if (plan.unreachable.length > 0 && input.unreachable === 'refuse') {
      throw new AppError(
        'node.unreachable',
        `Nothing was drained, because ${plan.unreachable.join(', ')} cannot be read now and would keep sending requests. Wait, name the balancers to drain on, or choose to have the rest follow when they can be reached.`,
        { details: { nodes: plan.unreachable } },
      )
    }
    refuse((each) => places.some(({ target }) => target.serverId === each.serverId && target.nodeId === each.nodeId))
    // Here, before anything is recorded: a series tries again at every reading.
    drainJobs.assertFree(places.flatMap(({ target, reading }) => (reading === null ? [] : [target.nodeId])))
    const at = clock.now()
    const drain = recordFrom({ input, plan, places, owner, at, before })
    book.add(drain)
    const over = drain.floorOverride === null ? '' : ` The floor was overridden: ${drain.floorOverride}`
    const wave = drain.waves === null ? '' : ` Wave ${drain.waves.number} of ${drain.waves.of}.`
    book.note(drain, 'started', `${drain.title}, because "${drain.reason}", by ${owner}.${wave}${over}`)
    for (const { pool, server, nodeId, why } of drain.leftOut) {
      book.note(drain, 'left-out', `${pool}/${server} on ${nodeId} was left out: ${why}`, nodeId)
    }
    keeper.begin(drain)
    await keeper.readNow(drain)
    if (drain.state === 'failed') throw new AppError('job.conflict', drain.said, { details: { drain: drain.id } })
    return drain
  }

  return {
    plan: async (wish, signal) => (await planner(wish, signal)).plan,

    start: async (input, owner, signal) => book.viewOf(await start(input, owner, signal, null)),

    async startNext(drain) {
      if (book.open().some(({ follows }) => follows === drain.id)) return null
      const unwell = unwellOf(drain, fleet.snapshot().servers)
      if (unwell !== null) return unwell
      const { next, reason, floor, floorOverride, onViolation, then, unreachable, unchangeable, onDeadline, waves } = drain
      try {
        await start(
          {
            ...{ targets: next, reason, floor, onViolation, then, unreachable, unchangeable, onDeadline },
            waves: waves === null ? undefined : { size: waves.size, goOn: waves.goOn },
            ...(floorOverride === null ? {} : { overrideFloor: floorOverride }),
            ...(drain.nodes === null ? {} : { nodes: drain.nodes }),
            deadlineMs: drain.deadlineMs ?? undefined,
            expiresMs: drain.expiresMs ?? undefined,
          },
          drain.owner,
          new AbortController().signal,
          drain,
        )
        return null
      } catch (thrown) {
        return appErrorFrom(thrown).message
      }
    },

    hold(id) {
      const drain = kept(id)
      if (drain.heldSince === null) {
        timers.hold(drain)
        if (drain.state === 'draining') drain.state = 'held'
        book.note(drain, 'held', 'Held: it stays out, and nothing is done by itself.')
        book.save(drain)
      }
      return book.viewOf(drain)
    },
    resume(id) {
      const drain = kept(id)
      if (drain.heldSince === null) throw conflict(`The drain "${drain.title}" is not held.`, drain)
      timers.resume(drain)
      if (drain.state === 'held') drain.state = 'draining'
      book.note(drain, 'resumed', 'Goes on.')
      book.save(drain)
      return book.viewOf(drain)
    },
    async finishNow(id) {
      const drain = kept(id)
      await keeper.finish(drain, 'The operator finishes it: into maintenance, and what is left is shut down.')
      return book.viewOf(drain)
    },
    putBack: async (id) => book.viewOf(await putBack(id)),
    async goOn(id) {
      const drain = kept(id)
      if (drain.waves === null) throw conflict(`The drain "${drain.title}" has no waves to go on with; put it back.`, drain)
      await keeper.putBack(
        drain,
        'put-back',
        drain.next.length === 0 ? 'The last wave is done: it goes back.' : 'The operator goes on.',
      )
      return book.viewOf(drain)
    },
    stopHere(id) {
      const drain = book.find(id)
      if (drain.endedAt !== null) throw conflict(whenOver(drain), drain)
      if (drain.next.length === 0) throw conflict(`No wave follows "${drain.title}".`, drain)
      stopHere(drain)
      keeper.settle(drain)
      return book.viewOf(drain)
    },
    get: (id) => book.viewOf(book.find(id)),
    list: (query) => book.list(query),

    async undo(job) {
      const drain = book.open().find(({ jobs }) => jobs.includes(job))
      if (drain === undefined || drainJobs.row(job)?.kind !== setStateKind) return null
      const before = drain.jobs.length
      await putBack(drain.id)
      const restoring = drain.jobs[before]
      if (restoring !== undefined) return restoring
      throw new AppError('job.not-undoable', `The drain "${drain.title}" goes back without a job: ${drain.said}`, {
        details: { drain: drain.id },
      })
    },

    refuseAgainst: (servers, nodes) =>
      refuse(({ serverId, nodeId }) => servers.includes(serverId) && (nodes?.includes(nodeId) ?? true)),
  }

  function refuse(isMeant: (place: { serverId: ServerId; nodeId: NodeId }) => boolean): void {
    for (const drain of book.open()) {
      const place = drain.places.find((each) => each.phase !== 'gone' && each.phase !== 'restored' && isMeant(each))
      if (place === undefined) continue
      throw conflict(
        `${place.pool}/${place.server} on ${place.nodeId} is kept out by ${drain.owner}, because "${drain.reason}". Put that drain back first.`,
        drain,
      )
    }
  }
}

function conflict(message: string, { id }: DrainRecord): AppError {
  return new AppError('drain.conflict', message, { details: { drain: id } })
}

function whenOver({ title, said }: DrainRecord): string {
  return `The drain "${title}" is over: ${said}`
}
