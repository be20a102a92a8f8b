/*
 * One drill from its first probe to its report.
 *
 * Model: the fault is put on the node once, by the process that began the drill, in the same remote command that arms the guard there.
 * From then on nothing but taking it back matters: whatever ends the drill (time, an abort rule, the operator, an error, the end of this
 * process) leads to `revert`, and where this process cannot do it, the guard does by itself. Whoever finds a drill begun by another
 * process takes back what stands and never injects.
 */
import type { DrillEnding, DrillRecord, NodeId } from '#contract'
import { abortBy } from '../../domain/drill/abort-rules.ts'
import { measuredPhases, takeoverOf } from '../../domain/drill/timeline.ts'
import { judgeDrill, seconds } from '../../domain/drill/verdict.ts'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { FleetService } from '../fleet-service.ts'
import type { Publish } from '../handlers-type.ts'
import type { AdminLimits } from '../ports/admin-limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeSession } from '../ports/node-session.ts'
import type { Recorder } from '../ports/recorder.ts'
import { differencesBetween } from './compare-snapshots.ts'
import type { DrillBook } from './drill-book.ts'
import { routerOf } from './foresee-fault.ts'
import type { DrillFaults, Ticket } from './needs.ts'
import { figuresOf, watchDrill, type DrillWatch, type Seen } from './watch-drill.ts'

export type Snapshots = Partial<Record<NodeId, Record<string, unknown>>>

export interface RunParts {
  book: DrillBook
  faults: DrillFaults
  recorder: Recorder
  sessionOf: (nodeId: NodeId, signal: AbortSignal) => Promise<NodeSession>
  fleet: Pick<FleetService, 'snapshot'>
  isStopped: (drill: DrillRecord['id']) => boolean
  clock: Clock
  publish: Publish
}

interface Run {
  parts: RunParts
  drill: DrillRecord
  before: Snapshots
  signal: AbortSignal
  record: AdminLimits['record']
}

interface Ended {
  ending: DrillEnding
  said: string
  refutes?: boolean
}

const tickMs = 100
const commandMs = 20_000
const progressMs = 250
/** Until things have settled after the fault was taken back, beyond what the arithmetic says. */
const settleMs = 20_000
const steadyAgainMs = 1000

export const guardNote = ({ id, reason }: DrillRecord): string => `${reason} [${id}]`

/** Every member as it is, to be compared with later. */
export async function takeSnapshots(parts: RunParts, drill: DrillRecord, signal: AbortSignal): Promise<Snapshots> {
  const members = drill.environment.members.map(({ nodeId }) => nodeId)
  const taken = await Promise.all(
    members.map(async (nodeId) => {
      const session = await parts.sessionOf(nodeId, signal)
      return [nodeId, await parts.faults.snapshot(session, { signal, timeoutMs: commandMs })] as const
    }),
  )
  return Object.fromEntries(taken)
}

/** Ends with the drill ended, whatever happened, unless the process is told to end meanwhile: then by throwing. */
export async function runDrill(run: Run): Promise<void> {
  const { parts, drill, signal } = run
  const { book, recorder, sessionOf, clock } = parts
  const { plan } = drill
  const members = drill.environment.members.map(({ nodeId }) => nodeId)
  let watch: DrillWatch
  try {
    const maxMs = plan.steadyState.forMs + plan.holdMs + plan.guardMs + 4 * settleMs
    watch = await watchDrill({ recorder, sessionOf, plan, members, maxMs, clock, signal })
  } catch (thrown) {
    return conclude(run, { ending: 'failed', said: `The recorder did not start: ${appErrorFrom(thrown).message}` }, nothingSeen)
  }
  let ended: Ended
  try {
    ended = (await steady(run, watch)) ?? (await faulted(run, watch))
    if (drill.injectedAt !== null) await settle(run, watch)
  } catch (thrown) {
    await watch.stop()
    throw thrown
  }
  const seen = await watch.stop()
  for (const { vantage, probes } of seen) book.keepProbes(drill.id, vantage, probes)
  for (const { at, nodeId, has } of watch.changes) {
    book.note(drill.id, {
      at,
      nodeId,
      kind: has ? 'vip-gained' : 'vip-lost',
      text: has ? 'has the address' : 'has the address no more',
    })
  }
  return conclude(run, ended, { seen, changes: watch.changes, announcements: watch.announcements })
}

