import type { DrainPlace, DrainRecord } from '#contract'
import { AppError } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrainBook } from './drain-book.ts'
import type { DrainJobs } from './drain-jobs.ts'
import { nameOf, type PlaceLedger } from './place-ledger.ts'

/** A place that was set this often within this time, and is undone again, is left alone until the time has passed. */
const mostTries = 3
const triesWithinMs = 60_000
/** Sessions are told to end; one that does not is told again this often. */
const mostCuts = 3

/**
 * Starts the jobs that make the places of a drain agree with its goal, one for each node, so that none waits for another; only the first
 * setting is one job, which is done as a whole or taken back.
 * @throws AppError `job.conflict` while another job holds a node; what can be done on the others has begun
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
    const busy = drainJobs.busyNodes(drain)
    const free = drain.places.filter(({ unreadSince, nodeId }) => unreadSince === null && !busy.has(nodeId))
    const wanting = free.filter((place) => memoryOf(place).needs !== null)
    if (drain.goal === 'back') return onEachNode(wanting, (places) => drainJobs.restore(drain, places))
    const state = drain.goal === 'out' ? 'drain' : 'maint'
    if (drain.state === 'starting' && drain.unreachable === 'refuse') {
      if (busy.size > 0 || wanting.length === 0) return
      const silent = drain.places.find(({ unreadSince }) => unreadSince !== null)
      if (silent !== undefined && !drain.places.some(({ phase }) => phase === 'in-force')) {
        throw new AppError(
          'node.unreachable',
          `Nothing was drained, because ${silent.nodeId} cannot be asked any more and would keep sending requests.`,
        )
      }
      drainJobs.set(drain, state, wanting)
      return
    }
    onEachNode(
      wanting.filter((place) => maySet(drain, place)),
      (places) => {
        drainJobs.set(drain, state, places)
        for (const place of places) memoryOf(place).tries.push(clock.monotonic())
      },
    )
    if (drain.finishing && wanting.length === 0) cut(drain, free)
  }

  function cut(drain: DrainRecord, free: readonly DrainPlace[]): void {
    const carrying = free.filter(({ left }) => left !== null && countOf(left) > 0)
    if (carrying.length === 0) return
    const tried = cuts.get(drain) ?? 0
    cuts.set(drain, tried + 1)
    if (tried < mostCuts) onEachNode(carrying, (places) => drainJobs.shutdown(drain, places))
    else if (tried === mostCuts)
      book.note(drain, 'alarm', `Sessions are left although they were told to end ${mostCuts} times.`)
  }

  function maySet(drain: DrainRecord, place: DrainPlace): boolean {
    if (place.phase === 'returned' && drain.onViolation === 'alarm') return false
    const own = memoryOf(place)
    const now = clock.monotonic()
    own.tries = own.tries.filter((at) => now - at < triesWithinMs)
    if (own.tries.length < mostTries) {
      own.alarmed = false
      return true
    }
    if (!own.alarmed) {
      const text = `it was set ${mostTries} times within a minute and is not as wanted. Something else, such as its agent-check, decides: stop that, or put it back. It is tried again in a minute.`
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

/** What cannot be begun on one node does not keep the others waiting. */
function onEachNode(places: readonly DrainPlace[], begin: (places: DrainPlace[]) => void): void {
  let failure: unknown = null
  for (const nodeId of new Set(places.map((place) => place.nodeId))) {
    try {
      begin(places.filter((place) => place.nodeId === nodeId))
    } catch (thrown) {
      failure ??= thrown
    }
  }
  if (failure !== null) throw failure
}

/** Who has no server yet cannot be told to end: on HAProxy he is given another, on an old worker his time runs out. */
const countOf = (left: NonNullable<DrainPlace['left']>): number => left.sessions + (left.oldSessions ?? 0)
