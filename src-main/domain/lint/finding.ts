import type { LintFinding } from '#contract'

/** Where a finding points; without a column at the line's beginning. */
export interface Spot {
  readonly file: string
  readonly line: number
  readonly column?: number
}

/** One rule: what it is called, what happens because of it, and how it finds its places. */
export interface Rule<Config> {
  readonly id: string
  readonly severity: LintFinding['severity']
  readonly reason: string
  find(config: Config): Iterable<{ at: Spot; message: string; fix?: string }>
}

export function findingsOf<Config>(rules: readonly Rule<Config>[], config: Config): LintFinding[] {
  return rules.flatMap(({ id, severity, reason, find }) =>
    [...find(config)].map(({ at, message, fix }) => ({
      rule: id,
      severity,
      file: at.file,
      line: at.line,
      column: at.column ?? 1,
      message,
      reason,
      fix: fix ?? null,
    })),
  )
}
