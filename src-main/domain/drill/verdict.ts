/** Whether a drill has proven its hypothesis, and why. */
import type { DrillEnding, DrillFigures, DrillPlan, DrillVerdict, NodeId } from '#contract'

export interface Findings {
  readonly plan: DrillPlan
  readonly ending: DrillEnding
  /** why it ended, in a sentence, where it was not for time */
  readonly said: string
  /** the fault was certainly in force */
  readonly injected: boolean
  /** another member had the address while the fault stood */
  readonly moved: NodeId | null
  readonly figures: readonly DrillFigures[]
  /** how long no member had the address, by their kernels' word, before another one took it; 0: one always had */
  readonly ownerlessMs: number
  readonly restored: boolean | null
  readonly differences: readonly string[]
  /** an abort rule that is about what clients saw, or about who holds the address */
  readonly refutedByAbort: boolean
}

export function judgeDrill(found: Findings): { verdict: DrillVerdict; grounds: string[] } {
  const { plan, ending, said, injected, figures } = found
  if (!injected) return { verdict: 'untested', grounds: [`The fault never came: ${said}`] }
  if (ending === 'abort' && found.refutedByAbort) return { verdict: 'refuted', grounds: [said] }
  if (ending !== 'time') return { verdict: 'untested', grounds: [`It was cut short: ${said}`] }
  const against = [
    ...movementAgainst(found),
    ...figures.flatMap((each) => outagesAgainst(plan, each)),
    ...(found.restored === false ? [`The pair is not as it was: ${found.differences.join('; ')}.`] : []),
  ]
  if (against.length > 0) return { verdict: 'refuted', grounds: against }
  if (figures.every(({ outageMs }) => outageMs === null)) {
    return { verdict: 'untested', grounds: ['No probe was answered before the fault, so there is nothing to compare.'] }
  }
  const strangers = figures.filter((each) => isAnsweredByNobody(found, each)).map(({ vantage }) => vantage)
  if (strangers.length > 0) {
    return {
      verdict: 'untested',
      grounds: [
        `Seen from ${strangers.join(' and ')}, there were answers while no member had the address for ${seconds(found.ownerlessMs)}: what answers there is not this pair. Look at the way from there to ${plan.probe.host}, or probe from a node beside it.`,
      ],
    }
  }
  if (found.restored === null) {
    return {
      verdict: 'untested',
      grounds: ['What clients saw is as expected, but whether the pair is as it was is not known.'],
    }
  }
  return { verdict: 'proven', grounds: groundsFor(found) }
}

/** Clocks are compared to within some milliseconds, and an answer may have been on its way. */
const ownerlessSlackMs = 150

/** A proxy or another network may have the same address; what it says of an outage is worth nothing. */
const isAnsweredByNobody = ({ ownerlessMs }: Findings, { outageMs }: DrillFigures): boolean =>
  outageMs !== null && outageMs < ownerlessMs - ownerlessSlackMs

function movementAgainst({ plan, moved }: Findings): string[] {
  if (plan.expect.moves && moved === null) return ['The address was to move to another member, and did not.']
  return !plan.expect.moves && moved !== null ? [`The address was to stay, and moved to ${moved}.`] : []
}

function outagesAgainst({ expect }: DrillPlan, { vantage, outageMs, firstGoodAt, failbackOutageMs }: DrillFigures): string[] {
  const failbackLimit = expect.failbackOutageMs ?? expect.outageMs
  const says: string[] = []
  if (outageMs !== null && firstGoodAt === null) says.push(`Seen from ${vantage}, it never answered again.`)
  else if (outageMs !== null && outageMs > expect.outageMs) {
    says.push(
      `Seen from ${vantage}, nothing was answered for ${seconds(outageMs)}; ${seconds(expect.outageMs)} was expected at most.`,
    )
  }
  if (failbackOutageMs !== null && failbackOutageMs > failbackLimit) {
    says.push(
      `When the fault was taken back, nothing was answered for ${seconds(failbackOutageMs)}, seen from ${vantage}; ${seconds(failbackLimit)} was expected at most.`,
    )
  }
  return says
}

function groundsFor({ plan, moved, figures }: Findings): string[] {
  const worst = Math.max(...figures.map(({ outageMs }) => outageMs ?? 0))
  return [
    moved === null ? 'The address stayed where it was, as expected.' : `The address moved to ${moved}, as expected.`,
    `New clients got no answer for ${seconds(worst)} at most; up to ${seconds(plan.expect.outageMs)} was expected.`,
    'The pair is as it was before: files, processes, addresses and firewall were compared.',
  ]
}

/** `0.62 s`, `24 ms` */
export const seconds = (ms: number): string => (ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`)
