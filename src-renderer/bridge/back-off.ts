const FIRST_MS = 250
const LONGEST_MS = 8_000

/** Pause before attempt `n + 1`, milliseconds: doubles up to 8 s, with up to a quarter of jitter so that windows do not march in step. */
export function nextDelayMs(attempt: number, random: () => number = Math.random): number {
  const base = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10))
  return Math.round(base * (1 - random() / 4))
}
