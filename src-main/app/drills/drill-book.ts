import { createHash } from 'node:crypto'
import type { CommandRecord, DrillEvent, DrillId, DrillRecord, DrillView, HistoryEntry } from '#contract'
import { answersOverTime, type Probe } from '../../domain/drill/outage.ts'
import { reportJson } from '../../domain/drill/report.ts'
import { AppError } from '../app-error.ts'
import type { Publish } from '../handlers-type.ts'
import type { HistoryService } from '../history-service.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrillRepo } from '../ports/store.ts'
import type { ReportSigner } from '../report-signer.ts'

/** Enough for a chart as wide as a page. */
const mostSlices = 600

type DrillEntryKind = Extract<HistoryEntry['kind'], `drill.${string}`>

export type DrillBook = ReturnType<typeof createDrillBook>

/** Drills as they are on disk: whoever carries one out changes its record and calls `save`; everybody else reads what is stored. */
export function createDrillBook({
  repo,
  history,
  commandsOf,
  sign,
  clock,
  publish,
}: {
  repo: DrillRepo
  history: HistoryService
  /** what was sent in the drill, from the journal of its job */
  commandsOf: (id: DrillId) => CommandRecord[]
  sign: ReportSigner['sign']
  clock: Clock
  publish: Publish
}) {
  function find(id: DrillId): DrillRecord {
    const drill = repo.get(id)
    if (drill !== null) return drill
    throw new AppError('request.not-found', `There is no drill ${id}; "evenkeel drill list" names them.`)
  }

  function viewOf(record: DrillRecord): DrillView {
    const answers = [...repo.probes(record.id)].map(([vantage, probes]) => {
      const sliceMs = sliceMsFor(probes)
      return { vantage, sliceMs, ...answersOverTime(probes, sliceMs) }
    })
    const events = repo.events(record.id).sort((one, other) => one.at - other.at)
    return { record, events, commands: commandsOf(record.id), answers }
  }

  return {
    find,
    view: (id: DrillId): DrillView => viewOf(find(id)),
    list: (query: Parameters<DrillRepo['list']>[0]) => repo.list(query),
    open: () => repo.open(),

    /** `told`: what the history says of it. */
    save(drill: DrillRecord, told?: DrillEntryKind, data: HistoryEntry['data'] = {}): void {
      const { id: subject, node: nodeId, plan } = drill
      repo.atOnce(() => {
        repo.put(drill)
        if (told !== undefined)
          history.append([{ at: clock.now(), kind: told, nodeId, subject, data: { title: plan.name, ...data } }])
      })
      publish('drill.changed', structuredClone(drill))
    },

    note(id: DrillId, event: Omit<DrillEvent, 'at'> & { at?: number }): void {
      const { at = clock.now(), ...rest } = event
      repo.append(id, { at, ...rest })
    },

    keepProbes: (id: DrillId, vantage: string, probes: readonly Probe[]) => repo.keepProbes(id, vantage, probes),

    /** The report as it stands now, signed, for good: its hash goes into the record and, with the verdict, into the history. */
    async close(drill: DrillRecord): Promise<void> {
      drill.state = 'ended'
      drill.endedAt = clock.now()
      const text = reportJson(viewOf(drill))
      const sha256 = createHash('sha256').update(text).digest('hex')
      const reportSignature = await sign(text)
      Object.assign(drill, { reportSha256: sha256, reportSignature })
      const { verdict, ending, restored } = drill
      repo.atOnce(() => {
        repo.keepReport(drill.id, sha256, text)
        const key = reportSignature?.publicKey ?? null
        this.save(drill, 'drill.ended', { verdict, ending, restored, report: sha256, key })
      })
    },

    report(id: DrillId): string {
      const text = repo.report(find(id).id)
      if (text !== null) return text
      throw new AppError('request.not-found', `The drill ${id} is not over yet, so there is no report of it.`)
    },
  }
}

function sliceMsFor(probes: readonly Probe[]): number {
  const [first, last] = [probes[0]?.at ?? 0, probes.at(-1)?.at ?? 0]
  return Math.max(20, Math.ceil((last - first) / mostSlices / 20) * 20)
}
