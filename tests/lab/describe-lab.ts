import { describe, inject } from 'vitest'

/**
 * `describe` for tests that need the lab. Where there can be none they are skipped, and the reason stands in their name; with
 * `LAB=required` the run has failed before it gets here.
 */
export function describeLab(name: string, tests: () => void): void {
  const reason = inject('labSkipped')
  if (reason === null) describe(name, tests)
  else describe.skip(`${name} (skipped: ${reason})`, tests)
}
