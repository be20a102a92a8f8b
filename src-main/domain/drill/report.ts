/** What a report says, in the order in which it is read; Markdown and HTML only set it. For readers who have never seen Evenkeel. */
import type { DrillRecord, DrillView, Interval } from '#contract'
import { seconds } from './verdict.ts'

export interface ReportTable {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface ReportSection {
  readonly title: string
  readonly paragraphs: readonly string[]
  readonly table?: ReportTable
  /** set as it is */
  readonly lines?: readonly string[]
}

export interface Report {
  readonly title: string
  readonly verdict: string
  readonly summary: string
  readonly sections: readonly ReportSection[]
}

const verdictWords = { proven: 'Proven', refuted: 'Refuted', untested: 'Not tested' } as const

export function reportOf({ record, events, commands }: DrillView): Report {
  return {
    title: record.plan.name,
    verdict: record.verdict === null ? 'Not over' : verdictWords[record.verdict],
    summary: summaryOf(record),
    sections: [
      {
        title: 'Why this verdict',
        paragraphs: [`Hypothesis: ${record.plan.hypothesis}`, ...record.grounds],
      },
      { title: 'Predicted and measured', paragraphs: predictionText(record), table: comparison(record) },
      { title: 'What clients saw', paragraphs: [probeText(record)], table: figures(record) },
      { title: 'What became of open connections', paragraphs: heldText(record), table: heldTable(record) },
      {
        title: 'What happened, in order',
        paragraphs: [
          'Times count from the fault, in milliseconds. Clocks of the nodes were compared with that of the console and corrected.',
        ],
        table: {
          head: ['ms', 'where', 'what'],
          rows: events.map(({ at, nodeId, text }) => [sinceFault(record, at), nodeId ?? 'console', text]),
        },
      },
      {
        title: 'Before and after',
        paragraphs: [
          record.restored === null
            ? 'Whether everything is as it was is not known.'
            : record.restored
              ? 'Files, processes, addresses, firewall and priorities of every member were read before the fault and after it was taken back: they are the same.'
              : 'Not everything is as it was:',
        ],
        lines: record.differences,
      },
      {
        title: 'What was done on the nodes',
        paragraphs: ['Every command that was sent to change something, as it was sent.'],
        lines: commands.flatMap(({ nodeId, at, command, exitCode }) => [
          `# ${sinceFault(record, at)} ms, ${nodeId}${exitCode === null ? '' : `, exit code ${exitCode}`}`,
          command,
        ]),
      },
      { title: 'Plan and circumstances', paragraphs: circumstances(record), table: members(record) },
      {
        title: 'Words',
        paragraphs: [
          'VIP: the virtual address that clients use. One of the members has it at a time; VRRP, spoken by keepalived, decides which.',
          'Outage: the longest time between two good answers to somebody who asks anew each time. Connections that were open break once when the address moves, however short it is.',
          'Guard: before the fault, the node itself was made to take it back after a while without a word from the console.',
        ],
      },
    ],
  }
}

/** The report as data: what its hash in the history is of. */
export function reportJson({ record, ...rest }: DrillView): string {
  const { reportSha256: _hash, reportSignature: _signature, ...kept } = record
  return `${JSON.stringify({ format: 'evenkeel-drill-1', record: kept, ...rest }, null, 2)}\n`
}

function summaryOf(record: DrillRecord): string {
  const { plan, injectedAt, figures: seen, takeoverMs, prediction } = record
  const places = [record.node, ...record.alsoOn].join(' and ')
  if (injectedAt === null) return `No fault was put on ${places}. ${record.said}`
  const worst = Math.max(0, ...seen.map(({ outageMs }) => outageMs ?? 0))
  const moved =
    takeoverMs === null
      ? 'The address did not move'
      : `${record.plan.probe.host} moved to another member after ${seconds(takeoverMs)}`
  const predicted = prediction.outage === null ? '' : ` (predicted: ${intervalText(prediction.outage)})`
  return `On ${isoMinute(injectedAt)}, ${plan.fault.kind} was put on ${places}. ${moved}. New clients got no answer for ${seconds(worst)} at most${predicted}.`
}

function predictionText({ prediction, lastAdvert, takeoverMs }: DrillRecord): string[] {
  return [
    `The arithmetic: ${prediction.formula}.`.replace('..', '.'),
    ...(lastAdvert === null || takeoverMs === null ? [] : [advertText(lastAdvert, takeoverMs)]),
    ...prediction.notes,
  ]
}

function advertText({ heardBy, atMs, farewell, dueMs }: NonNullable<DrillRecord['lastAdvert']>, takeoverMs: number): string {
  const when = atMs < 0 ? `${seconds(-atMs)} before the fault` : `${seconds(atMs)} after the fault began`
  const what = farewell ? `${heardBy} was told ${when}` : `${heardBy} took the last advert ${when}`
  const off = Math.round(takeoverMs - dueMs)
  const how = off === 0 ? 'to the millisecond' : `${Math.abs(off)} ms ${off > 0 ? 'later' : 'earlier'}`
  return `${what}: by that it was due at ${Math.round(dueMs)} ms, and took over ${how}.`
}

const heldNames = { tcp: 'TCP', 'keep-alive': 'HTTP keep-alive', websocket: 'WebSocket' } as const
const endingNames = {
  open: 'stayed open',
  frozen: 'neither answered nor ended any more',
  closed: 'was closed in good order',
  reset: 'was reset',
} as const

function heldText({ phantoms, node, plan }: DrillRecord): string[] {
  const kept = 'Each place kept a connection open from before the fault on, and opened another a second after one had ended.'
  if (phantoms === null) return [kept]
  const host = plan.probe.host
  return [
    kept,
    phantoms === 0
      ? `Just before the fault was taken back, ${node} believed in no connection to ${host} any more.`
      : `Just before the fault was taken back, ${node} still believed in ${phantoms === 1 ? 'one connection' : `${phantoms} connections`} to ${host}, which it no longer had: whoever was at the other end had gone, or waited in vain.`,
  ]
}

const heldTable = (record: DrillRecord): ReportTable => ({
  head: ['seen from', 'connection', 'what became of it', 'at, ms', 'longest wait for an answer'],
  rows: record.figures.flatMap(({ vantage, held }) =>
    held.map(({ what, ending, endedAt, longestSilenceMs }) => [
      vantage,
      what === null ? 'kept open' : heldNames[what],
      endingNames[ending],
      endedAt === null ? '–' : sinceFault(record, endedAt),
      what === 'tcp' ? '–' : measuredText(longestSilenceMs),
    ]),
  ),
})

function comparison(record: DrillRecord): ReportTable {
  const { prediction, phases, takeoverMs, lastAdvert, figures: seen } = record
  const worst = (of: 'outageMs' | 'failbackOutageMs'): number | null => {
    const values = seen.flatMap((each) => each[of] ?? [])
    return values.length === 0 ? null : Math.max(...values)
  }
  const names = {
    detection: 'until the others know',
    election: 'until one of them takes over',
    announcement: 'until it is announced',
    answer: 'until the first answer',
  } as const
  return {
    head: ['', 'predicted', 'measured'],
    rows: [
      ...phases.map((phase) => [names[phase.phase], intervalText(phase), measuredText(phase.measuredMs)]),
      ['another member has the address', intervalText(prediction.takeover), measuredText(takeoverMs)],
      ...(lastAdvert === null
        ? []
        : [
            [
              `the same, by what ${lastAdvert.heardBy} heard last`,
              `${Math.round(lastAdvert.dueMs)} ms`,
              measuredText(takeoverMs),
            ],
          ]),
      ['no answer to new clients, at the fault', intervalText(prediction.outage), measuredText(worst('outageMs'))],
      [
        'the same, when it was taken back',
        intervalText(prediction.failback?.outage ?? null),
        measuredText(worst('failbackOutageMs')),
      ],
    ],
  }
}

function probeText({ plan: { probe } }: DrillRecord): string {
  const plain = probe.kind === 'http' ? `GET ${probe.path}` : probe.tls ? 'a TLS handshake' : 'a TCP connection'
  const what = probe.kind === 'http' && probe.tls ? `${plain} over TLS` : plain
  return `${what} to ${probe.host} port ${probe.port}, every ${probe.everyMs} ms, whether or not the last one had been answered.`
}

function figures({ figures: seen }: DrillRecord): ReportTable {
  return {
    head: ['seen from', 'sent', 'failed', 'slow', 'median', '99 %', 'outage', 'at the way back', 'clock'],
    rows: seen.map((each) => [
      each.vantage,
      String(each.sent),
      String(each.failed),
      String(each.slow),
      measuredText(each.p50Ms),
      measuredText(each.p99Ms),
      measuredText(each.outageMs),
      measuredText(each.failbackOutageMs),
      `${each.clockOffsetMs.toFixed(1)} ± ${each.uncertaintyMs.toFixed(1)} ms`,
    ]),
  }
}

function circumstances({ plan, author, reason, createdAt, endedAt, id, environment, ending }: DrillRecord): string[] {
  return [
    `Drill ${id}, begun ${isoMinute(createdAt)} by ${author}${endedAt === null ? '' : `, over after ${seconds(endedAt - createdAt)}`}: ${reason}`,
    `Fault ${plan.fault.kind} for ${seconds(plan.holdMs)} on the router ${plan.router}; it ended by ${ending ?? 'nothing yet'}. Guard: ${seconds(plan.guardMs)}.`,
    `Aborted, had it come to that, by an outage of more than ${seconds(plan.abort.outageMs)}, more than ${plan.abort.failedPercent} % of failed probes, or two holders of the address for ${seconds(plan.abort.twoOwnersMs)}.`,
    ...(plan.notify.length === 0 ? [] : [`To be told beforehand: ${plan.notify.join(', ')}.`]),
    `Evenkeel ${environment.evenkeel}.`,
  ]
}

const members = ({ environment }: DrillRecord): ReportTable => ({
  head: ['member', 'priority', 'daemons'],
  rows: environment.members.map(({ nodeId, priority, services }) => [
    nodeId,
    priority === null ? '–' : String(priority),
    services.join(', '),
  ]),
})

export const sinceFault = ({ injectedAt, createdAt }: DrillRecord, at: number): string => {
  const ms = Math.round(at - (injectedAt ?? createdAt))
  return ms > 0 ? `+${ms}` : String(ms).replace('-', '−')
}

const intervalText = (interval: Interval | null): string => {
  if (interval === null) return '–'
  const { earliestMs, latestMs } = interval
  return Math.round(earliestMs) === Math.round(latestMs)
    ? `${Math.round(latestMs)} ms`
    : `${Math.round(earliestMs)} to ${Math.round(latestMs)} ms`
}

const measuredText = (ms: number | null): string => (ms === null ? '–' : `${Math.round(ms)} ms`)
const isoMinute = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
