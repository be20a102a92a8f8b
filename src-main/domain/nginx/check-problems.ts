import type { CheckProblem } from '../config-text/check-problem.ts'

/** What `nginx -t` (1.22.1) says on stderr: remarks, and the first error alone. Some have no place. */
export function checkProblems(stderr: string, code: number | null): CheckProblem[] {
  const problems = stderr.split('\n').flatMap((text): CheckProblem[] => {
    const [, level, said = ''] = /\[(emerg|alert|crit|error|warn)\] (?:\d+#\d+: )?(.*)$/.exec(text) ?? []
    if (level === undefined) return []
    const [, message = said, path, line] = /^(.*) in (\/.*):(\d+)$/.exec(said) ?? []
    return [
      {
        severity: level === 'warn' || code === 0 ? 'warning' : 'error',
        message,
        path: path ?? null,
        line: line === undefined ? null : Number(line),
      },
    ]
  })
  if (code === 0 || problems.some(({ severity }) => severity === 'error')) return problems
  return [...problems, { severity: 'error', message: stderr.trim() || `it ended with ${code}`, path: null, line: null }]
}
