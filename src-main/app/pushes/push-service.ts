/*
 * Pushes over the fleet. Model: a push is a record in the store and one job per group of nodes; the jobs change nodes and are safe by
 * themselves (push-job.ts), this file only starts them in order and decides what follows. When the console ends in between, nothing is
 * started again: the job under way goes back, the record ends as interrupted, and a person decides about the rest.
 */
import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import {
  PushId,
  type JobId,
  type HistoryEntry,
  type JobView,
  type NodeId,
  type PushCheck,
  type PushHealth,
  type PushPhase,
  type PushPlan,
  type PushRecord,
  type PushRequest,
  type ServiceKind,
  type StandingPush,
} from '#contract'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { ConfigVersions } from '../config-versions.ts'
import type { Publish } from '../handlers-type.ts'
import type { HistoryService } from '../history-service.ts'
import { newJobId } from '../jobs/job-row.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import type { AdminLimits } from '../ports/admin-limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { StandingGuard } from '../ports/config-admin.ts'
import type { Log } from '../ports/log.ts'
import type { PushRepo } from '../ports/store.ts'
import { changesOf, isGuardOf, partyOf, shownReason, type ServicesOf } from './parties.ts'
import { notAccepted, pushKind, type PushJobInput } from './push-job.ts'
import type { PlannedPush } from './push-planner.ts'

export interface PushService {
  plan(request: PushRequest, signal: AbortSignal): Promise<PushPlan>
  /** Has every node's own daemon judge it. Changes nothing. */
  check(request: PushRequest, signal: AbortSignal): Promise<PushCheck[]>
  /** Answers once it is journaled and begins. Throws what planning throws, and `job.conflict`. */
  start(request: PushRequest, by: { author: string; reason: string; undoes?: PushId }, signal: AbortSignal): Promise<PushRecord>
  /** What `rollback` would do. */
  planRollback(id: PushId, nodes: readonly NodeId[] | undefined, signal: AbortSignal): Promise<PushPlan>
  /** The push that brings back what was before this one, on all of its nodes or on some. */
  rollback(
    id: PushId,
    nodes: readonly NodeId[] | undefined,
    by: { author: string; reason: string },
    signal: AbortSignal,
  ): Promise<PushRecord>
  /** No node is begun any more, those under way go back, and those that were done are taken back. */
  stop(id: PushId): PushRecord
  get(id: PushId): PushRecord
  list(limit: number): PushRecord[]
  /** Guards on these nodes, whoever's they are. */
  standing(nodes: readonly NodeId[], signal: AbortSignal): Promise<StandingPush[]>
  /** Ends somebody's push on one node: keeps what it has put there, or puts back what was before. */
  settle(
    guard: { nodeId: NodeId; kind: ServiceKind; id: string },
    how: 'keep' | 'restore',
    by: string,
    signal: AbortSignal,
  ): Promise<void>
  onPhase(id: PushId, nodeId: NodeId, phase: PushPhase): void
  onHealth(id: PushId, nodeId: NodeId, health: { before: PushHealth; now: PushHealth }): void
  mayBegin(id: PushId, jobId: JobId): boolean
  isStopped(id: PushId): boolean
  /** Tells how a node stands whose job could not ask it until now, when its push had ended already. */
  noteJob(job: JobView): void
  /** Ends what an earlier process has left open, once its jobs have been taken up. */
  takeUp(): void
}

export interface PushServiceParts {
  repo: PushRepo
  planPush: (request: PushRequest, signal: AbortSignal) => Promise<PlannedPush>
  servicesOf: ServicesOf
  versions: ConfigVersions
  jobs: () => JobRunner
  history: HistoryService
  clock: Clock
  log: Log
  publish: Publish
}

/** pushes among which a job that waited for its node is looked for */
const waitedFor = 100
const guardRoomMs = 60_000
const checkAllMs = 300_000
/** Each is a login and a daemon that reads its files. */
const checkedAtOnce = 16
/** Until the guard is gone the daemon has to reload, be watched and be confirmed. */
const leastGuardRoomMs = 15_000

