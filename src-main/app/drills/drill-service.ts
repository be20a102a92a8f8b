import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import {
  DrillId,
  DrillRecord,
  DrillView,
  type CatalogueEntry,
  type DrillCheck,
  type DrillLever,
  type DrillObstacle,
  type DrillPrediction,
  type DrillTrend,
  type FaultKind,
  type JobId,
  type NodeId,
  type ReportSignature,
  type RouterId,
  type RouterView,
} from '#contract'
import { reportHtml } from '../../domain/drill/report-html.ts'
import { reportMarkdown } from '../../domain/drill/report-markdown.ts'
import { trendOf } from '../../domain/drill/trend.ts'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { FleetService } from '../fleet-service.ts'
import type { JobRunner } from '../jobs/job-runner.ts'
import type { Clock } from '../ports/clock.ts'
import type { Log } from '../ports/log.ts'
import type { PrintPage } from '../ports/print-page.ts'
import type { DrillRepo } from '../ports/store.ts'
import type { DrillBook } from './drill-book.ts'
import { drillKind, type DrillJobInput } from './drill-job.ts'
import { createDrillPlanner, type PlannerParts } from './drill-planner.ts'

export interface DrillService {
  catalogue(router: RouterId | undefined, signal: AbortSignal): Promise<CatalogueEntry[]>
  predict(
    wish: { router: RouterId; node?: NodeId | undefined; fault: FaultKind },
    signal: AbortSignal,
  ): Promise<DrillPrediction>
  /** A plan to begin with, as YAML. */
  template(
    wish: { router: RouterId; node?: NodeId | undefined; fault: FaultKind; port: number },
    signal: AbortSignal,
  ): Promise<string>
  check(text: string, signal: AbortSignal): Promise<DrillCheck>
  /** Answers once it is journaled and begins. @throws AppError `drill.refused` naming every obstacle */
  start(text: string, by: { author: string; reason: string }, signal: AbortSignal): Promise<DrillRecord>
  /** The fault is taken back at once, and the drill ends with what it has seen. */
  stop(id: DrillId): DrillRecord
  stopAll(): DrillRecord[]
  lever(): DrillLever
  setLever(blocked: boolean, by: { by: string; reason: string }): DrillLever
  get(id: DrillId): DrillView
  list(query: { limit: number; router?: RouterId | undefined }): DrillRecord[]
  report(id: DrillId, format: ReportFormat): { name: string; text: string; sha256: string; signature: ReportSignature | null }
  /** @throws AppError `exec.*`: it cannot be printed here */
  reportPdf(id: DrillId, signal: AbortSignal): Promise<{ name: string; pdf: Buffer }>
  trend(router: RouterId | undefined): DrillTrend[]
  isStopped(id: DrillId): boolean
  mayBegin(id: DrillId, job: JobId): boolean
  /** Follows the drills that another process has begun, once their jobs have been taken up. */
  takeUp(): void
  /** Stops every drill and waits for its fault to be taken back: before the connections end. */
  shutDown(): Promise<void>
}

/** Written by `reportJson`; what later versions have added to a record is not in older reports. */
const StoredReport = v.object({ ...DrillView.entries, record: v.omit(DrillRecord, ['reportSha256', 'reportSignature']) })

export type ReportFormat = 'json' | 'markdown' | 'html'

/** An application that quits waits this long for faults to be taken back; then it is the guards' turn. */
const shutDownMs = 30_000
const nobody: DrillLever = { blocked: false, by: '', reason: '', since: null }

