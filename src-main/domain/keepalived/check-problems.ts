import type { CheckProblem } from '../config-text/check-problem.ts'
import type { NodeNetwork } from '../net/endpoint.ts'
import type { InstanceReading } from '../fleet/reading.ts'
import type { ConfiguredInstance } from './parse-config.ts'

/** keepalived ends with 5 for these as well, and goes on as it would have anyway. */
const harmless = [
  /^Truncating auth_pass to 8 characters/,
  /nopreempt will not work with initial state MASTER/,
  /^SECURITY VIOLATION/,
  /^WARNING/,
  /\bdeprecated\b/,
]
/** said with exit code 0, although little is left of the configuration */
const fatal = [/^Config files missing/, /Unable to (?:open|find) (?:config|include)/i]

/**
 * What `keepalived -t` (2.2.7) says on stderr, each once: it says it for every process. Its exit code alone is no judgement: 0 also for a
 * missing file, 5 also for remarks.
 */
export function checkProblems(stderr: string, code: number | null): CheckProblem[] {
  const lines = [...new Set(stderr.split('\n').map((line) => line.trim()))].filter((line) => line !== '')
  return lines.map((text) => {
    const [, path, line, said] = /^\((?:(.+): )?Line (\d+)\) (.*)$/.exec(text) ?? []
    const message = said ?? text
    const isHarmless = harmless.some((each) => each.test(message))
    const isError = fatal.some((each) => each.test(message)) || (code !== 0 && !isHarmless)
    return {
      severity: isError ? 'error' : 'warning',
      message,
      path: path ?? null,
      line: line === undefined ? null : Number(line),
    }
  })
}

/**
 * What the check does not see: a configuration of which nothing is left, and an interface that is not there, for which keepalived ends
 * itself and leaves its addresses behind.
 */
export function unseenInstances(
  before: readonly ConfiguredInstance[],
  after: readonly ConfiguredInstance[],
  { interfaces }: Pick<NodeNetwork, 'interfaces'>,
): CheckProblem[] {
  const gone = before.filter(({ name }) => !after.some((each) => each.name === name))
  return [
    ...after.flatMap((each): CheckProblem[] =>
      each.interface === '' || interfaces.has(each.interface)
        ? []
        : [
            {
              severity: 'error',
              message: `${each.name} is on the interface ${each.interface}, which this node does not have`,
              path: each.file,
              line: each.line,
            },
          ],
    ),
    ...(before.length > 0 && after.length === 0
      ? [{ severity: 'error' as const, message: 'there is no vrrp_instance left', path: null, line: null }]
      : gone.map(({ name }) => ({
          severity: 'warning' as const,
          message: `${name} goes, and its addresses with it`,
          path: null,
          line: null,
        }))),
  ]
}

/**
 * Instances whose addresses this node holds, and which a reload with other settings may send elsewhere or leave on both members of a pair
 * (measured on 2.2.7: any of these, changed on one of the two alone).
 */
export function movingInstances(running: readonly InstanceReading[], onDisk: readonly ConfiguredInstance[]): string[] {
  return running.flatMap((before) => {
    if (before.state !== 'MASTER') return []
    const after = onDisk.find(({ name }) => name === before.name)
    const stays =
      after !== undefined &&
      after.vrid === before.vrid &&
      (after.priority ?? 100) >= (before.configuredPriority ?? 0) &&
      (before.advertIntMs === null || (after.advertIntMs ?? 1000) === before.advertIntMs) &&
      [...after.addresses].sort().join(' ') === [...before.addresses].sort().join(' ')
    return stays ? [] : [before.name]
  })
}