/** Takes back what an earlier process has left, and ends the drill as far as it came. */
export async function endInterrupted(run: Run): Promise<void> {
  const { parts, drill, signal } = run
  const session = await parts.sessionOf(drill.node, signal)
  const standing = await standingOf(run, session)
  if (standing.length > 0 && drill.injectedAt === null) drill.injectedAt = parts.clock.now()
  for (const ticket of standing) await takeBack(run, ticket)
  if (drill.injectedAt !== null && drill.revertedAt === null) drill.revertedAt = parts.clock.now()
  return conclude(
    run,
    { ending: 'interrupted', said: 'The console ended in the middle of it; what stood was taken back.' },
    nothingSeen,
  )
}

export async function standingOf(run: Run, session: NodeSession): Promise<Ticket[]> {
  const standing = await run.parts.faults.standing(session, limitsOf(run))
  return standing.filter(({ reason }) => reason === guardNote(run.drill)).map(({ ticket }) => ticket)
}

const limitsOf = ({ signal, record }: Run): AdminLimits => ({ signal, timeoutMs: commandMs, record })

function enter({ parts, drill }: Run, state: DrillRecord['state'], said: string): void {
  Object.assign(drill, { state, said })
  parts.book.save(drill)
}

/** Measures how things are before; answers why the fault must not come. */
async function steady(run: Run, watch: DrillWatch): Promise<Ended | null> {
  const { parts, drill, signal } = run
  const { steadyState: wanted, probe } = drill.plan
  enter(run, 'steady', `Measuring for ${seconds(wanted.forMs)} how things are before.`)
  const until = parts.clock.monotonic() + wanted.forMs
  while (parts.clock.monotonic() < until) {
    await parts.clock.sleep(tickMs, signal)
    if (parts.isStopped(drill.id)) return { ending: 'operator', said: 'The operator stopped it before the fault.' }
    progress(run, watch, null)
  }
  const { sent, failed, p99Ms } = watch.figures(wanted.p99Ms)
  const failedPercent = sent === 0 ? 100 : (failed / sent) * 100
  const holders = watch.holders()
  const why =
    failedPercent > wanted.failedPercent
      ? `${failed} of ${sent} probes of ${probe.host}:${probe.port} failed before there was any fault; the plan allows ${wanted.failedPercent} %.`
      : p99Ms !== null && p99Ms > wanted.p99Ms
        ? `One answer in a hundred took ${seconds(p99Ms)} or more before there was any fault; the plan allows ${seconds(wanted.p99Ms)}.`
        : holders.length !== 1 || holders[0] !== drill.holder
          ? `The address moved before there was any fault: ${holders.join(' and ') || 'nobody'} has it now.`
          : null
  const { book } = parts
  if (why !== null) {
    book.note(drill.id, { kind: 'not-steady', nodeId: null, text: why })
    return { ending: 'refused', said: why }
  }
  book.note(drill.id, {
    kind: 'steady',
    nodeId: null,
    text: `${sent} probes, ${failed} failed, 99 % answered within ${p99Ms === null ? '–' : seconds(p99Ms)}`,
  })
  return null
}

async function faulted(run: Run, watch: DrillWatch): Promise<Ended> {
  const { parts, drill, signal } = run
  const { book, faults, clock } = parts
  enter(run, 'injecting', `Arming the guard on ${drill.node}, and ${drill.plan.fault.kind}.`)
  const session = await parts.sessionOf(drill.node, signal)
  const router = routerOf(parts, drill.plan.router)
  let ticket: Ticket
  try {
    const guard = { expiresAfterMs: drill.plan.guardMs, owner: drill.author, reason: guardNote(drill) }
    ticket = await faults.inject(session, { fault: drill.plan.fault, router }, guard, limitsOf(run))
  } catch (thrown) {
    const cause = appErrorFrom(thrown)
    if (cause.effect === 'none') return { ending: 'failed', said: cause.message }
    // It may stand: from here on it is taken back like one that does.
    drill.injectedAt = clock.now()
    for (const each of await standingOf(run, await parts.sessionOf(drill.node, signal))) await takeBack(run, each)
    drill.revertedAt = clock.now()
    return { ending: 'failed', said: cause.message }
  }
  drill.injectedAt = clock.now()
  book.note(drill.id, { at: drill.injectedAt, kind: 'injected', nodeId: drill.node, text: drill.plan.fault.kind })
  enter(run, 'holding', `${drill.plan.fault.kind} stands on ${drill.node} for ${seconds(drill.plan.holdMs)}.`)
  let ended: Ended
  try {
    ended = await hold(run, watch, ticket)
  } catch (thrown) {
    if (signal.aborted) throw thrown
    ended = { ending: 'failed', said: appErrorFrom(thrown).message }
  }
  enter(run, 'reverting', ended.said)
  const by = await takeBack(run, ticket)
  drill.revertedAt = clock.now()
  return by === 'guard' && ended.ending === 'time'
    ? { ending: 'guard', said: 'The node took the fault back by itself.' }
    : ended
}

