/**
 * Keeps drains: makes what is on the balancers agree with what was asked for, until it is put back.
 *
 * Model: a drain says what is wanted (`goal`), and every reading of a node is compared with it, whatever happened in between: a reload, a
 * restart, another hand, or a console that was closed for a day. What differs is changed by a journaled job; there is one job of a drain
 * at a time, and what a job has done is believed only when it has been read. Nothing here remembers what it did, beyond counting how
 * often a place was repaired lately, so that an agent-check that says the opposite every second is not fought for ever.
 *
 * A place's pre-image is on disk before the first command for it leaves. Only the process that drives the data folder keeps drains.
 */
import type { DrainPlace, DrainRecord, JobView, NodeId } from '#contract'
import { stateFrom } from '../../domain/drain/drain-state.ts'
import { shareErrorText, timeErrorText } from '../../domain/drain/forecast.ts'
import { isDone } from '../../domain/drain/judge-place.ts'
import { isWellAgain } from '../../domain/drain/waves.ts'
import { quietS } from '../../domain/haproxy/server-state.ts'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { FleetService } from '../fleet-service.ts'
import { isDown, isOutOfReach } from '../jobs/step-runner.ts'
import { adminTimeoutMs, type AdminOf } from '../operations/server-targets.ts'
import { restoreKind, setStateKind } from '../operations/server-state.ts'
import { shutdownKind } from '../operations/shutdown-sessions.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import { createDrainActions } from './drain-actions.ts'
import type { DrainBook } from './drain-book.ts'
import { cutBy, type DrainJobs } from './drain-jobs.ts'
import { createDrainOutcome } from './drain-outcome.ts'
import { placeKey } from './place-record.ts'
import type { DrainTimers } from './drain-timers.ts'
import { createPlaceLedger } from './place-ledger.ts'

const tickMs = 1000

export interface DrainKeeper {
  /** A drain that is in the book now. */
  begin(drain: DrainRecord): void
  /** The process has become the driver, or has started: go on with what is stored. */
  takeUp(): void
  letGo(): void
  /** A balancer on this node was just read. */
  look(nodeId: NodeId, kind?: 'haproxy' | 'nginx'): void
  /** It could not be read. */
  lost(nodeId: NodeId, why: string): void
  noteJob(job: JobView): void
  /** Reads every place of a drain, and acts. Never rejects. */
  readNow(drain: DrainRecord): Promise<void>
  putBack(drain: DrainRecord, kind: 'put-back' | 'expired', text: string): Promise<void>
  finish(drain: DrainRecord, text: string): Promise<void>
  /** What a drain comes to after its record was changed: saved, told and acted upon. */
  settle(drain: DrainRecord): void
  stop(): Promise<void>
}

