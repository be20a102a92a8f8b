import type { DrainPlace, DrainRecord } from '#contract'
import type { Clock } from '../ports/clock.ts'
import type { DrainBook } from './drain-book.ts'
import type { DrainJobs } from './drain-jobs.ts'
import { nameOf, type PlaceLedger } from './place-ledger.ts'

/** A place that is undone this often within this time is no longer repaired, until the time has passed. */
const mostRepairs = 3
const repairsWithinMs = 60_000
/** Sessions are told to end; one that does not is told again this often. */
const mostCuts = 3

/**
 * Starts the job that makes the places of a drain agree with its goal, where one is needed and none is under way.
 * @throws AppError `job.conflict` while another job holds a node
 */
export function createDrainActions({
  book,
  ledger: { memoryOf },
  drainJobs,
  clock,
}: {
  book: DrainBook
  ledger: PlaceLedger
  drainJobs: DrainJobs
  clock: Clock
}) {
  const cuts = new WeakMap<DrainRecord, number>()

  function act(drain: DrainRecord): void {
    if (drainJobs.isUnderWay(drain)) return
    const wanting = drain.places.filter((place) => place.unreadSince === null && memoryOf(place).needs !== null)
    if (drain.goal === 'back') return void drainJobs.restore(drain, wanting)
    const chosen = wanting.filter((place) => place.phase !== 'returned' || mayRepair(drain, place))
    if (drainJobs.set(drain, drain.goal === 'out' ? 'drain' : 'maint', chosen)) {
      for (const place of chosen) if (place.phase === 'returned') memoryOf(place).repairs.push(clock.monotonic())
      return
    }
    const busy = drain.places.filter(({ unreadSince, left }) => unreadSince === null && left !== null && countOf(left) > 0)
    if (!drain.finishing || wanting.length > 0 || busy.length === 0) return
    const tried = cuts.get(drain) ?? 0
    cuts.set(drain, tried + 1)
    if (tried < mostCuts) drainJobs.shutdown(drain, busy)
    else if (tried === mostCuts)
      book.note(drain, 'alarm', `Sessions are left although they were told to end ${mostCuts} times.`)
  }

  function mayRepair(drain: DrainRecord, place: DrainPlace): boolean {
    if (drain.onViolation === 'alarm') return false
    const own = memoryOf(place)
    const now = clock.monotonic()
    own.repairs = own.repairs.filter((at) => now - at < repairsWithinMs)
    if (own.repairs.length < mostRepairs) {
      own.alarmed = false
      return true
    }
    if (!own.alarmed) {
      const text = `it was drained ${mostRepairs} times within a minute and came back each time. Something else, such as its agent-check, decides: stop that, or put it back. It is tried again in a minute.`
      book.note(drain, 'alarm', `${nameOf(place)}: ${text}`, place.nodeId)
    }
    own.alarmed = true
    return false
  }

  return {
    act,
    /** Sessions may be told to end once more. */
    forgetCuts: (drain: DrainRecord) => cuts.delete(drain),
  }
}

const countOf = (left: NonNullable<DrainPlace['left']>): number => left.sessions + left.queue + (left.oldSessions ?? 0)