/** Until time is up, or something ends it before. */
async function hold(run: Run, watch: DrillWatch, ticket: Ticket): Promise<Ended> {
  const { parts, drill, signal } = run
  const { clock, faults, book } = parts
  const known = new Set(criticalProblems(run))
  const began = clock.monotonic()
  let heard = began
  let beating: Promise<void> | null = null
  const beatEveryMs = Math.max(1000, drill.plan.guardMs / 4)
  let beatAt = began + beatEveryMs
  const beat = async (): Promise<void> => {
    try {
      await faults.heartbeat(await parts.sessionOf(drill.node, signal), ticket, limitsOf(run))
      heard = clock.monotonic()
    } catch {
      // The fault may be that the node cannot be reached: the guard counts, and so does `heard`.
    } finally {
      beating = null
    }
  }
  while (clock.monotonic() - began < drill.plan.holdMs) {
    await clock.sleep(tickMs, signal)
    const now = clock.monotonic()
    if (now >= beatAt && beating === null) {
      beatAt = now + beatEveryMs
      beating = beat()
    }
    progress(run, watch, Math.max(0, drill.plan.guardMs - (now - heard)))
    if (parts.isStopped(drill.id)) {
      book.note(drill.id, { kind: 'stop', nodeId: null, text: 'The operator stopped it.' })
      return { ending: 'operator', said: 'The operator stopped it.' }
    }
    const otherProblems = criticalProblems(run).filter((each) => !known.has(each))
    const abort = abortBy(drill.plan, { ...watch.live(), otherProblems })
    if (abort !== null) {
      book.note(drill.id, { kind: 'abort', nodeId: null, text: abort.said })
      return { ending: 'abort', ...abort }
    }
  }
  return { ending: 'time', said: 'Time is up; the fault is being taken back.' }
}

/** Critical problems of the same pair or site that the fault itself is no reason for. */
function criticalProblems({ parts, drill }: Run): string[] {
  const { problems, nodes } = parts.fleet.snapshot()
  const own = nodes.find(({ id }) => id === drill.node)
  const inScope = new Set(
    nodes
      .filter(({ pair, site }) => (pair !== null && pair === own?.pair) || (site !== null && site === own?.site))
      .map(({ id }) => id),
  )
  return problems
    .filter(({ severity, router, nodes: of }) => {
      const others = of.filter((nodeId) => nodeId !== drill.node)
      return severity === 'critical' && router !== drill.plan.router && others.some((nodeId) => inScope.has(nodeId))
    })
    .map(({ kind, nodes: of }) => `${kind} on ${of.join(', ')}`)
}

/** Until the node says that it is as before; a node out of reach is asked until its guard must have acted. */
async function takeBack(run: Run, ticket: Ticket): Promise<'console' | 'guard'> {
  const { parts, drill, signal } = run
  const { clock, faults, book } = parts
  const until = clock.monotonic() + drill.plan.guardMs + 60_000
  for (;;) {
    try {
      const { by } = await faults.revert(await parts.sessionOf(drill.node, signal), ticket, limitsOf(run))
      book.note(drill.id, {
        kind: by === 'guard' ? 'guard-reverted' : 'reverted',
        nodeId: drill.node,
        text: by === 'guard' ? 'the guard had taken it back' : 'taken back',
      })
      return by
    } catch (thrown) {
      if (signal.aborted || clock.monotonic() > until) throw thrown
      await clock.sleep(1000, signal)
    }
  }
}

/** Clients are answered again and the address is where it belongs, or the time for that is over. */
async function settle(run: Run, watch: DrillWatch): Promise<void> {
  const { parts, drill, signal } = run
  const { clock } = parts
  const { failback } = drill.prediction
  enter(run, 'confirming', 'Waiting until everything is as it was.')
  const until = clock.monotonic() + (failback?.after.latestMs ?? 0) * 2 + settleMs
  let quietSince: number | null = null
  while (clock.monotonic() < until) {
    await clock.sleep(tickMs, signal)
    progress(run, watch, null)
    const holders = watch.holders()
    const settled = holders.length === 1 && (failback === null && drill.prediction.moves ? true : holders[0] === drill.holder)
    const now = clock.monotonic()
    quietSince = settled && watch.live().gapMs < 500 ? (quietSince ?? now) : null
    if (quietSince !== null && now - quietSince > steadyAgainMs) return
  }
}

