/*
 * What VRRP's arithmetic says of a fault. Model: the others notice a fault by an advert of priority 0 (at once), by adverts that no longer
 * come, or by adverts lower than their own priority, which a backup that may preempt does not take: both let its master down timer run
 * out, which began with the last advert that it did take, some unknown part of an interval before the fault. A backup with `nopreempt`
 * takes lower adverts, so that no weight ever makes it take over. Held against keepalived 2.2.7 in the lab (tests/lab/drill.lab.test.ts).
 */
import type { DrillPrediction, Interval, NodeId, RouterId } from '#contract'
import { masterDownMs, skewMs, type VrrpTimers } from './vrrp-timers.ts'

/** One member of a virtual router, as it stands now. */
export interface VrrpMember extends VrrpTimers {
  readonly nodeId: NodeId
  /** without what is tracked */
  readonly basePriority: number
  readonly nopreempt: boolean
  readonly preemptDelayMs: number
  readonly holds: boolean
  /** in FAULT, or its daemon does not run: it takes no part */
  readonly out: boolean
  /** a check of the balancer that runs here; null: nothing tells VRRP that the balancer is gone */
  readonly check: BalancerCheck | null
}

export interface BalancerCheck {
  readonly name: string
  readonly intervalMs: number
  readonly fall: number
  /** 0: a failed check is a fault of the whole instance */
  readonly weight: number
  /** asks the balancer for an answer, so that it notices one that hangs */
  readonly asksForAnswer: boolean
}

/** How a fault reaches VRRP and the clients. */
export interface FaultEffect {
  /** what the others hear from the node */
  readonly adverts: 'unchanged' | 'silent' | 'farewell' | 'lower'
  /** with `lower`: the priority that is left */
  readonly priority?: number
  /** until it is so: a check has to fail first */
  readonly after: Interval
  /** clients are answered by the node for as long as it has the address */
  readonly served: boolean
  /** once the fault is gone: its daemon starts anew, hears the others again, or goes on as the master it was */
  readonly back: 'starts' | 'listens' | 'resumes'
  readonly notes: readonly string[]
}

/** Until a daemon whose time has come has put the address and announced it: 4 to 14 ms on an idle machine (keepalived 2.2.7). */
const announcement: Interval = { earliestMs: 0, latestMs: 50 }
/** A daemon that is started listens first. */
const startUp: Interval = { earliestMs: 0, latestMs: 1500 }
/** A move from one that serves to another: clients ask the old one until they hear the new one's announcement. */
const handover: Interval = { earliestMs: 0, latestMs: 100 }
const none: Interval = { earliestMs: 0, latestMs: 0 }

const sum = (...parts: readonly Interval[]): Interval =>
  parts.reduce((total, { earliestMs, latestMs }) => ({
    earliestMs: total.earliestMs + earliestMs,
    latestMs: total.latestMs + latestMs,
  }))
const exactly = (ms: number): Interval => ({ earliestMs: ms, latestMs: ms })

/** Who would take the address when `node` goes, and since when its timer counts. */
interface Successor {
  member: VrrpMember
  /** until its timer is the only thing left to wait for */
  detection: Interval
  election: number
  formula: string
}

export interface PredictionInput {
  readonly router: RouterId
  readonly members: readonly VrrpMember[]
  readonly node: NodeId
  /** other members that the fault takes with it */
  readonly gone?: readonly NodeId[]
  readonly fault: DrillPrediction['fault']
  readonly effect: FaultEffect
  /** how often a client asks */
  readonly probeEveryMs: number
  /** how long before the fault the last advert was sent, where that is known: what is predicted is exact then */
  readonly sinceAdvertMs?: number
}

export function predict(input: PredictionInput): DrillPrediction {
  const { router, members, node, gone = [], fault, effect, probeEveryMs } = input
  const notes = [...effect.notes]
  const owner = members.find(({ nodeId }) => nodeId === node)
  const others = members.filter(({ nodeId, out }) => nodeId !== node && !out && !gone.includes(nodeId))
  const base = { router, node, fault, notes }
  const stays = (formula: string): DrillPrediction => ({
    ...base,
    moves: false,
    to: null,
    takeover: null,
    outage: effect.served ? none : null,
    failback: null,
    phases: [],
    formula,
  })
  if (owner === undefined || !owner.holds) return stays('The node does not hold the address, so it does not move.')
  if (effect.adverts === 'unchanged') return stays('Nothing of this reaches VRRP: the address stays.')
  const successor = successorOf(input, owner, others, notes)
  if (typeof successor === 'string') return stays(successor)
  const { member, detection, election, formula } = successor
  const failback = failbackOf(owner, member, effect)
  if (failback === null) {
    notes.push(
      `${member.nodeId} keeps the address afterwards. To bring it back, keepalived there is stopped for a moment, and new clients wait ${ms(skewMs(owner))} once more.`,
    )
  }
  const answer: Interval = { earliestMs: 0, latestMs: probeEveryMs + 30 }
  const takeover = sum(effect.after, detection, exactly(election), announcement)
  return {
    ...base,
    moves: true,
    to: member.nodeId,
    takeover,
    outage: effect.served ? handover : sum(takeover, answer),
    failback,
    phases: [
      { phase: 'detection', ...sum(effect.after, detection) },
      { phase: 'election', ...exactly(election) },
      { phase: 'announcement', ...announcement },
      { phase: 'answer', ...answer },
    ],
    formula,
  }
}

