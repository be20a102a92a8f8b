import type { ServerState, StateSpan } from '#contract'

export interface StripSegment {
  readonly state: ServerState
  readonly word: string
  /** part of the strip, 0 to 1 */
  readonly start: number
  readonly width: number
  readonly from: number
  readonly to: number
}

/**
 * Spans of one balancer cut to `from` … `to` and laid end to end; what no span covers is `unknown`, since nothing was read then.
 */
export function stripSegments(spans: readonly StateSpan[], from: number, to: number): StripSegment[] {
  const length = to - from
  if (length <= 0) return []
  const segments: StripSegment[] = []
  const add = (state: ServerState, word: string, start: number, end: number) => {
    if (end > start)
      segments.push({ state, word, start: (start - from) / length, width: (end - start) / length, from: start, to: end })
  }
  let reached = from
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const start = Math.max(span.from, reached)
    const end = Math.min(span.to ?? to, to)
    if (end <= start) continue
    add('unknown', '', reached, start)
    add(span.state, span.word, start, end)
    reached = end
  }
  add('unknown', '', reached, to)
  return segments
}