async function compare(run: Run): Promise<string[]> {
  const after = await takeSnapshots(run.parts, run.drill, run.signal)
  return Object.entries(run.before).flatMap(([nodeId, was]) =>
    differencesBetween(nodeId, was ?? {}, after[nodeId as NodeId] ?? {}),
  )
}

/** Compared until it is the same, for a daemon that was started needs a moment; null: the nodes could not be asked. */
async function confirmRestored(run: Run): Promise<string[] | null> {
  const { clock } = run.parts
  const until = clock.monotonic() + settleMs
  for (;;) {
    let differences: string[] | null
    try {
      differences = await compare(run)
    } catch (thrown) {
      if (run.signal.aborted) throw thrown
      differences = null
    }
    if (differences?.length === 0 || clock.monotonic() > until) return differences
    await clock.sleep(1000, run.signal)
  }
}

interface All extends Pick<DrillWatch, 'changes' | 'announcements'> {
  seen: readonly Seen[]
}
const nothingSeen: All = { seen: [], changes: [], announcements: [] }

async function conclude(run: Run, { ending, said, refutes }: Ended, { seen, changes, announcements }: All): Promise<void> {
  const { parts, drill } = run
  const { book } = parts
  const { injectedAt, revertedAt, plan } = drill
  if (injectedAt === null) Object.assign(drill, { restored: true, differences: [] })
  else {
    enter(run, 'confirming', 'Comparing every member with how it was.')
    const differences = await confirmRestored(run)
    Object.assign(drill, { restored: differences === null ? null : differences.length === 0, differences: differences ?? [] })
    const same = drill.restored === true
    book.note(drill.id, {
      kind: same ? 'confirmed' : 'differs',
      nodeId: null,
      text: same ? 'everything is as it was' : drill.differences.join('; ') || 'the nodes could not be asked',
    })
  }
  const takeover = injectedAt === null ? null : takeoverOf(changes, drill.node, injectedAt, revertedAt ?? Infinity)
  drill.figures = figuresOf(seen, { injectedAt, revertedAt, slowMs: plan.steadyState.p99Ms })
  drill.takeoverMs = takeover === null || injectedAt === null ? null : Math.max(0, takeover.at - injectedAt)
  if (injectedAt !== null) {
    const lost = changes.find((change) => !change.has && change.nodeId === drill.node && change.at >= injectedAt)
    const announced = announcements.find(({ at }) => takeover !== null && at >= takeover.at - 20)
    const worst = [...drill.figures].sort((one, other) => (other.outageMs ?? 0) - (one.outageMs ?? 0))[0]
    const marks = {
      injectedAt,
      takeover,
      lostAt: lost?.at ?? null,
      announcedAt: announced?.at ?? null,
      firstGoodAt: worst?.firstGoodAt ?? null,
    }
    drill.phases = measuredPhases(drill.prediction, marks)
    if (worst?.lastGoodAt != null)
      book.note(drill.id, { at: worst.lastGoodAt, kind: 'last-good', nodeId: null, text: 'last good answer' })
    if (worst?.firstGoodAt != null)
      book.note(drill.id, { at: worst.firstGoodAt, kind: 'first-good', nodeId: null, text: 'first good answer' })
  }
  Object.assign(drill, { ending, said })
  const { verdict, grounds } = judgeDrill({
    plan,
    ending,
    said,
    injected: injectedAt !== null,
    moved: takeover?.nodeId ?? null,
    figures: drill.figures,
    restored: drill.restored,
    differences: drill.differences,
    refutedByAbort: refutes ?? false,
  })
  Object.assign(drill, { verdict, grounds, said: grounds[0] ?? said })
  book.note(drill.id, { kind: 'ended', nodeId: null, text: drill.said })
  book.close(drill)
  if (drill.restored !== false && drill.restored !== null) return
  throw new AppError(
    'job.rollback-failed',
    `The drill is over, and the pair is not known to be as it was: ${drill.differences.join('; ') || 'the nodes could not be asked.'}`,
    {
      effect: 'unknown',
    },
  )
}

const lastTold = new WeakMap<DrillRecord, number>()

function progress({ parts, drill }: Run, watch: DrillWatch, guardLeftMs: number | null): void {
  const at = parts.clock.now()
  if (at - (lastTold.get(drill) ?? 0) < progressMs) return
  lastTold.set(drill, at)
  const { gapMs, longestGapMs, sent, failed, holders } = watch.live()
  parts.publish('drill.progressed', { id: drill.id, at, gapMs, longestGapMs, sent, failed, holders: [...holders], guardLeftMs })
}
