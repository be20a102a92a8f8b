/*
 * Drills at set times. A time that falls due is considered once: it is written down as considered before anything is begun, so that a console
 * that is killed meanwhile does not begin the same drill again. Only the console that may change things looks, and only while it runs;
 * a time that passed without one is skipped and says so.
 */
import { randomUUID } from 'node:crypto'
import type {
  DrillId,
  DrillPlan,
  DrillSchedule,
  DrillScheduleId,
  DrillScheduleRequest,
  DrillScheduleView,
  PlanFinding,
} from '#contract'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { HistoryService } from '../history-service.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { ScheduleRepo } from '../ports/store.ts'
import { checkTimes, latestTime, nextTime } from './due-times.ts'

const lookEveryMs = 15_000
/** A drill that could not begin when it was due is not made up for later than this. */
const latestMs = 5 * 60_000
const runsShown = 20

export interface DrillSchedulesParts {
  repo: ScheduleRepo
  parsePlan: (text: string) => { plan: DrillPlan | null; findings: PlanFinding[] }
  /** what else goes on that a drill must not disturb, a sentence each */
  standsAgainst: (plan: DrillPlan) => string[]
  /** throws what its preflight found */
  start: (planText: string, by: { author: string; reason: string }) => Promise<{ id: DrillId }>
  history: HistoryService
  isDriver: () => boolean
  clock: Clock
  log: Log
}

export type DrillSchedules = ReturnType<typeof createDrillSchedules>

export function createDrillSchedules({
  repo,
  parsePlan,
  standsAgainst,
  start,
  history,
  isDriver,
  clock,
  log,
}: DrillSchedulesParts) {
  const ending = new AbortController()
  let looking: Promise<void> | null = null

  const blockedAt = ({ blocked, timeZone }: DrillSchedule, at: number): string | null =>
    blocked.find(({ cron, forMs }) => {
      const began = latestTime({ cron, timeZone }, at)
      return began !== null && at < began + forMs
    })?.why ?? null

  function view(schedule: DrillSchedule): DrillScheduleView {
    const nextAt = nextTime(schedule, clock.now())
    const nextBlockedBy = nextAt === null ? null : blockedAt(schedule, nextAt)
    return { schedule, nextAt, nextBlockedBy, runs: repo.runs(schedule.id, runsShown) }
  }

  function skip({ id, name, cron, timeZone }: DrillSchedule, at: number, why: string): void {
    repo.addRun(id, { at, drill: null, skipped: why })
    history.append([
      {
        at: clock.now(),
        kind: 'drill.skipped',
        nodeId: null,
        subject: id,
        data: { title: name, due: at, why, cron, timeZone },
      },
    ])
  }

  async function consider(schedule: DrillSchedule, at: number): Promise<void> {
    const now = clock.now()
    if (now - at > latestMs) return skip(schedule, at, 'Evenkeel did not run when it was due.')
    const blocked = blockedAt(schedule, at)
    if (blocked !== null) return skip(schedule, at, `It fell into a blocked window: ${blocked}.`)
    const { plan } = parsePlan(schedule.plan)
    if (plan === null) return skip(schedule, at, 'Its plan is no plan any more for this version of Evenkeel.')
    const against = standsAgainst(plan)
    if (against.length > 0) return skip(schedule, at, against.join(' '))
    try {
      const { id } = await start(schedule.plan, { author: schedule.author, reason: `scheduled: ${schedule.reason}` })
      repo.addRun(schedule.id, { at, drill: id, skipped: null })
    } catch (error) {
      skip(schedule, at, appErrorFrom(error).message)
    }
  }

  /** Whatever has fallen due since it was last looked. */
  async function look(): Promise<void> {
    if (!isDriver()) return
    for (const { schedule, consideredUntil } of repo.list()) {
      const due = latestTime(schedule, clock.now())
      if (due === null || due <= consideredUntil) continue
      repo.consider(schedule.id, due)
      await consider(schedule, due)
    }
  }

  async function keepLooking(): Promise<void> {
    while (!ending.signal.aborted) {
      await look().catch((error: unknown) => log.error('drill schedules', { error }))
      await clock.sleep(lookEveryMs, ending.signal).catch(() => undefined)
    }
  }

  return {
    list: (): DrillScheduleView[] => repo.list().map(({ schedule }) => view(schedule)),

    /** Throws `request.invalid`. */
    add(request: DrillScheduleRequest, author: string): DrillScheduleView {
      const now = clock.now()
      const { plan, findings } = parsePlan(request.plan)
      if (plan === null) {
        const [first] = findings.filter(({ severity }) => severity === 'error')
        const where = first?.line == null ? '' : ` (line ${first.line})`
        throw new AppError('request.invalid', `This is not a plan of a drill${where}: ${first?.message ?? 'it is empty'}`)
      }
      checkTimes(request, now)
      for (const { cron } of request.blocked) latestTime({ cron, timeZone: request.timeZone }, now)
      const id = randomUUID() as DrillScheduleId
      const schedule: DrillSchedule = { ...request, id, name: plan.name, author, createdAt: now }
      repo.put(schedule, now)
      return view(schedule)
    },

    /** Its runs stay in the history. Throws `request.not-found`. */
    remove(id: DrillScheduleId): void {
      if (!repo.remove(id))
        throw new AppError('request.not-found', `There is no schedule ${id}; "evenkeel drill schedules" lists them.`)
    },

    look,

    watch(): void {
      looking ??= keepLooking()
    },
    async stop(): Promise<void> {
      ending.abort(new Error('closing'))
      await looking
    },
  }
}