export function createDrainKeeper(parts: {
  book: DrainBook
  timers: DrainTimers
  adminOf: AdminOf
  drainJobs: DrainJobs
  fleet: FleetService
  /** starts what follows a drain that is back; answers why that has to wait */
  startNext: (drain: DrainRecord) => Promise<string | null>
  isDriver: () => boolean
  clock: Clock
  log: Log
}): DrainKeeper {
  const { book, timers, adminOf, drainJobs, fleet, startNext, isDriver, clock, log } = parts
  const ledger = createPlaceLedger(parts)
  const actions = createDrainActions({ ...parts, ledger })
  const outcome = createDrainOutcome(fleet)
  /** drains of which all places are being read: nothing is done for one place before the others are known */
  const gathering = new Set<DrainRecord>()
  const lanes = new Map<NodeId, { again: boolean }>()
  const stopping = new AbortController()
  const work = new Set<Promise<unknown>>()
  let ticking = false

  /** Work in the background that `stop` waits for. */
  function launch(task: () => Promise<unknown>): void {
    const running: Promise<unknown> = task()
      .catch((thrown: unknown) => {
        if (!stopping.signal.aborted) log.error('a drain was not kept', { error: String(thrown) })
      })
      .finally(() => work.delete(running))
    work.add(running)
  }

  async function tick(): Promise<void> {
    while (book.open().length > 0) {
      await clock.sleep(tickMs, stopping.signal)
      for (const drain of book.open()) {
        if (!isDriver() || drain.goal === 'back' || drain.state === 'failed') continue
        const due = timers.take(drain)
        if (due === 'expiry') launch(() => putBack(drain, 'expired', 'Its time is over: it goes back into service.'))
        if (due === 'deadline') passDeadline(drain)
      }
    }
  }

  function startTicking(): void {
    if (ticking || stopping.signal.aborted) return
    ticking = true
    launch(() => tick().finally(() => (ticking = false)))
  }

  function passDeadline(drain: DrainRecord): void {
    if (drain.places.every(isDone)) return
    drain.deadlinePassed = true
    const text = 'The deadline passed before it was empty'
    if (drain.onDeadline === 'finish') launch(() => finish(drain, `${text}: what is left is shut down.`))
    else if (drain.onDeadline === 'put-back') {
      // Whoever could not be emptied in time is a reason to look before the next ones go.
      if (drain.next.length > 0) book.note(drain, 'stopped', `${text}: no wave follows.`)
      drain.next = []
      launch(() => putBack(drain, 'put-back', `${text}: it goes back into service.`))
    } else {
      book.note(drain, 'deadline', `${text}; it is waited for.`)
      settle(drain)
    }
  }

  function look(nodeId: NodeId, kind?: 'haproxy' | 'nginx'): void {
    if (!isDriver() || stopping.signal.aborted) return
    const isMeant = (place: DrainPlace): boolean =>
      place.nodeId === nodeId && (kind === undefined || (place.balancer === 'haproxy') === (kind === 'haproxy'))
    if (!book.open().some((drain) => isKept(drain) && drain.places.some(isMeant))) return
    const lane = lanes.get(nodeId)
    if (lane !== undefined) {
      lane.again = true
      return
    }
    const own = { again: false }
    lanes.set(nodeId, own)
    launch(async () => {
      try {
        const kept = book.open().filter((drain) => isKept(drain) && drain.places.some((place) => place.nodeId === nodeId))
        for (const drain of kept) await readPlaces(drain, nodeId)
        for (const drain of kept) settle(drain)
      } finally {
        lanes.delete(nodeId)
      }
      if (own.again) look(nodeId)
    })
  }

  async function readNow(drain: DrainRecord): Promise<void> {
    gathering.add(drain)
    const nodes = [...new Set(drain.places.map(({ nodeId }) => nodeId))]
    await Promise.all(nodes.map((nodeId) => readPlaces(drain, nodeId))).finally(() => gathering.delete(drain))
    settle(drain)
  }

  async function readPlaces(drain: DrainRecord, nodeId: NodeId): Promise<void> {
    for (const place of drain.places.filter((each) => each.nodeId === nodeId)) {
      try {
        const { sets } = ledger.memoryOf(place)
        const { session, admin } = await adminOf(place, stopping.signal)
        const limits = { signal: stopping.signal, timeoutMs: adminTimeoutMs }
        const reading = await admin.watch.left(session, place.pool, place.server, limits)
        // What was asked before a job set the place is no answer any more.
        if (ledger.memoryOf(place).sets !== sets) continue
        if (mayWrite(drain)) ledger.read(drain, place, reading)
      } catch (thrown) {
        if (stopping.signal.aborted || !mayWrite(drain)) return
        const error = appErrorFrom(thrown)
        if (error.code === 'node.not-found') ledger.removed(drain, place)
        else ledger.miss(drain, place, error.message)
      }
    }
  }

  const mayWrite = (drain: DrainRecord): boolean => isDriver() && drain.endedAt === null

  /** What the places come to, on disk and told; then what is to be done about it. */
  function settle(drain: DrainRecord): void {
    if (!mayWrite(drain) || gathering.has(drain) || drain.state === 'failed') return
    if (drain.goal === 'back') {
      // A command that is under way may still come after what was read.
      const over = drainJobs.busyNodes(drain).size === 0
      if (over && drain.places.every(({ phase }) => phase === 'restored' || phase === 'gone')) {
        return drain.next.length === 0 ? end(drain, 'Put back as it was.') : goOn(drain)
      }
    } else {
      if (drain.places.every(({ phase }) => phase === 'gone')) return end(drain, 'No balancer has the server any more.')
      noteEmpty(drain)
      if (isWellAgain(drain))
        return void launch(() => putBack(drain, 'put-back', 'Its checks failed and pass again: it goes back.'))
    }
    // On disk before anything leaves: a job begins in a later turn.
    if (drain.state !== 'starting') Object.assign(drain, stateFrom(drain))
    book.save(drain)
    try {
      actions.act(drain)
    } catch (thrown) {
      const { message } = appErrorFrom(thrown)
      if (drain.state === 'starting' && drainJobs.busyNodes(drain).size === 0) return fail(drain, message, true)
      // Another job holds the node; the next reading tries again.
      log.info('a drain waits', { drain: drain.id, why: message })
    }
    const starting = drain.state === 'starting' && drainJobs.busyNodes(drain).size > 0
    if (!starting) Object.assign(drain, stateFrom(drain))
    book.save(drain)
  }

  /** One by one: this one ends when the next has begun, so that a restart in between loses neither. */
  function goOn(drain: DrainRecord): void {
    if (gathering.has(drain)) return
    gathering.add(drain)
    launch(async () => {
      const why = await startNext(drain).finally(() => gathering.delete(drain))
      if (!mayWrite(drain)) return
      if (why === null) {
        book.note(drain, 'next', `Goes on with ${nextText(drain)}.`)
        return end(drain, 'Put back as it was; the next one has begun.')
      }
      Object.assign(drain, { state: 'put-back', said: `Back. The next wave, ${nextText(drain)}, waits: ${why}` })
      book.save(drain)
    })
  }

  function noteEmpty(drain: DrainRecord): void {
    const empty = drain.places.every(isDone)
    if (!empty) drain.emptyAt = null
    else if (drain.emptyAt === null) {
      drain.emptyAt = clock.now()
      drain.finishing = false
      drain.outcome = { emptyInMs: Math.max(0, drain.emptyAt - drain.createdAt), shares: [] }
      book.note(drain, 'empty', `Empty on every balancer after ${timeErrorText(drain.forecast, drain.outcome)}.`)
    } else if (drain.outcome?.shares.length === 0) drain.outcome.shares = outcome.sharesOf(drain) ?? []
    if (drain.heldSince !== null || drain.goal !== 'out') return
    const busy = drain.places.filter((place) => !isDone(place))
    if (empty ? drain.then !== 'maint' : busy.some((place) => ledger.memoryOf(place).stickyBy.length === 0)) return
    const stickyBy = [...new Set(busy.flatMap((place) => ledger.memoryOf(place).stickyBy))].join(', ')
    drain.goal = 'maintenance'
    const text = empty
      ? 'Empty, so it goes into maintenance, as asked.'
      : `Nobody is on it and nobody came for ${quietS} s, but clients that stick to it (${stickyBy}) can come back while it is only drained: it goes into maintenance, which sends them to other servers.`
    book.note(drain, 'finish', text)
    for (const place of drain.places) {
      if (place.phase === 'in-force' && place.balancer === 'haproxy') ledger.memoryOf(place).needs = 'maint'
    }
  }

  function end(drain: DrainRecord, why: string): void {
    const said = why + shareErrorText(drain)
    Object.assign(drain, { state: 'ended', said, endedAt: clock.now() })
    book.note(drain, 'ended', said)
    timers.forget(drain.id)
    book.save(drain)
  }

  /** @param undone whether it is certain that no command is in force */
  function fail(drain: DrainRecord, why: string, undone: boolean): void {
    const nothingDone = undone && !drain.places.some(({ phase }) => phase === 'in-force' || phase === 'returned')
    // While something may be in force, it can still be put back.
    Object.assign(drain, { state: 'failed', said: why, endedAt: nothingDone ? clock.now() : null })
    book.note(drain, 'failed', why)
    timers.forget(drain.id)
    book.save(drain)
  }

  async function putBack(drain: DrainRecord, kind: 'put-back' | 'expired', text: string): Promise<void> {
    Object.assign(drain, { goal: 'back', state: 'put-back', heldSince: null, finishing: false })
    book.note(drain, kind, text)
    for (const place of drain.places) {
      // What somebody put into maintenance is not taken out of it by a clock.
      if (kind === 'expired' && place.phase === 'taken')
        Object.assign(place, { phase: 'restored', said: `${place.said} It is left so.` })
    }
    book.save(drain)
    await readNow(drain)
  }

  async function finish(drain: DrainRecord, text: string): Promise<void> {
    drain.goal = 'maintenance'
    drain.finishing = true
    actions.forgetCuts(drain)
    book.note(drain, 'finish', text)
    book.save(drain)
    await readNow(drain)
  }

  function noteJob(job: JobView): void {
    if (!isDriver() || job.state === 'running') return
    const drain = book.open().find(({ jobs }) => jobs.includes(job.id))
    if (drain === undefined) return
    if (job.state === 'paused') return launch(() => drainJobs.abandon(job))
    const places = drain.places.filter((place) => stepOf(job, place) !== undefined)
    const ok = job.outcome === 'succeeded'
    const why = job.error?.message ?? `The job "${job.title}" ended as ${job.outcome}.`
    const later = !ok && job.error !== null && maySucceedLater(new AppError(job.error.code, why))
    // Asked again when it can be, and not before.
    for (const place of later ? places : []) if (isLost(stepOf(job, place))) ledger.miss(drain, place, why)
    if (job.kind === shutdownKind) {
      const count = cutBy(drainJobs.row(job.id))
      drain.cut += count
      book.note(drain, 'finish', ok ? `${count} sessions were shut down.` : why)
    } else if (job.kind === restoreKind) {
      if (!ok && !later) return fail(drain, `It was not put back: ${why}`, false)
      if (ok) for (const place of places) ledger.wasRestored(place)
    } else if (!ok && drain.state === 'starting' && !goesOn(drain, job, later)) {
      return fail(drain, why, job.outcome !== 'rollback-failed')
    } else {
      for (const place of places) ledger.wasSet(drain, place, stepOf(job, place)?.state === 'done')
      if (!ok && drain.goal !== 'back') book.note(drain, 'alarm', why)
      // What was set stays set, and each place says for itself whether it is out.
      if (!ok && drain.state === 'starting') drain.state = 'waiting-for-node'
    }
    // What was left before sessions were shut down is no ground to do it again, and what was read before a server was set is no proof
    // that it is back.
    if (job.kind === shutdownKind || (drain.goal === 'back' && job.kind === setStateKind)) book.save(drain)
    else settle(drain)
    // Seen sooner than with the next poll.
    for (const { nodeId } of places) look(nodeId)
  }

  return {
    begin(drain) {
      book.save(drain)
      timers.start(drain)
      startTicking()
    },
    takeUp() {
      book.takeUp()
      for (const drain of book.open()) {
        timers.start(drain)
        // It was to be set as a whole, so all of its places are read before one is.
        if (drain.state === 'starting') launch(() => readNow(drain))
      }
      if (book.open().length > 0) startTicking()
    },
    letGo: () => book.letGo(),
    look,
    lost(nodeId, why) {
      if (!isDriver()) return
      for (const drain of book.open().filter(isKept)) {
        const lost = drain.places.filter((place) => place.nodeId === nodeId && place.unreadSince === null)
        for (const place of lost) ledger.miss(drain, place, why)
        if (lost.length > 0) settle(drain)
      }
    },
    noteJob,
    readNow,
    putBack,
    finish,
    settle,
    async stop() {
      stopping.abort(new AppError('request.cancelled', 'Evenkeel is stopping.'))
      await Promise.allSettled([...work])
    },
  }
}

/** Nothing speaks against the same once the node, or its daemon, answers again. */
const maySucceedLater = (error: AppError): boolean =>
  isOutOfReach(error) || isDown(error) || error.code === 'job.outcome-unknown'

const stepOf = (job: JobView, place: DrainPlace): JobView['steps'][number] | undefined =>
  job.steps.find(({ key }) => key === placeKey(place))

const isLost = (step: JobView['steps'][number] | undefined): boolean => step?.state === 'unknown' || step?.state === 'failed'

/** The first setting was not taken back as a whole: a node was lost in the middle of it, or is to follow, or another hand was quicker. */
function goesOn({ unreachable }: DrainRecord, { outcome, steps }: JobView, later: boolean): boolean {
  if (outcome === 'needs-operator') return true
  return later && (unreachable === 'later' || steps.some(({ state }) => state === 'done' || state === 'unknown'))
}

const isKept = (drain: DrainRecord): boolean => drain.endedAt === null && drain.state !== 'failed'

/** What the next wave is made of, as it was asked for. */
const nextText = ({ next, waves }: DrainRecord): string => next.slice(0, waves?.size ?? 1).join(', ')