export function createPushService(parts: PushServiceParts): PushService {
  const { repo, planPush, servicesOf, versions, jobs, history, clock, log, publish } = parts
  /** pushes of this process that have not ended; the record is the one that is kept */
  const running = new Map<PushId, PushRecord>()
  const stopped = new Set<PushId>()
  /** pushes that another process had begun */
  const interrupted = new Set<PushId>()

  function save(push: PushRecord, noted?: HistoryEntry['kind']): void {
    repo.atOnce(() => {
      repo.put(push)
      if (noted !== undefined) history.append([historyOf(push, noted, clock.now())])
    })
    publish('push.changed', structuredClone(push))
  }

  function find(id: PushId): PushRecord {
    const push = running.get(id) ?? repo.get(id)
    if (push === null) throw new AppError('request.not-found', `There is no push ${id}; "config pushes" lists them.`)
    return push
  }

  const targetsOn = (push: PushRecord, nodes: readonly NodeId[]): PushRecord['targets'] =>
    push.targets.filter(({ nodeId }) => nodes.includes(nodeId))

  const place = (push: PushRecord, nodes: readonly NodeId[], phase: PushPhase, said: string): void =>
    placeEach(push, targetsOn(push, nodes), phase, said)

  function placeEach(push: PushRecord, targets: PushRecord['targets'], phase: PushPhase, said: string): void {
    for (const target of targets) {
      if (target.phase !== phase) target.trail.push({ phase, at: clock.now() })
      Object.assign(target, { phase, said })
    }
    save(push)
  }

  function end(push: PushRecord, state: PushRecord['state'], said: string): void {
    Object.assign(push, { state, said, endedAt: clock.now() })
    running.delete(push.id)
    stopped.delete(push.id)
    save(push, 'push.ended')
  }

  /** As it stands on disk, for whoever takes it up. */
  const leave = ({ id }: PushRecord): void => void running.delete(id)

  function inputOf(push: PushRecord, nodes: readonly NodeId[]): PushJobInput {
    const { id, guardMs, watchMs, allowCapacityLoss, allowVipMove, handover, author: owner, reason } = push
    const targets = targetsOn(push, nodes).map(({ nodeId, kind, files, runtime }) => ({ nodeId, kind, files, runtime }))
    return { push: id, owner, reason, guardMs, watchMs, allowCapacityLoss, allowVipMove, handover, targets }
  }

  /** One group, from its start to its end. Answers why it failed, or null. */
  async function pushGroup(push: PushRecord, nodes: readonly NodeId[]): Promise<string | null> {
    try {
      const id = newJobId()
      for (const target of targetsOn(push, nodes)) target.jobId = id
      save(push)
      jobs().start(pushKind, inputOf(push, nodes), { requestedBy: push.author, reason: push.reason, id })
      return settleGroup(push, nodes, await jobs().settled(id))
    } catch (thrown) {
      if (jobs().isClosing()) return null
      const { message } = appErrorFrom(thrown)
      for (const target of targetsOn(push, nodes)) target.jobId = null
      place(push, nodes, 'failed', message)
      return message
    }
  }

  function settleGroup(push: PushRecord, nodes: readonly NodeId[], job: JobView): string | null {
    if (jobs().isClosing() && job.state !== 'ended') return null
    if (job.outcome === 'succeeded') {
      place(push, nodes, 'done', '')
      return null
    }
    const said = job.steps.find(({ error }) => error !== null)?.error?.message ?? job.error?.message ?? 'It did not succeed.'
    const wasChanged = targetsOn(push, nodes).some(({ trail }) => trail.some(({ phase }) => phase === 'replacing'))
    place(push, nodes, job.state === 'ended' && job.outcome === 'rolled-back' && wasChanged ? 'restored' : 'failed', said)
    return said
  }

  /**
   * Every node's own daemon, before the first of them is changed: what the last wave refuses must not stand on the first by then. Each is asked
   * again when its turn has come. Answers why some refuse.
   */
  async function checkAll(push: PushRecord): Promise<string[]> {
    const signal = AbortSignal.timeout(checkAllMs)
    const whys: string[] = []
    for (let from = 0; from < push.targets.length; from += checkedAtOnce) {
      const some = push.targets.slice(from, from + checkedAtOnce)
      placeEach(push, some, 'checking', '')
      // told in the order of the plan, whoever answers first
      const answers = await Promise.all(
        some.map(async (target) => {
          try {
            const { admin, session } = await partyOf(servicesOf, target, signal)
            const report = await admin.check(session, await changesOf(versions, target), limitsFor(signal))
            if (!report.accepted) throw notAccepted(target, report)
            placeEach(push, [target], 'waiting', '')
            return []
          } catch (thrown) {
            const { message } = appErrorFrom(thrown)
            placeEach(push, [target], 'failed', message)
            return [`${target.nodeId}: ${message}`]
          }
        }),
      )
      whys.push(...answers.flat())
    }
    return whys
  }

  async function run(push: PushRecord): Promise<void> {
    const failures: string[] = []
    const refusals = push.waves.flat().length > 1 ? await checkAll(push) : []
    if (jobs().isClosing()) return leave(push)
    if (refusals.length > push.budget) {
      skipWaiting(push)
      return takeBack(push, refusals.join(' '))
    }
    for (const wave of push.waves) {
      if (stopped.has(push.id) || failures.length > push.budget) break
      const ends = await Promise.all(wave.map((nodes) => pushGroup(push, nodes)))
      if (jobs().isClosing()) return leave(push)
      ends.forEach((why, index) => {
        for (const node of why === null ? [] : (wave[index] ?? [])) failures.push(`${node}: ${why ?? ''}`)
      })
    }
    skipWaiting(push)
    const why = failures.join(' ')
    if (!stopped.has(push.id) && failures.length <= push.budget) {
      const but = failures.length === 0 ? '' : ` But for ${failures.length}: ${why}`
      return end(push, failures.length === 0 ? 'succeeded' : 'failed', `The new configuration is loaded and serves.${but}`)
    }
    await takeBack(push, why === '' ? 'The operator stopped it.' : why)
  }

  function skipWaiting({ targets }: PushRecord): void {
    for (const target of targets) if (target.phase === 'waiting') target.phase = 'skipped'
  }

  /** The last first, as they were done. */
  async function takeBack(push: PushRecord, why: string): Promise<void> {
    push.state = 'undoing'
    push.said = why
    save(push)
    for (const wave of [...push.waves].reverse()) {
      await Promise.all(wave.map((nodes) => takeBackGroup(push, nodes)))
      if (jobs().isClosing()) return leave(push)
    }
    const left = push.targets.filter(({ phase }) => phase === 'done').map(({ nodeId }) => nodeId)
    const open = unknown(push)
    if (left.length > 0) return end(push, 'failed', `${why} The new configuration is still on ${left.join(', ')}.${open}`)
    if (open !== '') return end(push, 'failed', `${why}${open}`)
    end(push, 'rolled-back', `${why} What was there before is in force on every node.`)
  }

  /** In a sentence, which nodes could not be asked in the end: their jobs wait for them. */
  function unknown({ targets }: PushRecord): string {
    const open = targets.filter(
      ({ jobId, phase }) => phase === 'failed' && jobId !== null && jobs().get(jobId).state !== 'ended',
    )
    if (open.length === 0) return ''
    const names = [...new Set(open.map(({ nodeId }) => nodeId))].join(', ')
    return ` ${names} cannot be asked now: the guard there puts back what was there before, and it is looked at again.`
  }

  /** What was before is what counts then, however it serves: nothing is watched. */
  async function takeBackGroup(push: PushRecord, nodes: readonly NodeId[]): Promise<void> {
    const done = targetsOn(push, nodes).find(({ phase }) => phase === 'done')
    if (done === undefined || done.jobId === null) return
    try {
      const forward = inputOf(push, nodes)
      // by a reload, also where the running daemon was told: that leaves nothing of it
      const targets = forward.targets.map((target) => ({ ...target, files: target.files.map(turned), runtime: null }))
      const input: PushJobInput = { ...forward, reason: `back: ${push.reason}`, watchMs: 0, handover: null, targets }
      const id = newJobId()
      for (const target of targetsOn(push, nodes)) target.undoJobId = id
      save(push)
      jobs().start(pushKind, input, { requestedBy: push.author, reason: push.said, undoes: done.jobId, id })
      const job = await jobs().settled(id)
      if (job.outcome === 'succeeded') place(push, nodes, 'restored', 'Taken back with the others.')
      else if (!jobs().isClosing())
        place(push, nodes, 'done', `It was not taken back: ${job.error?.message ?? 'the job waits for the node'}`)
    } catch (thrown) {
      if (!jobs().isClosing()) place(push, nodes, 'done', `It was not taken back: ${appErrorFrom(thrown).message}`)
    }
  }

  /** What was there before a push, as a push of its own. @throws AppError `job.not-undoable` */
  async function wayBack(id: PushId, nodes: readonly NodeId[] | undefined, signal: AbortSignal): Promise<PushRequest> {
    const push = find(id)
    const targets = push.targets.filter(({ nodeId, phase }) => phase === 'done' && (nodes?.includes(nodeId) ?? true))
    const files = await Promise.all(
      targets.flatMap(({ nodeId, kind, files: list }) =>
        list.map(async ({ path, before, after }) => {
          const file = { nodeId, kind, path, baseSha256: after }
          // it was made by the push
          if (before === '') return { ...file, text: '', remove: true as const, encoding: 'utf-8' as const }
          const bytes = await versions.bytes(before)
          if (bytes !== null) {
            return { ...file, text: bytes.toString('latin1'), encoding: 'latin1' as const }
          }
          throw new AppError(
            'job.not-undoable',
            `What ${path} on ${nodeId} said before was kept without its passwords, so it cannot be put back from here.`,
          )
        }),
      ),
    )
    if (files.length === 0)
      throw new AppError('job.not-undoable', `The push "${push.title}" is in force on none of these nodes.`)
    const { watchMs, guardMs, budget } = push
    const request = { files, watchMs, guardMs, budget, waveSize: 4, allowCapacityLoss: true, allowVipMove: true }
    const { handover } = push
    const turnedBack = handover == null ? {} : { handover: { ...handover, from: handover.to, to: handover.from } }
    const wasTold = targets.some(({ runtime }) => runtime !== null)
    const atRuntime = wasTold && (await planPush({ ...request, atRuntime: true }, signal)).plan.refusals.length === 0
    return { ...request, ...turnedBack, atRuntime }
  }

  /** the push under way here whose guard this is */
  function pushOf(guard: StandingGuard): PushId | null {
    const own = [...running.values()].find(({ targets }) =>
      targets.some(({ jobId, undoJobId }) => [jobId, undoJobId].some((job) => job !== null && isGuardOf(guard, job))),
    )
    return own?.id ?? null
  }

  const limitsFor = (signal: AbortSignal): AdminLimits => ({ signal, timeoutMs: 60_000, record: () => undefined })

  const service: PushService = {
    plan: async (request, signal) => (await planPush(request, signal)).plan,

    async check(request, signal) {
      const { targets } = await planPush(request, signal)
      return Promise.all(
        targets.map(async ({ party, changes }) => {
          const { judged: _judged, ...report } = await party.admin.check(party.session, changes, limitsFor(signal))
          return { nodeId: party.nodeId, kind: party.kind, ...report }
        }),
      )
    },

    async start(request, { author, reason, undoes }, signal) {
      const { watchMs, guardMs = watchMs + guardRoomMs, budget, allowCapacityLoss, allowVipMove } = request
      if (guardMs < watchMs + leastGuardRoomMs) {
        throw new AppError(
          'request.invalid',
          `The guard would act while the node is still watched: give it at least ${(watchMs + leastGuardRoomMs) / 1000} s, or watch for less.`,
        )
      }
      const { plan, targets } = await planPush(request, signal)
      const [refusal] = plan.refusals
      if (refusal !== undefined) throw new AppError('request.invalid', refusal)
      if (plan.targets.length === 0) {
        throw new AppError('request.invalid', 'Nothing to push: every node has exactly these files already.')
      }
      for (const { party, changes } of targets) {
        for (const { path, after: bytes } of changes)
          if (bytes !== null) await versions.keep({ nodeId: party.nodeId, kind: party.kind, path, bytes })
      }
      const push: PushRecord = {
        id: v.parse(PushId, randomUUID()),
        title: plan.title,
        author,
        reason,
        createdAt: clock.now(),
        endedAt: null,
        state: 'running',
        said: '',
        waves: plan.waves,
        budget,
        watchMs,
        guardMs,
        allowCapacityLoss,
        allowVipMove,
        targets: plan.targets.map(({ nodeId, kind, files, runtime }) => ({
          nodeId,
          kind,
          files,
          runtime: request.atRuntime ? runtime : null,
          phase: 'waiting',
          said: '',
          jobId: null,
          undoJobId: null,
          trail: [],
          health: null,
        })),
        undoes: undoes ?? null,
        handover: request.handover ?? null,
      }
      running.set(push.id, push)
      save(push, 'push.started')
      void run(push).catch((thrown: unknown) => {
        const { code, message } = appErrorFrom(thrown)
        log.error('a push was left unfinished', { push: push.id, code, error: message })
      })
      return structuredClone(push)
    },

    async planRollback(id, nodes, signal) {
      return (await planPush(await wayBack(id, nodes, signal), signal)).plan
    },

    async rollback(id, nodes, by, signal) {
      return service.start(await wayBack(id, nodes, signal), { ...by, undoes: id }, signal)
    },

    stop(id) {
      const push = find(id)
      if (!running.has(id)) throw new AppError('job.conflict', `The push "${push.title}" has ended; roll it back instead.`)
      stopped.add(id)
      return structuredClone(push)
    },

    get: (id) => structuredClone(find(id)),
    list: (limit) => repo.list(limit),

    async standing(nodes, signal) {
      const lists = await Promise.all(
        nodes.map(async (nodeId) => {
          const { services } = await servicesOf(nodeId, signal)
          const kinds = services.filter(({ configAdmin }) => configAdmin !== null).map(({ kind }) => kind)
          const found = await Promise.all(
            kinds.map(async (kind) => {
              const { admin, session } = await partyOf(servicesOf, { nodeId, kind }, signal)
              const guards = await admin.standing(session, limitsFor(signal))
              return guards.map((guard) => {
                const { ticket, ...told } = guard
                const reason = shownReason(guard)
                return { ...told, nodeId, kind, id: ticket.id, push: pushOf(guard), reason }
              })
            }),
          )
          return found.flat()
        }),
      )
      return lists.flat()
    },

    async settle({ nodeId, kind, id }, how, by, signal) {
      const { admin, session } = await partyOf(servicesOf, { nodeId, kind }, signal)
      const guard = (await admin.standing(session, limitsFor(signal))).find(({ ticket }) => ticket.id === id)
      if (guard === undefined) {
        throw new AppError(
          'request.not-found',
          `There is no guard ${id} of ${kind} on ${nodeId} any more; it has ended meanwhile.`,
        )
      }
      await admin[how === 'keep' ? 'confirm' : 'restore'](session, guard.ticket, limitsFor(signal))
      const { owner } = guard
      const reason = shownReason(guard)
      history.append([
        { at: clock.now(), kind: 'push.settled', nodeId, subject: id, data: { service: kind, owner, reason, how, by } },
      ])
    },

    onPhase(id, nodeId, phase) {
      const push = running.get(id)
      if (push !== undefined && push.state === 'running') place(push, [nodeId], phase, '')
    },
    onHealth(id, nodeId, health) {
      const push = running.get(id)
      if (push === undefined) return
      for (const target of targetsOn(push, [nodeId])) target.health = health
      // kept with the next phase: a figure of every second is not worth a write
      publish('push.changed', structuredClone(push))
    },
    mayBegin(id, jobId) {
      const push = running.get(id)
      if (push === undefined || interrupted.has(id)) return false
      const own = push.state === 'running' ? 'jobId' : 'undoJobId'
      return push.targets.some((target) => target[own] === jobId)
    },
    isStopped: (id) => stopped.has(id),

    noteJob(job) {
      if (job.kind !== pushKind || job.state !== 'ended') return
      const isOf = ({ jobId, undoJobId }: PushRecord['targets'][number]): boolean => [jobId, undoJobId].includes(job.id)
      const push = repo.list(waitedFor).find(({ id, targets }) => !running.has(id) && targets.some(isOf))
      if (push === undefined) return
      for (const { nodeId, jobId, phase } of push.targets.filter(isOf)) {
        if (jobId === job.id && phase === 'failed') settleGroup(push, [nodeId], job)
        if (jobId !== job.id && job.outcome === 'succeeded') place(push, [nodeId], 'restored', 'Taken back with the others.')
      }
    },

    takeUp() {
      for (const push of repo.open()) {
        if (running.has(push.id)) continue
        running.set(push.id, push)
        interrupted.add(push.id)
        void endInterrupted(push).catch((thrown: unknown) => {
          log.error('an interrupted push was left open', { push: push.id, error: appErrorFrom(thrown).message })
        })
      }
    },
  }

  async function endInterrupted(push: PushRecord): Promise<void> {
    for (const { jobId, undoJobId, nodeId } of push.targets) {
      const forward = jobId === null ? null : await jobOf(jobId)
      const undo = undoJobId === null ? null : await jobOf(undoJobId)
      if (undo?.outcome === 'succeeded') place(push, [nodeId], 'restored', 'Taken back with the others.')
      else if (forward !== null) settleGroup(push, [nodeId], forward)
    }
    if (jobs().isClosing()) return leave(push)
    for (const target of push.targets) if (target.phase === 'waiting') target.phase = 'skipped'
    const done = push.targets.filter(({ phase }) => phase === 'done').map(({ nodeId }) => nodeId)
    const rest = done.length === 0 ? 'No node' : [...new Set(done)].join(', ')
    const has = `${rest} ${new Set(done).size > 1 ? 'have' : 'has'} the new configuration.`
    end(push, 'interrupted', `The console ended while it was pushing. ${has}${unknown(push)} Push again, or roll it back.`)
  }

  /** As it ended, or as it waits for its node; null: it was written down, and never came to be. */
  async function jobOf(id: JobId): Promise<JobView | null> {
    try {
      return await jobs().settled(id)
    } catch (thrown) {
      if (appErrorFrom(thrown).code === 'job.not-found') return null
      throw thrown
    }
  }

  return service
}

function historyOf(push: PushRecord, kind: HistoryEntry['kind'], at: number): Omit<HistoryEntry, 'id'> {
  const { id, title, author, reason, state, said, undoes, targets } = push
  const nodes = [...new Set(targets.map(({ nodeId }) => nodeId))]
  return { at, kind, nodeId: null, subject: id, data: { title, author, reason, state, said, undoes, nodes } }
}

const turned = <F extends { path: string; before: string; after: string }>({ path, before, after }: F) => ({
  path,
  before: after,
  after: before,
})
