import type { BalanceServer } from '../../../../src-main/domain/balance/picker.ts'

/** Servers a, b, c, … with these weights. */
export const pool = (...weights: number[]): BalanceServer[] =>
  weights.map((weight, at) => ({ id: String.fromCharCode(97 + at), weight }))

export function count(choices: readonly (string | null)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const id of choices) counts[id ?? 'nobody'] = (counts[id ?? 'nobody'] ?? 0) + 1
  return counts
}
