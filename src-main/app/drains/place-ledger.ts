import type { DrainEvent, DrainPlace, DrainRecord } from '#contract'
import {
  evidenceOf,
  isPlaceEmpty,
  isPlaceQuiet,
  judgePlace,
  verdictWhenSet,
  type PlaceVerdict,
} from '../../domain/drain/judge-place.ts'
import type { PlaceReading } from '../../domain/drain/place-reading.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrainBook } from './drain-book.ts'
import { beforeOf, leftOf } from './place-record.ts'

/** What is known of a place beside its record, and found out again after a restart. */
export interface PlaceMemory {
  needs: PlaceVerdict['needs']
  /** it was quiet, but this can bring clients back as long as it is not in maintenance */
  stickyBy: string[]
  /** sessions it had been given by this worker when it was first seen to be out */
  base: { worker: number; total: number | null } | null
  /** monotonic times at which it was set after the first time */
  tries: number[]
  alarmed: boolean
  /** how often a job has set it */
  sets: number
}

export type PlaceLedger = ReturnType<typeof createPlaceLedger>

/** Writes what was read of a place into its record, and into the timeline what has changed. Saving is the caller's. */
export function createPlaceLedger({ book, clock }: { book: DrainBook; clock: Clock }) {
  const memory = new WeakMap<DrainPlace, PlaceMemory>()

  const memoryOf = (place: DrainPlace): PlaceMemory => {
    const known = memory.get(place) ?? { needs: null, stickyBy: [], base: null, tries: [], alarmed: false, sets: 0 }
    memory.set(place, known)
    return known
  }

  function prove(drain: DrainRecord, place: DrainPlace, reading: PlaceReading | null): void {
    if (drain.goal === 'back' || (place.proof !== null) === (reading !== null)) return
    place.proof = reading === null ? null : { at: clock.now(), evidence: evidenceOf(reading) }
    const text = reading === null ? 'is not empty any more' : 'is empty'
    book.note(drain, reading === null ? 'not-empty' : 'place-empty', `${nameOf(place)} ${text}.`, place.nodeId)
  }

  function tellPhase(drain: DrainRecord, place: DrainPlace, was: DrainPlace['phase']): void {
    const { phase, nodeId, said } = place
    const note = (kind: DrainEvent['kind'], text: string): void => book.note(drain, kind, `${nameOf(place)}: ${text}`, nodeId)
    if (phase === 'returned') {
      place.violations += 1
      note('violated', said)
    } else if (phase === 'gone' || phase === 'taken') note(phase, said)
    else if (phase === 'in-force' && was === 'returned') note('reasserted', 'it is out again.')
    else if (phase === 'in-force' || phase === 'already-out') note('set', said === '' ? 'it is out.' : said)
  }

  return {
    memoryOf,

    /** `reading` null: there is no such server. */
    read(drain: DrainRecord, place: DrainPlace, reading: PlaceReading | null): void {
      const { nodeId } = place
      // It stays as it was put back; only a job that comes after all makes it worth another look.
      if (drain.goal === 'back' && place.phase === 'restored') return
      const own = memoryOf(place)
      if (place.unreadSince !== null) {
        place.unreadSince = null
        book.note(drain, 'reached', `${nodeId} can be asked again.`, nodeId)
      }
      if (place.before === null && reading !== null && drain.goal !== 'back') place.before = beforeOf(reading)
      const was = place.phase
      // Never set, so there is nothing to put back; never there, so there is nothing to drain.
      const verdict: PlaceVerdict =
        place.before !== null
          ? judgePlace(drain.goal, place.before, was, reading, own.base?.worker)
          : { phase: drain.goal === 'back' ? 'restored' : 'gone', said: 'It is not there.', needs: null }
      place.phase = verdict.phase
      place.said = verdict.said
      place.health = reading?.health ?? null
      own.needs = verdict.needs
      if (was !== verdict.phase) tellPhase(drain, place, was)
      if (reading === null) return
      if (place.phase === 'in-force' && reading.health === 'down') place.wasDown = true
      const out = place.phase === 'in-force' || place.phase === 'already-out' || place.phase === 'taken'
      if (out && own.base?.worker !== reading.worker) own.base = { worker: reading.worker, total: reading.totalSessions }
      place.left = leftOf(reading, clock.now(), out ? (own.base?.total ?? null) : null)
      const empty = out && isPlaceEmpty(reading)
      own.stickyBy = out && !empty && isPlaceQuiet(reading) ? reading.stickyBy : []
      prove(drain, place, empty ? reading : null)
    },

    /** The balancer cannot be asked. */
    miss(drain: DrainRecord, place: DrainPlace, why: string): void {
      if (place.unreadSince !== null) return
      place.unreadSince = clock.now()
      // Nobody can vouch for it now.
      place.proof = null
      book.note(drain, 'waiting', `${place.nodeId} cannot be asked: ${why}`, place.nodeId)
    },

    /** The node is not in the inventory any more. */
    removed(drain: DrainRecord, place: DrainPlace): void {
      if (place.phase === 'gone') return
      const said = 'The node is no longer in the inventory.'
      const was = place.phase
      Object.assign(place, { phase: 'gone', said, unreadSince: null, proof: null })
      tellPhase(drain, place, was)
    },

    /** A job has put it out, or it is not known whether it has; what that is worth, the next reading says. */
    wasSet(drain: DrainRecord, place: DrainPlace, certain: boolean): void {
      const was = place.phase
      const own = memoryOf(place)
      own.sets += 1
      if (certain) own.needs = null
      // What was put back before has to be looked at once more.
      const { phase, said } = verdictWhenSet(drain.goal, place.before)
      if (certain || was === 'restored') Object.assign(place, { phase, said })
      if (certain && was !== phase) tellPhase(drain, place, was)
    },

    /** A job has read that it is as it was before. */
    wasRestored(place: DrainPlace): void {
      const own = memoryOf(place)
      own.sets += 1
      own.needs = null
      Object.assign(place, { phase: 'restored', said: '' })
    },
  }
}

export const nameOf = ({ pool, server, nodeId }: DrainPlace): string => `${pool}/${server} on ${nodeId}`
