import { survivorsOf } from '../../src-main/domain/balance/predict.ts'
import type { BalanceCase } from './balance-cases.ts'

type Choices = readonly (string | null)[]

/** Requests for each server of the case, in its order, 0 included. */
export function countsOf(one: BalanceCase, choices: Choices): Map<string, number> {
  const counts = new Map(one.servers.map(({ id }) => [id, 0]))
  for (const id of choices) if (id !== null) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** The part of the keys that another server has afterwards. */
export function movedShare(before: Choices, after: Choices): number {
  return before.filter((id, at) => id !== after[at]).length / before.length
}

/** How far the counts are from the model's shares, which are known from a sample large enough to be taken for exact. */
export function chiSquare(one: BalanceCase, choices: Choices, model: Choices): number {
  const expected = countsOf(one, model)
  return [...countsOf(one, choices)].reduce((sum, [id, count]) => {
    const mean = ((expected.get(id) ?? 0) / model.length) * choices.length
    return sum + (count - mean) ** 2 / mean
  }, 0)
}

/** A right model exceeds this once in ten thousand runs (Wilson and Hilferty's approximation). */
export function chiSquareLimit(one: BalanceCase): number {
  const freedom = one.servers.length - 1
  const z = 3.719
  return freedom * (1 - 2 / (9 * freedom) + z * Math.sqrt(2 / (9 * freedom))) ** 3
}

/**
 * A drain is predicted from what each server carried before it, with keys of no particular client, and compared with what the daemon made
 * of it: the largest error of any survivor, as a part of what it carries.
 */
export function predictionError(one: BalanceCase, leaving: string, before: Choices, after: Choices): number {
  const carried = countsOf(one, before)
  const carries = countsOf(one, after)
  const live = one.servers.map((server) => ({ ...server, ratePerS: carried.get(server.id) ?? 0, active: 0, maxActive: null }))
  const errors = survivorsOf(one.algorithm, live, new Set([leaving])).map(({ id, ratePerS }) => {
    const real = carries.get(id) ?? 0
    return Math.abs(ratePerS - real) / real
  })
  return Math.max(...errors)
}
