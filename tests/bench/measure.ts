/** Contestants of one bench, run in turns in one process so that a noisy machine hurts them alike. */
export interface Contestant {
  name: string
  /** the work; what it returns is only there to be used */
  run: () => unknown
}

export interface Result {
  name: string
  medianMs: number
  /** fastest and slowest round, milliseconds */
  minMs: number
  maxMs: number
}

/** Rounds alternate between the contestants; the first round of each warms up and is not counted. */
export async function race(contestants: readonly Contestant[], rounds: number): Promise<Result[]> {
  const times = contestants.map(() => [] as number[])
  for (let round = 0; round <= rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      const start = performance.now()
      await contestant.run()
      if (round > 0) times[index]?.push(performance.now() - start)
    }
  }
  return contestants.map(({ name }, index) => {
    const sorted = (times[index] ?? []).toSorted((a, b) => a - b)
    return { name, medianMs: sorted[sorted.length >> 1] ?? NaN, minMs: sorted[0] ?? NaN, maxMs: sorted.at(-1) ?? NaN }
  })
}

/** A table for the terminal: every contestant against the first one. */
export function printRace(title: string, results: readonly Result[]): void {
  const base = results[0]?.medianMs ?? NaN
  console.log(`\n${title}`)
  for (const { name, medianMs, minMs, maxMs } of results) {
    const figures = `${medianMs.toFixed(1)} ms (${minMs.toFixed(1)} to ${maxMs.toFixed(1)})`
    console.log(`  ${name.padEnd(44)} ${figures.padEnd(32)} ${(medianMs / base).toFixed(2)} ×`)
  }
}
