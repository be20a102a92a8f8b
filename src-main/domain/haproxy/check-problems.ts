import type { CheckProblem } from '../config-text/check-problem.ts'

const form = /^\[(ALERT|WARNING)\]\s+\(\d+\) : (?:config : )?(?:[Pp]arsing )?(?:\[([^\]:]+):(\d+)\]\s?:\s?)?(.*)$/

/** What `haproxy -c` says is wrong. HAProxy 2.6.12 writes it to stderr, and that it found nothing to listen on to stdout, with exit code 2. */
export function checkProblems(stderr: string, stdout: string): CheckProblem[] {
  const found = stderr.split('\n').flatMap((text): CheckProblem[] => {
    const [, level, path, line, message = ''] = form.exec(text) ?? []
    // the last lines only say that there were errors
    if (level === undefined || /^(Error\(s\) found|Fatal errors found)/.test(message)) return []
    const severity = level === 'ALERT' ? 'error' : 'warning'
    return [{ severity, message, path: path ?? null, line: line === undefined ? null : Number(line) }]
  })
  const idle = /^.*will not start \(no listener\).*$/m.exec(stdout)?.[0]
  return idle === undefined ? found : [...found, { severity: 'error', message: idle, path: null, line: null }]
}
