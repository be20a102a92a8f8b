/** The picture of a drill: what clients got, who had the address, and what was predicted, on one axis. */
import type { DrillEvent, DrillView } from '#contract'
import { escapeText } from './escape-text.ts'
import { sinceFault } from './report.ts'
import { changesIn, holdings } from './timeline.ts'

const width = 960
const left = 120
const right = 20
const lane = 46

export function timelineSvg({ record, events, answers }: DrillView): string {
  const start = record.injectedAt ?? record.createdAt
  const stop = record.revertedAt ?? start + record.plan.holdMs
  const last = Math.max(stop, ...events.map(({ at }) => at))
  const [from, to] = [start - Math.max(500, (last - start) * 0.08), last + 200]
  const x = (at: number): number => left + ((Math.min(to, Math.max(from, at)) - from) / (to - from)) * (width - left - right)
  const rows: string[] = []
  let y = 28
  const label = (text: string): void => {
    rows.push(`<text x="0" y="${y + 20}" fill="var(--ink)">${escapeText(text)}</text>`)
  }

  for (const { vantage, fromAt, sliceMs, worstMs } of answers) {
    label(`Answers, ${vantage}`)
    const most = Math.max(20, ...worstMs.map((each) => each ?? 0))
    for (const [index, worst] of worstMs.entries()) {
      const at = fromAt + index * sliceMs
      if (worst === null || at < from || at > to) continue
      const wide = Math.max(0.6, x(at + sliceMs) - x(at))
      const high = worst < 0 ? 30 : Math.max(2, (Math.sqrt(worst) / Math.sqrt(most)) * 30)
      rows.push(bar(x(at), y + 32 - high, wide, high, worst < 0 ? 'var(--bad)' : 'var(--good)', worst < 0 ? 0.75 : 0.9))
    }
    y += lane
  }

  const members = record.environment.members.map(({ nodeId }) => nodeId)
  const spans = holdings(members, record.holder, changesIn(events), from, to)
  for (const nodeId of members) {
    label(nodeId)
    rows.push(`<line x1="${left}" x2="${width - right}" y1="${y + 16}" y2="${y + 16}" stroke="var(--line)"/>`)
    for (const span of spans.filter((each) => each.nodeId === nodeId)) {
      rows.push(bar(x(span.from), y + 6, Math.max(1, x(span.to) - x(span.from)), 20, 'var(--accent)', 0.85))
      rows.push(`<text x="${x(span.from) + 6}" y="${y + 20}" fill="var(--paper)">has the VIP</text>`)
    }
    y += lane - 10
  }

  const { takeover } = record.prediction
  if (takeover !== null) {
    label('Predicted')
    const [earliest, latest] = [x(start + takeover.earliestMs), x(start + takeover.latestMs)]
    rows.push(bar(earliest, y + 8, Math.max(2, latest - earliest), 14, 'var(--accent)', 0.35))
    rows.push(`<text x="${latest + 6}" y="${y + 20}" fill="var(--soft)">the address moves in here</text>`)
    y += lane - 10
  }
  rows.push(marks(events, x, y, start, stop, (at) => sinceFault(record, at)))
  y += 76
  return `<svg viewBox="0 0 ${width} ${y}" role="img" aria-label="Timeline of the drill: answers to clients, holders of the address, and events">${axis(
    from,
    to,
    start,
    x,
    y - 76,
  )}${rows.join('')}</svg>`
}

const bar = (x: number, y: number, w: number, h: number, fill: string, opacity: number): string =>
  `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${w.toFixed(2)}" height="${h.toFixed(1)}" fill="${fill}" opacity="${opacity}"/>`

function axis(from: number, to: number, start: number, x: (at: number) => number, bottom: number): string {
  const step =
    [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000].find((each) => (to - from) / each <= 12) ??
    3_600_000
  const lines: string[] = []
  for (let at = start - Math.floor((start - from) / step) * step; at <= to; at += step) {
    const text = `${(at - start) / 1000} s`.replace('-', '−')
    lines.push(`<line x1="${x(at)}" x2="${x(at)}" y1="20" y2="${bottom}" stroke="var(--line)"/>`)
    lines.push(`<text x="${x(at)}" y="12" text-anchor="middle" fill="var(--soft)">${text}</text>`)
  }
  return lines.join('')
}

const shown: ReadonlySet<DrillEvent['kind']> = new Set([
  'injected',
  'vip-gained',
  'first-good',
  'abort',
  'stop',
  'reverted',
  'guard-reverted',
])

/** Three lines of labels take turns, so that neighbours do not cover each other. */
function marks(
  events: readonly DrillEvent[],
  x: (at: number) => number,
  y: number,
  start: number,
  stop: number,
  time: (at: number) => string,
): string {
  const picked = events.filter(({ kind }) => shown.has(kind)).slice(0, 12)
  const ends = [start, stop].map(
    (at) => `<line x1="${x(at)}" x2="${x(at)}" y1="20" y2="${y}" stroke="var(--bad)" stroke-dasharray="4 3"/>`,
  )
  const labels = picked.map(({ at, text, nodeId }, index) => {
    const line = y + 18 + (index % 3) * 18
    const nearEnd = x(at) > width - 240
    const words = `${time(at)} ms ${nodeId ?? ''} ${text}`.replace(/\s+/g, ' ').slice(0, 60)
    return `<line x1="${x(at)}" x2="${x(at)}" y1="${y}" y2="${line - 3}" stroke="var(--soft)"/><circle cx="${x(at)}" cy="${line - 3}" r="2.5" fill="var(--soft)"/><text x="${x(at) + (nearEnd ? -6 : 6)}" y="${line}" text-anchor="${nearEnd ? 'end' : 'start'}" fill="var(--ink)">${escapeText(words)}</text>`
  })
  return [...ends, ...labels].join('')
}
