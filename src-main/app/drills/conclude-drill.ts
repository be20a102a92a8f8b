import type { DrillEnding, DrillRecord } from '#contract'
import { dueTakeover } from '../../domain/drill/adverts.ts'
import type { VrrpMember } from '../../domain/drill/prediction.ts'
import { measuredPhases, ownerlessMs, takeoverOf, type Takeover } from '../../domain/drill/timeline.ts'
import { judgeDrill } from '../../domain/drill/verdict.ts'
import { AppError } from '../app-error.ts'
import { enter, faultedOf, limitsOf, sessionOf, type Run, type Snapshots } from './drill-run.ts'
import { tellOthers } from './tell-others.ts'
import { figuresOf, type DrillWatch, type Seen } from './watch-drill.ts'

export interface Ended {
  ending: DrillEnding
  said: string
  /** what ended it speaks against the hypothesis */
  refutes?: boolean
}

export interface Watched {
  seen: readonly Seen[]
  watch: DrillWatch
  /** as the members were before the fault */
  vrrp: readonly VrrpMember[]
}

/** A daemon that was started needs a moment until all is as it was. */
const sameAgainMs = 20_000
const comparePauseMs = 1000

/** Every member as it is, to be compared with later. */
export async function takeSnapshots(run: Omit<Run, 'before'>): Promise<Snapshots> {
  const members = run.drill.environment.members.map(({ nodeId }) => nodeId)
  const whole = { ...run, before: {} }
  const taken = await Promise.all(
    members.map(
      async (nodeId) => [nodeId, await run.parts.faults.snapshot(await sessionOf(whole, nodeId), limitsOf(whole))] as const,
    ),
  )
  return Object.fromEntries(taken)
}

/**
 * Compares the members with how they were, judges, and closes the record.
 * @throws AppError `job.rollback-failed` when the pair is not as it was, or that is not known
 */
export async function concludeDrill(
  run: Run,
  { ending, said, refutes = false }: Ended,
  watched: Watched | null,
): Promise<void> {
  const { parts, drill } = run
  const { book } = parts
  await compare(run)
  if (watched !== null) measure(run, watched)
  const { injectedAt, plan, figures, restored, differences } = drill
  const changes = watched?.watch.changes ?? []
  const moved = injectedAt === null ? null : takeoverOf(changes, faultedOf(drill), injectedAt, drill.revertedAt ?? Infinity)
  const { verdict, grounds } = judgeDrill({
    plan,
    ending,
    said,
    injected: injectedAt !== null,
    moved: moved?.nodeId ?? null,
    figures,
    ownerlessMs: moved === null || injectedAt === null ? 0 : ownerlessMs(changes, drill.node, injectedAt, moved.at),
    restored,
    differences,
    refutedByAbort: refutes,
  })
  Object.assign(drill, { ending, verdict, grounds, said: grounds[0] ?? said })
  book.note(drill.id, { kind: 'ended', nodeId: null, text: drill.said })
  await book.close(drill)
  await tellOthers(run, 'ended')
  if (restored === true) return
  const left = differences.join('; ') || 'the nodes could not be asked'
  throw new AppError('job.rollback-failed', `The drill is over, and the pair is not known to be as it was: ${left}.`, {
    effect: 'unknown',
  })
}

/** Asked again until it is the same, and not for ever. */
async function compare(run: Run): Promise<void> {
  const { parts, drill } = run
  if (drill.injectedAt === null) {
    Object.assign(drill, { restored: true, differences: [] })
    return
  }
  enter(run, 'confirming', 'Comparing every member with how it was.')
  const until = parts.clock.monotonic() + sameAgainMs
  let differences: string[] | null
  for (;;) {
    differences = await differencesNow(run)
    if (differences?.length === 0 || parts.clock.monotonic() > until) break
    await parts.clock.sleep(comparePauseMs, run.signal)
  }
  Object.assign(drill, { restored: differences === null ? null : differences.length === 0, differences: differences ?? [] })
  const text =
    differences === null
      ? 'the nodes could not be asked'
      : differences.length === 0
        ? 'everything is as it was'
        : differences.join('; ')
  parts.book.note(drill.id, { kind: drill.restored === true ? 'confirmed' : 'differs', nodeId: null, text })
}

/** Null: a node could not be asked. */
async function differencesNow(run: Run): Promise<string[] | null> {
  try {
    const after = new Map(Object.entries(await takeSnapshots(run)))
    return Object.entries(run.before).flatMap(([nodeId, was]) => differencesBetween(nodeId, was ?? {}, after.get(nodeId) ?? {}))
  } catch (thrown) {
    if (run.signal.aborted) throw thrown
    return null
  }
}

