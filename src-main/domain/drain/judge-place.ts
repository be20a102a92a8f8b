/**
 * What one place is, measured against what is wanted of it.
 *
 * The bits of `srv_admin_state` decide, not the daemon's word (see domain/haproxy/server-state.ts). Weight 0 stops new work as a drain
 * does, but it belongs to the state before: what counts as in force is the bit that was set. A server in maintenance takes less than a
 * draining one, so whoever put it there is not contradicted; only `back` undoes it.
 */
import type { DrainBefore, DrainPlace, DrainRecord, PlacePhase } from '#contract'
import { isInMaintenance, isDrained, quietS } from '../haproxy/server-state.ts'
import type { PlaceReading } from './place-reading.ts'

export interface PlaceVerdict {
  phase: PlacePhase
  said: string
  /** what has to be done to make it agree with the goal; null = nothing */
  needs: 'drain' | 'maint' | 'restore' | null
}

/** `last` is the phase it was in when it was read before, `lastWorker` the process that had it out then; null = not known. */
export function judgePlace(
  goal: DrainRecord['goal'],
  before: DrainBefore,
  last: PlacePhase,
  now: PlaceReading | null,
  lastWorker: number | null = null,
): PlaceVerdict {
  if (now === null) return verdict('gone', 'The configuration has no such server any more.')
  if (now.address !== before.address) {
    return verdict(
      'gone',
      `It was ${before.address} and is now ${now.address}: another server has its name, and is left alone.`,
    )
  }
  if (goal === 'back') {
    if (isAsBefore(now, before)) return verdict('restored', '')
    return { phase: last, said: '', needs: 'restore' }
  }
  if (isInMaintenance(now.adminState)) {
    if (goal === 'maintenance' || isInMaintenance(before.adminState)) return verdictWhenSet(goal, before)
    const file = (now.adminState & 0x04) !== 0
    return verdict('taken', file ? 'The configuration file declares it disabled.' : 'Somebody else put it into maintenance.')
  }
  // nginx has no second step: a member that is out is as far out as it gets.
  if ((goal === 'out' || now.lines !== undefined) && isDrained(now.adminState))
    return verdict('in-force', now.weight === 0 ? 'Its weight is 0.' : '')
  const needs = goal === 'out' ? 'drain' : 'maint'
  // From drain to maintenance is a step forward; only a server that takes new work again has returned.
  if (last === 'unset' || isDrained(now.adminState)) return { phase: last === 'returned' ? 'in-force' : last, said: '', needs }
  return { phase: 'returned', said: whyReturned(now, lastWorker), needs }
}

/** What a place is that was `before` and has been put out. */
export function verdictWhenSet(goal: DrainRecord['goal'], before: DrainBefore | null): PlaceVerdict {
  return goal === 'out' && before !== null && isInMaintenance(before.adminState)
    ? verdict('already-out', 'It was in maintenance before, which takes more than a drain; it is left so.')
    : verdict('in-force', '')
}

/** On nginx to the letter: a line that says something else is for the one who puts it back to refuse. */
function isAsBefore(now: PlaceReading, before: DrainBefore): boolean {
  const written = ({ lines }: DrainBefore): string => (lines ?? []).map((line) => line.written).join('\n')
  return now.adminState === before.adminState && now.weight === before.weight && written(now) === written(before)
}

/** A worker that was there before has not forgotten anything: somebody told it. */
function whyReturned(now: PlaceReading, lastWorker: number | null): string {
  if (now.lines !== undefined)
    return 'It takes traffic again: somebody has edited its line, or another file was put in its place.'
  const told = now.agentCheck ? 'its agent-check or a hand command' : 'a hand command'
  const forgot = 'a reload or a restart (with load-server-state-from-file: its file is older than the drain)'
  const cause = lastWorker === null ? `${told}, or ${forgot},` : lastWorker === now.worker ? told : forgot
  return `It takes traffic again: ${cause} undid the drain.`
}

const verdict = (phase: PlacePhase, said: string): PlaceVerdict => ({ phase, said, needs: null })

/** Nobody is on it, nobody can be sent to it, and nobody was for `quietS`. */
export function isPlaceQuiet(now: PlaceReading): boolean {
  return isIdle(now) && (now.lastRequestS === null || now.lastRequestS >= quietS)
}

/**
 * Nobody is on it and nobody can come. Clients with a cookie or a stick table entry come to a draining server whenever they like, however long
 * it was quiet; only maintenance turns them away. nginx has no such second step, so there quiet has to do.
 */
export function isPlaceEmpty(now: PlaceReading): boolean {
  if (now.stickyBy.length === 0 || isInMaintenance(now.adminState)) return isIdle(now)
  return now.lines !== undefined && isPlaceQuiet(now)
}

const isIdle = ({ sessions, queue, oldSessions }: PlaceReading): boolean => sessions === 0 && queue === 0 && oldSessions === 0

/** Empty with proof, or no longer there. */
export function isDone({ proof, phase }: DrainPlace): boolean {
  return proof !== null || phase === 'gone'
}

/** The figures that `isPlaceEmpty` was judged by, as the daemon names them. */
export function evidenceOf(now: PlaceReading): string[] {
  if (now.lines !== undefined) return configEvidence(now)
  const old =
    now.oldWorkers.length === 0
      ? 'none'
      : now.oldWorkers.map((pid) => `${pid}: 0 sessions, 0 clients without a server`).join(', ')
  return [
    `show servers state: srv_admin_state=${now.adminState} srv_uweight=${now.weight}`,
    `show stat, worker ${now.worker}: scur=${now.sessions} qcur=${now.queue} stot=${now.totalSessions ?? ''} lastsess=${now.lastRequestS ?? -1}`,
    `old workers: ${old}`,
  ]
}

function configEvidence({ lines = [], address, worker, oldWorkers }: PlaceReading): string[] {
  const old = oldWorkers.length === 0 ? 'none' : `${oldWorkers.join(', ')}: 0 connections, 0 clients without a server`
  return [
    ...lines.map(({ file, line, written }) => `${file}:${line}: ${written};`),
    `ss: 0 connections to ${address} from worker ${worker} and its generation`,
    `old workers: ${old}`,
  ]
}
