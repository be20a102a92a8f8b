/** What ends a drill before its time. Pure: fed with what is known now, it answers with the reason, or null. */
import type { DrillPlan, NodeId } from '#contract'

export interface LiveFacts {
  /** since the last good answer */
  readonly gapMs: number
  /** of the probes of the last five seconds; null: too few to say */
  readonly failedPercent: number | null
  /** members whose kernel has the address, and since when there is more than one */
  readonly holders: readonly NodeId[]
  readonly twoOwnersForMs: number
  /** why no vantage measures any more; null: at least one does */
  readonly blind: string | null
  /** critical problems elsewhere in scope that were not there before */
  readonly otherProblems: readonly string[]
}

export interface Abort {
  /** it is about what the hypothesis promises, and so refutes it */
  readonly refutes: boolean
  readonly said: string
}

export function abortBy({ abort }: DrillPlan, facts: LiveFacts): Abort | null {
  const { gapMs, failedPercent, holders, twoOwnersForMs, blind, otherProblems } = facts
  if (blind !== null) return { refutes: false, said: `Nothing measures any more what clients see: ${blind}` }
  if (gapMs > abort.outageMs) {
    return { refutes: true, said: `No answer for more than ${abort.outageMs} ms, as the plan allows at most.` }
  }
  if (failedPercent !== null && failedPercent > abort.failedPercent) {
    return {
      refutes: true,
      said: `${failedPercent.toFixed(0)} % of the probes of the last five seconds failed; the plan allows ${abort.failedPercent} %.`,
    }
  }
  if (twoOwnersForMs > abort.twoOwnersMs) {
    return { refutes: true, said: `${holders.join(' and ')} both held the address for more than ${abort.twoOwnersMs} ms.` }
  }
  const [problem] = otherProblems
  return abort.otherAlarm && problem !== undefined
    ? { refutes: false, said: `Something else went wrong meanwhile: ${problem}` }
    : null
}
