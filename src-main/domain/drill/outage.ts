/*
 * What clients saw, from probes that were sent in a fixed rhythm whether or not the last one had been answered: a service that hangs is
 * seen by every probe that it does not answer. All times are milliseconds on one clock.
 */

export interface Probe {
  /** when it was sent */
  readonly at: number
  /** until its answer, or until it had failed */
  readonly tookMs: number
  readonly ok: boolean
}

export interface Gap {
  readonly ms: number
  readonly lastGoodAt: number
  /** null: no good answer came any more */
  readonly firstGoodAt: number | null
}

/**
 * The longest time between two good answers that touches `from` to `to`. Without any good answer after it, it lasts until the last probe
 * was over. Null when nothing was answered well before `to`: then there is nothing to be missed.
 */
export function longestGap(probes: readonly Probe[], from: number, to: number): Gap | null {
  const answers = probes.flatMap(({ at, tookMs, ok }) => (ok ? [at + tookMs] : [])).sort((one, other) => one - other)
  const end = probes.reduce((last, { at, tookMs }) => Math.max(last, at + tookMs), 0)
  let longest: Gap | null = null
  for (const [index, lastGoodAt] of answers.entries()) {
    const firstGoodAt = answers[index + 1] ?? null
    if (lastGoodAt >= to) break
    if (firstGoodAt !== null && firstGoodAt <= from) continue
    const ms = Math.max(0, (firstGoodAt ?? end) - lastGoodAt)
    if (longest === null || ms > longest.ms) longest = { ms, lastGoodAt, firstGoodAt }
  }
  return longest
}

/** The time without a good answer now, and the longest since `since`, as probes come in. Answers may come in any order. */
export function createGapWatch(since: number) {
  let lastGoodAt = since
  let longestMs = 0
  return {
    note({ at, tookMs, ok }: Probe): void {
      if (!ok || at + tookMs <= lastGoodAt) return
      longestMs = Math.max(longestMs, at + tookMs - lastGoodAt)
      lastGoodAt = at + tookMs
    },
    gapMs: (now: number): number => Math.max(0, now - lastGoodAt),
    longestMs: (now: number): number => Math.max(longestMs, now - lastGoodAt),
  }
}

export interface ProbeFigures {
  sent: number
  failed: number
  slow: number
  p50Ms: number | null
  p99Ms: number | null
}

export function probeFigures(probes: readonly Probe[], slowMs: number): ProbeFigures {
  const good = probes
    .filter(({ ok }) => ok)
    .map(({ tookMs }) => tookMs)
    .sort((one, other) => one - other)
  const at = (share: number): number | null => good[Math.min(good.length - 1, Math.floor(good.length * share))] ?? null
  return {
    sent: probes.length,
    failed: probes.length - good.length,
    slow: good.filter((tookMs) => tookMs > slowMs).length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}

/** The worst of each slice of time, for a chart: slowest good answer, -1 where a probe failed, null where none was sent. */
export function answersOverTime(probes: readonly Probe[], sliceMs: number): { fromAt: number; worstMs: (number | null)[] } {
  const fromAt = probes.reduce((first, { at }) => Math.min(first, at), Infinity)
  if (probes.length === 0) return { fromAt: 0, worstMs: [] }
  const worstMs: (number | null)[] = []
  for (const { at, tookMs, ok } of probes) {
    const slice = Math.floor((at - fromAt) / sliceMs)
    while (worstMs.length <= slice) worstMs.push(null)
    const before = worstMs[slice] ?? null
    worstMs[slice] = !ok || before === -1 ? -1 : Math.max(before ?? 0, tookMs)
  }
  return { fromAt, worstMs }
}
