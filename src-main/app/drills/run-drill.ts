/*
 * One drill from its first probe to its report.
 *
 * Model: the fault is put on the node once, by the process that began the drill, in the same remote command that arms the guard there.
 * From then on nothing but taking it back matters: whatever ends the drill (time, an abort rule, the operator, an error, the end of this
 * process) leads to `revert`, and where this process cannot do it, the guard does by itself. Whoever finds a drill begun by another
 * process takes back what stands and never injects.
 */
import type { DrillRecord, NodeId } from '#contract'
import { seconds } from '../../domain/drill/verdict.ts'
import { appErrorFrom } from '../app-error.ts'
import { concludeDrill, type Ended } from './conclude-drill.ts'
import { enter, faultedOf, limitsOf, sessionOf, tickMs, type Run } from './drill-run.ts'
import { faultScope } from './fault-scope.ts'
import { readMembers, type Foreseen } from './foresee-fault.ts'
import { endHandBack, handBack } from './hand-back.ts'
import { holdFault } from './hold-fault.ts'
import { takeBack } from './take-back.ts'
import { tellOthers } from './tell-others.ts'
import { watchDrill, type DrillWatch, type Seen } from './watch-drill.ts'

const progressMs = 250
/** Until things have settled after the fault was taken back, beyond what the arithmetic says. */
const settleMs = 20_000
/** Answered, and in its place, for this long. */
const steadyAgainMs = 1000
const shortGapMs = 500
const phantomsMs = 2000

/** Ends with the drill ended, whatever happened, unless the process is told to end meanwhile: then by throwing. */
export async function runDrill(run: Run): Promise<void> {
  const { parts, drill, signal } = run
  const { book, recorder, clock } = parts
  const { plan } = drill
  const members = drill.environment.members.map(({ nodeId }) => nodeId)
  let watch: DrillWatch
  let vrrp: Foreseen['members']
  try {
    const foreseen = await readMembers(parts, plan.router, signal)
    vrrp = foreseen.members
    const maxMs = plan.steadyState.forMs + plan.holdMs + plan.guardMs + 4 * settleMs
    const onLost = (text: string, nodeId: NodeId | null): void => book.note(drill.id, { kind: 'problem', nodeId, text })
    watch = await watchDrill({
      ...{ recorder, plan, vrid: foreseen.router.vrid, members, maxMs, clock, onLost, signal },
      sessionOf: (nodeId) => sessionOf(run, nodeId),
    })
  } catch (thrown) {
    return concludeDrill(run, { ending: 'failed', said: `The recorder did not start: ${appErrorFrom(thrown).message}` }, null)
  }
  let ended: Ended
  let seen: Seen[] = []
  try {
    const told = tellOthers(run, 'begins')
    const why = await steady(run, watch)
    await told
    ended = why ?? (await faulted(run, watch))
    if (drill.injectedAt !== null) {
      await settle(run, watch)
      await handBack(run)
    }
  } finally {
    seen = await watch.stop()
    for (const { vantage, probes } of seen) book.keepProbes(drill.id, vantage, probes)
  }
  return concludeDrill(run, ended, { seen, watch, vrrp })
}

/** Takes back what an earlier process has left, or this one when it lost the node, and ends the drill as far as it came. */
export async function endInterrupted(run: Run): Promise<void> {
  const { parts, drill } = run
  const by = await takeBack(run)
  if (by !== 'nobody') drill.injectedAt ??= parts.clock.now()
  if (drill.injectedAt !== null) {
    drill.revertedAt ??= parts.clock.now()
    await endHandBack(run)
    await handBack(run)
  }
  const said = `The console ended, or lost its node, in the middle of it; ${whatStood[by]}.`
  return concludeDrill(run, { ending: 'interrupted', said }, null)
}
const whatStood = {
  console: 'what stood was taken back',
  guard: 'the node had taken the fault back by itself',
  nobody: 'there was no fault yet, and there will be none',
}

