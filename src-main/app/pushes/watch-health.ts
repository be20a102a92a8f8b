import type { PushHealth } from '#contract'
import type { ServiceReading } from '../../domain/fleet/reading.ts'
import {
  healthFigures,
  healthOf,
  ratesBetween,
  regressionOf,
  type Allowed,
  type HealthFigures,
  type Rates,
  type Regression,
} from '../../domain/push/judge-health.ts'
import { appErrorFrom } from '../app-error.ts'
import type { Clock } from '../ports/clock.ts'
import type { CallLimits } from '../ports/node-session.ts'
import type { NodeServices } from './parties.ts'
import { watchDoors, type DoorWatch, type Vantage } from './try-doors.ts'

/** From one reading's begin to the next one's; a slow node is left alone for half of that between two. */
const sampleMs = 1000
/** How long the figures of before are gathered. */
const baselineMs = 2000
/** Readings in a row that must agree: one alone may be a moment's. */
const inARow = 2

export interface Baseline {
  figures: HealthFigures
  rates: Rates
  doors: DoorWatch
}

/** How a node serves now. */
export async function readHealth({ session, services }: NodeServices, limits: CallLimits): Promise<HealthFigures> {
  const readings: ServiceReading[] = []
  for (const service of services) readings.push(await service.observe(session, limits))
  return healthFigures(readings)
}

/** `vantages`: from where its virtual addresses are tried, the best first. */
export async function takeBaseline(
  node: NodeServices,
  vantages: readonly Vantage[],
  clock: Clock,
  limits: CallLimits,
): Promise<Baseline> {
  const [first, since] = [await readHealth(node, limits), clock.monotonic()]
  const doors = await watchDoors(node, vantages, clock, limits)
  await clock.sleep(baselineMs, limits.signal)
  const [figures] = await Promise.all([readHealth(node, limits), doors.look(limits)])
  return { figures, rates: ratesBetween(first, figures, (clock.monotonic() - since) / 1000), doors }
}

/** Compares until `watchMs` have passed; answers what became worse, or null. A reading that fails counts as a moment's, until the next. */
export async function watchHealth(
  node: NodeServices,
  before: Baseline,
  { watchMs, ...allowed }: { watchMs: number } & Allowed,
  clock: Clock,
  limits: CallLimits & { stopped: () => boolean; onHealth: (health: { before: PushHealth; now: PushHealth }) => void },
): Promise<Regression | 'stopped' | null> {
  const began = clock.monotonic()
  await before.doors.keepConfigured(limits)
  const rates: Rates = { errors: 0, requests: 0, seconds: 0 }
  let last: { figures: HealthFigures; at: number } | null = null
  let suspect: { key: string; times: number } = { key: '', times: 0 }
  let unread = 0
  let seen = 0
  let lookedAt = began
  const isOver = (): boolean => clock.monotonic() - began >= watchMs
  // a slow node is not let off: it is read as often as it takes to judge it, and what was suspected last is looked at once more
  while (!isOver() || (watchMs > 0 && (seen < inARow || suspect.key !== ''))) {
    await clock.sleep(Math.max(sampleMs / 2, lookedAt + sampleMs - clock.monotonic()), limits.signal)
    if (limits.stopped()) return 'stopped'
    lookedAt = clock.monotonic()
    let figures: HealthFigures
    try {
      ;[figures] = await Promise.all([readHealth(node, limits), before.doors.look(limits)])
    } catch (thrown) {
      // The connection is another matter than the daemon: without it nobody can judge.
      if (limits.signal.aborted || appErrorFrom(thrown).code.startsWith('ssh.') || ++unread >= 3) throw thrown
      continue
    }
    unread = 0
    seen += 1
    const at = clock.monotonic()
    if (last !== null) {
      const more = ratesBetween(last.figures, figures, (at - last.at) / 1000)
      rates.errors += more.errors
      rates.requests += more.requests
      rates.seconds += more.seconds
    }
    last = { figures, at }
    limits.onHealth({ before: healthOf(before), now: healthOf({ figures, rates }) })
    const regression = regressionOf(before, { figures, rates }, allowed) ?? before.doors.worse()
    const wasWorse = suspect.key !== ''
    const key = regression === null ? '' : `${regression.metric} ${regression.subject}`
    suspect = key !== '' && key === suspect.key ? { key, times: suspect.times + 1 } : { key, times: 1 }
    if (regression !== null && (suspect.times >= inARow || (wasWorse && isOver()))) return regression
  }
  return null
}