/** Line by line: what a snapshot says is text by name. */
function differencesBetween(nodeId: string, before: Record<string, string>, after: Record<string, string>): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) => {
    const [was, is] = [linesOf(before[name]), linesOf(after[name])]
    const gone = was.filter((line) => !is.includes(line)).map((line) => `− ${line}`)
    const come = is.filter((line) => !was.includes(line)).map((line) => `+ ${line}`)
    const changed = [...gone, ...come]
    return changed.length === 0 ? [] : [`${nodeId}, ${name}: ${changed.slice(0, 10).join(', ')}`]
  })
}

const linesOf = (text: string | undefined): string[] => (text ?? '').split('\n').filter(Boolean)

/** A command that looks for its processes first takes effect somewhat later: an address that goes while it runs tells when. */
function onsetOf({ injectedAt, injectionMs, node }: DrillRecord, changes: DrillWatch['changes']): number | null {
  if (injectedAt === null || injectionMs === null) return injectedAt
  const until = injectedAt + injectionMs + clockSlackMs
  const lost = changes.find(({ at, nodeId, has }) => !has && nodeId === node && at >= injectedAt && at <= until)
  return lost === undefined ? injectedAt : Math.round(lost.at)
}
const clockSlackMs = 50

/** What kept the member waiting that took over, and when it was to take over by that. Answers when it knew; null: that is not known. */
function noteLastAdvert(
  { parts, drill, before }: Run,
  injectedAt: number,
  { nodeId: heardBy, at: takenAt }: Takeover,
  { adverts }: Pick<DrillWatch, 'adverts'>,
  vrrp: readonly VrrpMember[],
): number | null {
  const { node, plan } = drill
  const isV6 = plan.probe.host.includes(':')
  // The same number may be in use on another segment, or for the other version of IP.
  const own = before[node]?.['addresses'] ?? ''
  const heard = adverts.filter(
    ({ nodeId, from }) => nodeId === heardBy && from.includes(':') === isV6 && own.includes(` ${from}/`),
  )
  const due = dueTakeover(vrrp, node, heardBy, heard, takenAt)
  if (due === null) return null
  const { heardAt, farewell, knownAt, dueAt } = due
  drill.lastAdvert = { heardBy, atMs: heardAt - injectedAt, farewell, dueMs: dueAt - injectedAt }
  const text = farewell ? `hears the farewell of ${node}` : `takes the last advert of ${node}`
  parts.book.note(drill.id, { at: heardAt, kind: 'advert', nodeId: heardBy, text })
  return knownAt
}

function measure(run: Run, { seen, watch, vrrp }: Watched): void {
  const { parts, drill } = run
  const { book } = parts
  const { revertedAt, plan } = drill
  drill.injectedAt = onsetOf(drill, watch.changes)
  const { injectedAt } = drill
  drill.figures = figuresOf(seen, { injectedAt, revertedAt, slowMs: plan.steadyState.p99Ms })
  for (const { at, nodeId, has } of watch.changes) {
    book.note(drill.id, {
      at,
      nodeId,
      kind: has ? 'vip-gained' : 'vip-lost',
      text: has ? 'has the address' : 'has the address no more',
    })
  }
  if (injectedAt === null) return
  const takeover = takeoverOf(watch.changes, faultedOf(drill), injectedAt, revertedAt ?? Infinity)
  const announced = watch.announcements.find(({ at }) => takeover !== null && at >= takeover.at)
  const [worst] = [...drill.figures].sort((one, other) => (other.outageMs ?? 0) - (one.outageMs ?? 0))
  drill.takeoverMs = takeover === null ? null : Math.max(0, takeover.at - injectedAt)
  const knownAt = takeover === null ? null : noteLastAdvert(run, injectedAt, takeover, watch, vrrp)
  drill.phases = measuredPhases(drill.prediction, {
    injectedAt,
    takeover,
    knownAt,
    announcedAt: announced?.at ?? null,
    lastGoodAt: worst?.lastGoodAt ?? null,
    firstGoodAt: worst?.firstGoodAt ?? null,
  })
  // a gap of a few probes is the rhythm of a busy machine
  if ((worst?.outageMs ?? 0) < plan.probe.everyMs * 5) return
  const mark = (at: number | null | undefined, kind: 'last-good' | 'first-good', text: string): void => {
    if (at != null) book.note(drill.id, { at, kind, nodeId: null, text })
  }
  mark(worst?.lastGoodAt, 'last-good', 'last good answer before the gap')
  mark(worst?.firstGoodAt, 'first-good', 'first good answer after it')
}