/** Measures how things are before; answers why the fault must not come. */
async function steady(run: Run, watch: DrillWatch): Promise<Ended | null> {
  const { parts, drill, signal } = run
  const { steadyState: wanted, probe } = drill.plan
  const { book, clock } = parts
  enter(run, 'steady', `Measuring for ${seconds(wanted.forMs)} how things are before.`)
  const until = clock.monotonic() + wanted.forMs
  while (clock.monotonic() < until) {
    await clock.sleep(tickMs, signal)
    if (parts.isStopped(drill.id)) return { ending: 'operator', said: 'The operator stopped it before the fault.' }
    tellProgress(run, watch, null)
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
          ? drill.holder !== null && watch.isUnseen(drill.holder)
            ? `The kernel of ${drill.holder} is not seen any more.`
            : `The address moved before there was any fault: ${holders.join(' and ') || 'nobody'} has it now.`
          : null
  if (why !== null) {
    book.note(drill.id, { kind: 'not-steady', nodeId: null, text: why })
    return { ending: 'refused', said: why }
  }
  const fast = p99Ms === null ? '' : `, 99 % answered within ${seconds(p99Ms)}`
  book.note(drill.id, { kind: 'steady', nodeId: null, text: `${sent} probes, ${failed} failed${fast}` })
  return null
}

async function faulted(run: Run, watch: DrillWatch): Promise<Ended> {
  const { parts, drill, signal } = run
  const { book, faults, clock } = parts
  const { router, fault, guardMs, holdMs } = drill.plan
  const places = faultedOf(drill)
  enter(run, 'injecting', `Arming the guard on ${places.join(', ')}, and ${fault.kind}.`)
  try {
    const guard = { id: drill.id, expiresAfterMs: guardMs, owner: drill.author, reason: drill.reason }
    // who has the address last: what clients see begins with it
    for (const node of places.toReversed()) {
      const session = await sessionOf(run, node)
      const scope = await faultScope(parts, { router, node, fault }, signal)
      const injected = await faults.inject(session, scope, guard, limitsOf(run))
      if (node !== drill.node) {
        const at = injected.began - watch.offsetMs(node)
        book.note(drill.id, { at, kind: 'injected', nodeId: node, text: `${fault.kind} begins` })
        continue
      }
      drill.injectedAt = Math.round(injected.began - watch.offsetMs(node))
      drill.injectionMs = injected.ended - injected.began
    }
  } catch (thrown) {
    const cause = appErrorFrom(thrown)
    if (cause.effect === 'none' && places.length === 1) return { ending: 'failed', said: cause.message }
    // It may stand, or be on its way still: from here on it is taken back like one that does.
    const at = clock.now()
    if ((await takeBack(run)) !== 'nobody') Object.assign(drill, { injectedAt: at, revertedAt: clock.now() })
    return { ending: 'failed', said: cause.message }
  }
  book.note(drill.id, {
    at: drill.injectedAt ?? clock.now(),
    kind: 'injected',
    nodeId: drill.node,
    text: `${fault.kind} begins`,
  })
  enter(run, 'holding', `${fault.kind} stands on ${places.join(', ')} for ${seconds(holdMs)}.`)
  let ended: Ended
  try {
    ended = await holdFault(run, watch, (leftMs) => tellProgress(run, watch, leftMs))
  } catch (thrown) {
    if (signal.aborted) throw thrown
    ended = { ending: 'failed', said: appErrorFrom(thrown).message }
  }
  if (ended.ending === 'time') await countPhantoms(run, watch)
  enter(run, 'reverting', ended.said)
  drill.revertedAt = clock.now()
  const by = await takeBack(run)
  return by === 'guard' && ended.ending === 'time'
    ? { ending: 'guard', said: 'The node took the fault back by itself.' }
    : ended
}

/** What the node still believes in of an address that another one has. The way back does not wait for it for long. */
async function countPhantoms(run: Run, watch: DrillWatch): Promise<void> {
  const { parts, drill, signal } = run
  const { host } = drill.plan.probe
  const holders = watch.holders()
  if (holders.length === 0 || faultedOf(drill).some((node) => holders.includes(node))) return
  try {
    const limits = { signal, timeoutMs: phantomsMs }
    const count = await parts.faults.connectionsTo(await sessionOf(run, drill.node), host, limits)
    drill.phantoms = count
    if (count === 0) return
    const what = count === 1 ? 'one connection' : `${count} connections`
    const text = `still believes in ${what} to ${host}, which it has lost`
    parts.book.note(drill.id, { kind: 'phantoms', nodeId: drill.node, text })
  } catch (thrown) {
    if (signal.aborted) throw thrown
    const text = `its connections were not counted: ${appErrorFrom(thrown).message}`
    parts.book.note(drill.id, { kind: 'problem', nodeId: drill.node, text })
  }
}

/** Clients are answered again and the address is where it belongs, or the time for that is over. */
async function settle(run: Run, watch: DrillWatch): Promise<void> {
  const { parts, drill, signal } = run
  const { clock } = parts
  const { failback, moves } = drill.prediction
  enter(run, 'confirming', 'Waiting until everything is as it was.')
  const until = clock.monotonic() + (failback?.after.latestMs ?? 0) * 2 + settleMs
  let quietSince: number | null = null
  let announced = !watch.wasSplit()
  while (clock.monotonic() < until) {
    await clock.sleep(tickMs, signal)
    tellProgress(run, watch, null)
    const [holder, ...others] = watch.holders()
    // whoever is not seen any more has it again when nobody else does
    const isBack = holder === undefined && drill.holder !== null && watch.isUnseen(drill.holder)
    if ((holder === undefined && !isBack) || others.length > 0) {
      quietSince = null
      continue
    }
    if (!announced && holder !== undefined) {
      announced = true
      await announce(run, holder)
    }
    const inPlace = (failback === null && moves) || isBack || holder === drill.holder
    const now = clock.monotonic()
    quietSince = inPlace && watch.live().gapMs < shortGapMs ? (quietSince ?? now) : null
    if (quietSince !== null && now - quietSince > steadyAgainMs) return
  }
}

/** After two nodes had the address, neighbours may keep to the one that has it no more, until they are told. */
async function announce(run: Run, holder: DrillRecord['node']): Promise<void> {
  const { parts, drill, signal } = run
  const { router, fault } = drill.plan
  try {
    const scope = await faultScope(parts, { router, node: holder, fault }, signal)
    await parts.faults.announce(await sessionOf(run, holder), scope, limitsOf(run))
    parts.book.note(drill.id, { kind: 'announced', nodeId: holder, text: 'the rightful owner is announced' })
  } catch (thrown) {
    if (signal.aborted) throw thrown
    parts.book.note(drill.id, { kind: 'problem', nodeId: holder, text: `not announced: ${appErrorFrom(thrown).message}` })
  }
}

const lastTold = new WeakMap<DrillRecord, number>()

function tellProgress({ parts, drill }: Run, watch: DrillWatch, guardLeftMs: number | null): void {
  const at = parts.clock.now()
  if (at - (lastTold.get(drill) ?? 0) < progressMs) return
  lastTold.set(drill, at)
  const { gapMs, longestGapMs, sent, failed, holders } = watch.live()
  parts.publish('drill.progressed', { id: drill.id, at, gapMs, longestGapMs, sent, failed, holders: [...holders], guardLeftMs })
}