export function createDrillService({
  book,
  repo,
  fleet,
  jobs,
  clock,
  log,
  product,
  printPage,
  ...planning
}: Omit<PlannerParts, 'standsAgainst' | 'fleet'> & {
  book: DrillBook
  repo: DrillRepo
  fleet: FleetService
  jobs: () => JobRunner
  clock: Clock
  log: Log
  /** null: this shell has nothing that prints */
  printPage: PrintPage | null
  /** of Evenkeel */
  product: string
}): DrillService {
  /** drills that this process has begun, with their jobs */
  const begun = new Map<DrillId, JobId | null>()
  const planner = createDrillPlanner({ ...planning, fleet, standsAgainst })
  const lever = (): DrillLever => repo.lever() ?? nobody

  function standsAgainst(router: RouterView | null): DrillObstacle[] {
    const obstacles: DrillObstacle[] = []
    const { blocked, by, reason } = lever()
    if (blocked) {
      obstacles.push({
        kind: 'lever',
        blocking: true,
        message: `New drills are blocked by ${by}: ${reason} ("evenkeel drill lever allow" ends that).`,
      })
    }
    const open = book
      .open()
      .find(({ plan, environment }) =>
        router === null
          ? false
          : plan.router === router.id ||
            environment.members.some(({ nodeId }) => router.members.some((each) => each.nodeId === nodeId)),
      )
    if (open !== undefined) {
      obstacles.push({
        kind: 'other-drill',
        blocking: true,
        message: `The drill "${open.plan.name}" of ${open.author} is not over there.`,
      })
    }
    return obstacles
  }

  function recordFrom(check: DrillCheck, author: string, reason: string): DrillRecord {
    const { plan, node, alsoOn, prediction } = check
    if (plan === null || node === null || prediction === null || !check.ready) throw refused(check)
    const { routers, nodes } = fleet.snapshot()
    const router = routers.find(({ id }) => id === plan.router)
    const members = (router?.members ?? []).map(({ nodeId, effectivePriority }) => ({
      nodeId,
      priority: effectivePriority,
      services: (nodes.find(({ id }) => id === nodeId)?.services ?? []).map(({ kind, version }) => `${kind} ${version}`),
    }))
    return {
      id: v.parse(DrillId, randomUUID()),
      plan,
      environment: { evenkeel: product, members },
      author,
      reason,
      createdAt: clock.now(),
      endedAt: null,
      state: 'preparing',
      said: 'Reading how every member is now.',
      node,
      alsoOn,
      holder: router?.holders[0] ?? null,
      prediction,
      injectedAt: null,
      injectionMs: null,
      revertedAt: null,
      ending: null,
      verdict: null,
      grounds: [],
      restored: null,
      differences: [],
      takeoverMs: null,
      lastAdvert: null,
      phantoms: null,
      phases: [],
      figures: [],
      reportSha256: null,
      reportSignature: null,
    }
  }

  /** A drill whose job never came to it: it could not be prepared, or the console ended before. */
  async function endUntouched(id: DrillId, ending: 'failed' | 'interrupted', said: string): Promise<void> {
    const drill = book.find(id)
    if (drill.endedAt !== null) return
    Object.assign(drill, {
      ending,
      said,
      verdict: 'untested',
      grounds: [said],
      restored: drill.injectedAt === null ? true : null,
    })
    await book.close(drill)
  }

  async function follow(id: DrillId, jobId: JobId): Promise<void> {
    const { state, error } = await jobs().settled(jobId)
    if (state === 'ended') await endUntouched(id, 'failed', error?.message ?? 'The job ended before the drill had begun.')
    begun.delete(id)
  }

  const followLoud = (id: DrillId, jobId: JobId): Promise<void> =>
    follow(id, jobId).catch((thrown: unknown) => {
      log.error('a drill was left unfinished', { drill: id, error: appErrorFrom(thrown).message })
    })

  return {
    catalogue: (router, signal) => planner.catalogue(router, signal),
    predict: (wish, signal) => planner.predict(wish, signal),
    template: (wish, signal) => planner.template(wish, signal),
    check: (text, signal) => planner.check(text, signal),

    async start(text, { author, reason }, signal) {
      const drill = recordFrom(await planner.check(text, signal), author, reason)
      const members = drill.environment.members.map(({ nodeId }) => nodeId)
      const input: DrillJobInput = { drill: drill.id, title: `Drill: ${drill.plan.name}`, node: drill.node, members }
      begun.set(drill.id, null)
      book.save(drill, 'drill.started', { fault: drill.plan.fault.kind, router: drill.plan.router, author, reason })
      try {
        const jobId = jobs().start(drillKind, input, { requestedBy: author, reason, id: drill.id as string as JobId })
        begun.set(drill.id, jobId)
        book.note(drill.id, { kind: 'started', nodeId: null, text: `${author}: ${reason}` })
        void followLoud(drill.id, jobId)
      } catch (thrown) {
        begun.delete(drill.id)
        await endUntouched(drill.id, 'failed', appErrorFrom(thrown).message)
        throw thrown
      }
      return book.find(drill.id)
    },

    stop(id) {
      const drill = book.find(id)
      if (drill.endedAt !== null) throw new AppError('job.conflict', `The drill "${drill.plan.name}" is over.`)
      repo.askStop(id, clock.now())
      return drill
    },
    stopAll() {
      const open = book.open()
      for (const { id } of open) repo.askStop(id, clock.now())
      return open
    },

    lever,
    setLever(blocked, { by, reason }) {
      const next: DrillLever = { blocked, by, reason, since: clock.now() }
      repo.setLever(next)
      return next
    },

    get: (id) => book.view(id),
    list: (query) => book.list(query),

    report(id, format) {
      const data = book.report(id)
      const { record } = book.view(id)
      const name = `drill-${new Date(record.createdAt).toISOString().slice(0, 16).replace(/[-:]/g, '')}`
      const sha256 = record.reportSha256 ?? ''
      const signature = record.reportSignature
      if (format === 'json') return { name: `${name}.json`, text: data, sha256, signature }
      const kept = v.safeParse(StoredReport, JSON.parse(data))
      if (!kept.success)
        throw new AppError('store.corrupt', `The report of the drill ${id} cannot be read any more; as data it can ("--json").`)
      const view: DrillView = {
        ...kept.output,
        record: { ...kept.output.record, reportSha256: sha256, reportSignature: record.reportSignature },
      }
      return format === 'html'
        ? { name: `${name}.html`, text: reportHtml(view), sha256, signature }
        : { name: `${name}.md`, text: reportMarkdown(view), sha256, signature }
    },

    async reportPdf(id, signal) {
      const { name, text } = this.report(id, 'html')
      if (printPage === null)
        throw new AppError('exec.not-found', 'Nothing can be printed from here; the report as HTML can be.')
      return { name: name.replace(/html$/, 'pdf'), pdf: await printPage(text, signal) }
    },

    trend: (router) => trendOf(book.list({ limit: 500, router })),
    isStopped: (id) => repo.isStopAsked(id),
    mayBegin: (id, job) => begun.has(id) && (begun.get(id) ?? job) === job,

    takeUp() {
      for (const { id } of book.open()) {
        if (begun.has(id)) continue
        const jobId = id as string as JobId
        void follow(id, jobId).catch(() => endUntouched(id, 'interrupted', 'The console ended before the drill had begun.'))
      }
    },

    async shutDown() {
      const mine = [...begun].flatMap(([id, jobId]) => (jobId === null ? [] : [{ id, jobId }]))
      for (const { id } of mine) repo.askStop(id, clock.now())
      const limit = AbortSignal.timeout(shutDownMs)
      const late = new Promise<void>((resolve) => limit.addEventListener('abort', () => resolve(), { once: true }))
      await Promise.race([Promise.all(mine.map(({ jobId }) => jobs().settled(jobId))), late])
    },
  }
}

function refused({ plan, findings, obstacles }: DrillCheck): AppError {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const wrong = errors.map(
    ({ line, path, message }) => `${line === null ? '' : `line ${line}: `}${path === '' ? '' : `${path}: `}${message}`,
  )
  const blocking = obstacles.filter((each) => each.blocking).map(({ message }) => message)
  return plan === null
    ? new AppError('request.invalid', `This is not a plan of a drill: ${wrong.join('; ')}.`, { details: { findings: errors } })
    : new AppError('drill.refused', `The drill was not begun, and nothing was changed. ${blocking.join(' ')}`, {
        details: { obstacles },
      })
}
