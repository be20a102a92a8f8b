import { createHash } from 'node:crypto'
import type { CommandRecord, DrillEvent, DrillId, DrillRecord, DrillView, HistoryEntry } from '#contract'
import { answersOverTime, type Probe } from '../../domain/drill/outage.ts'
import { reportJson } from '../../domain/drill/report.ts'
import { AppError } from '../app-error.ts'
import type { Publish } from '../handlers-type.ts'
import type { HistoryService } from '../history-service.ts'
import type { Clock } from '../ports/clock.ts'
import type { DrillRepo } from '../ports/store.ts'

/** Enough for a chart as wide as a page. */
const mostSlices = 600

export type DrillBook = ReturnType<typeof createDrillBook>

/** Drills as they are on disk: whoever carries one out changes its record and calls `save`; everybody else reads what is stored. */
export function createDrillBook({
  repo,
  history,
  commandsOf,
  clock,
  publish,
}: {
  repo: DrillRepo
  history: HistoryService
  /** what was sent in the drill, from the journal of its job */
  commandsOf: (id: DrillId) => CommandRecord[]
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

    save(drill: DrillRecord): void {
      repo.put(drill)
      publish('drill.changed', structuredClone(drill))
    },

    note(id: DrillId, event: Omit<DrillEvent, 'at'> & { at?: number }): void {
      const { at = clock.now(), ...rest } = event
      repo.append(id, { at, ...rest })
    },

    keepProbes: (id: DrillId, vantage: string, probes: readonly Probe[]) => repo.keepProbes(id, vantage, probes),

    tell(drill: DrillRecord, kind: Extract<HistoryEntry['kind'], `drill.${string}`>, data: HistoryEntry['data']): void {
      const subject = drill.id
      history.append([{ at: clock.now(), kind, nodeId: drill.node, subject, data: { title: drill.plan.name, ...data } }])
    },

    /** The report as it stands now, for good: its hash goes into the record and, with the verdict, into the history. */
    close(drill: DrillRecord): void {
      drill.state = 'ended'
      drill.endedAt = clock.now()
      const kept = repo.report(drill.id)
      const text = kept ?? reportJson(viewOf(drill))
      drill.reportSha256 = createHash('sha256').update(text).digest('hex')
      if (kept === null) repo.keepReport(drill.id, drill.reportSha256, text)
      this.save(drill)
      this.tell(drill, 'drill.ended', {
        verdict: drill.verdict,
        ending: drill.ending,
        restored: drill.restored,
        report: drill.reportSha256,
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
