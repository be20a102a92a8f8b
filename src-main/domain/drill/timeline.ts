/** All that happened in a drill on one axis, and what that says of the phases. */
import type { DrillEvent, DrillPhase, DrillPrediction, NodeId } from '#contract'

/** A member's kernel got the address, or lost it; on the console's clock, the node's offset taken away. */
export interface AddressChange {
  readonly at: number
  readonly nodeId: NodeId
  readonly has: boolean
}

export interface Takeover {
  readonly nodeId: NodeId
  readonly at: number
}

/**
 * The first member without the fault that had the address while it stood; a clock that is off by a few milliseconds does not hide it. A member
 * that is cut off may take the address for itself, which is no takeover.
 */
export function takeoverOf(
  changes: readonly AddressChange[],
  faulted: readonly NodeId[],
  from: number,
  to: number,
): Takeover | null {
  const first = [...changes]
    .sort((one, other) => one.at - other.at)
    .find((change) => change.has && !faulted.includes(change.nodeId) && change.at >= from - clockSlackMs && change.at <= to)
  return first === undefined ? null : { nodeId: first.nodeId, at: first.at }
}
const clockSlackMs = 20

/** For how long nobody had the address before another member took it; 0 where the old holder kept it until then. */
export function ownerlessMs(changes: readonly AddressChange[], node: NodeId, from: number, takenAt: number): number {
  const lost = changes.filter((change) => !change.has && change.nodeId === node && change.at >= from - clockSlackMs)
  const at = Math.min(...lost.map((change) => change.at))
  return Number.isFinite(at) ? Math.max(0, takenAt - at) : 0
}

/**
 * What each predicted phase took. Detection and election can be told apart only by the adverts that came to the member that took over; their sum
 * is the takeover in any case.
 */
export function measuredPhases(
  prediction: DrillPrediction,
  marks: {
    injectedAt: number
    takeover: Takeover | null
    /** of the takeover by its adverts; null: not known */
    knownAt: number | null
    announcedAt: number | null
    /** the answers before and after the longest gap */
    lastGoodAt: number | null
    firstGoodAt: number | null
  },
): DrillPhase[] {
  const { injectedAt, takeover, knownAt, announcedAt, lastGoodAt, firstGoodAt } = marks
  const span = (from: number | null, to: number | null): number | null =>
    from === null || to === null ? null : Math.max(0, to - from)
  // Where both served, clients were answered all the time: the gap is not that of the takeover.
  const spans = takeover !== null && lastGoodAt !== null && lastGoodAt <= takeover.at
  const answered = spans && firstGoodAt !== null && firstGoodAt >= takeover.at ? firstGoodAt : null
  const measured = {
    detection: span(knownAt === null ? null : injectedAt, knownAt),
    election: span(knownAt, takeover?.at ?? null),
    announcement: span(takeover?.at ?? null, announcedAt),
    answer: span(announcedAt ?? takeover?.at ?? null, answered),
  }
  return prediction.phases.map((phase) => ({ ...phase, measuredMs: measured[phase.phase] }))
}

/** Spans of time in which a member had the address. */
export function holdings(
  members: readonly NodeId[],
  holder: NodeId | null,
  changes: readonly AddressChange[],
  from: number,
  to: number,
): { nodeId: NodeId; from: number; to: number }[] {
  return members.flatMap((nodeId) => {
    const spans: { nodeId: NodeId; from: number; to: number }[] = []
    let since = nodeId === holder ? from : null
    for (const { at, has } of [...changes].filter((each) => each.nodeId === nodeId).sort((one, other) => one.at - other.at)) {
      if (has) since ??= at
      else if (since !== null) {
        spans.push({ nodeId, from: since, to: at })
        since = null
      }
    }
    if (since !== null) spans.push({ nodeId, from: since, to })
    return spans
  })
}

/** The events that say who got or lost the address. */
export const changesIn = (events: readonly DrillEvent[]): AddressChange[] =>
  events.flatMap(({ at, kind, nodeId }) =>
    nodeId !== null && (kind === 'vip-gained' || kind === 'vip-lost') ? [{ at, nodeId, has: kind === 'vip-gained' }] : [],
  )