/** The member whose timer runs out first, or why none does. */
function successorOf(
  { effect, sinceAdvertMs }: PredictionInput,
  owner: VrrpMember,
  others: readonly VrrpMember[],
  notes: string[],
): Successor | string {
  if (others.length === 0) return 'No other member is there to take the address.'
  const left = effect.priority ?? 0
  const able = effect.adverts === 'lower' ? others.filter(({ nopreempt, priority }) => !nopreempt && priority > left) : others
  const heard = (member: VrrpMember): VrrpTimers => ({ ...member, advertMs: advertMsFor(member, owner) })
  const waitOf = (member: VrrpMember): number =>
    (effect.adverts === 'farewell' ? skewMs(heard(member)) : masterDownMs(heard(member))) +
    (effect.adverts === 'lower' ? member.preemptDelayMs : 0)
  const [first, second] = [...able].sort((one, other) => waitOf(one) - waitOf(other))
  if (first === undefined) return whyNobody(others, left)
  if (second !== undefined && waitOf(first) === waitOf(second)) {
    notes.push(`${first.nodeId} and ${second.nodeId} have the same priority: either may take it, the higher address keeps it.`)
  }
  const timers = heard(first)
  const [advertMs, skew] = [timers.advertMs, skewMs(timers)]
  const skewText =
    timers.version === 2 ? `(256 − ${first.priority}) ÷ 256 × 1000 ms` : `(256 − ${first.priority}) ÷ 256 × ${advertMs} ms`
  if (effect.adverts === 'farewell') {
    return { member: first, detection: none, election: skew, formula: `${skewText} = ${ms(skew)}: the others are told` }
  }
  const downMs = timers.downAdverts * advertMs
  const text = `${timers.downAdverts} × ${advertMs} ms + ${skewText} = ${ms(downMs + skew)} after the last advert`
  const delay = effect.adverts === 'lower' ? first.preemptDelayMs : 0
  if (delay > 0) {
    // Lower adverts are taken until the delay is over, which begins with the first of them.
    const detection = { earliestMs: delay + downMs - advertMs, latestMs: delay + downMs + advertMs }
    return { member: first, detection, election: skew, formula: `${text}, which is taken for ${delay} ms (preempt_delay)` }
  }
  const detection =
    sinceAdvertMs === undefined || effect.after.latestMs > 0
      ? { earliestMs: downMs - advertMs, latestMs: downMs }
      : exactly(Math.max(0, downMs - sinceAdvertMs))
  return { member: first, detection, election: skew, formula: text }
}

function whyNobody(others: readonly VrrpMember[], left: number): string {
  const barred = others.find(({ nopreempt, priority }) => nopreempt && priority > left)
  if (barred !== undefined) {
    return `${barred.nodeId} has nopreempt: it takes adverts of a lower priority for good, so no weight ever moves the address.`
  }
  const best = Math.max(...others.map(({ priority }) => priority))
  return `The node still has priority ${left}, and no other has more than ${best}: the address stays.`
}

/** A backup of version 3 counts with the interval of the adverts that it hears, one of version 2 with its own. */
export const advertMsFor = (member: VrrpMember, owner: VrrpMember): number =>
  member.version === 3 ? owner.advertMs : member.advertMs

function failbackOf(owner: VrrpMember, successor: VrrpMember, { back, adverts }: FaultEffect): DrillPrediction['failback'] {
  // Both have been masters meanwhile: the one of the higher priority stays, at once.
  if (back === 'resumes') return owner.priority > successor.priority ? { after: announcement, outage: handover } : null
  if (owner.nopreempt || owner.priority <= successor.priority) return null
  const timers = { ...owner, advertMs: advertMsFor(owner, successor) }
  const down = masterDownMs(timers)
  const delay = owner.preemptDelayMs
  const wait =
    back === 'starts'
      ? sum(startUp, exactly(down + delay))
      : // Its timer began with the last advert it took; with a fault of its own it begins anew.
        {
          earliestMs: down + delay - (adverts === 'lower' ? timers.advertMs : 0),
          latestMs: down + delay + (delay > 0 ? timers.advertMs : 0),
        }
  return { after: sum(wait, announcement), outage: handover }
}

const ms = (value: number): string => `${Math.round(value)} ms`
