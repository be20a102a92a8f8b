import { AppError } from '../../app/app-error.ts'
import type { CallLimits, ExecResult, NodeSession } from '../../app/ports/node-session.ts'

/**
 * Running things on a node, for the drivers of its daemons.
 *
 * Scripts are constants. Whatever comes from a node or from an operator (paths, pids, addresses) is a positional parameter or
 * stdin, never part of a script's text.
 */
export interface RunOptions extends CallLimits {
  privileged?: boolean
  stdin?: string | Buffer
  maxBytes: number
}

/** Runs a constant POSIX script with arguments as `$1`, `$2`, …; it may not read stdin. */
export function runScript(
  session: NodeSession,
  script: string,
  args: readonly string[],
  options: Omit<RunOptions, 'stdin' | 'privileged'>,
): Promise<ExecResult> {
  return run(session, ['sh', '-c', script, 'evenkeel', ...args], options)
}

/** The same as root. The script goes by stdin, so that the command which a sudo rule has to allow is short and stays the same. */
export function runRootScript(
  session: NodeSession,
  script: string,
  args: readonly string[],
  options: Omit<RunOptions, 'stdin' | 'privileged'>,
): Promise<ExecResult> {
  return run(session, rootScriptArgv(args), { ...options, privileged: true, stdin: script })
}

export const rootScriptArgv = (args: readonly string[]): [string, ...string[]] => ['sh', '-s', '--', ...args]

/** Throws `exec.output-truncated` rather than hand on a part. */
export async function run(
  session: NodeSession,
  argv: readonly [string, ...string[]],
  options: RunOptions,
): Promise<ExecResult> {
  const result = await session.exec(argv, options)
  if (result.truncated) {
    throw new AppError(
      'exec.output-truncated',
      `${argv[0]} on this node printed more than ${options.maxBytes} bytes; the reading was given up rather than shown in part.`,
      { details: { command: argv[0], maxBytes: options.maxBytes } },
    )
  }
  return result
}

/** The last line of stderr that says something, for error messages. */
export function lastLine(stderr: string): string {
  return stderr.trim().split('\n').at(-1)?.slice(0, 500) ?? ''
}

/**
 * Parts of one command's output: a name, NUL, the content, NUL, and so on. Text that daemons print holds no NUL, so content
 * cannot pass for a frame; binary content has to be encoded by the script.
 */
export function sectionsFrom(stdout: Buffer): Map<string, string> {
  const pieces = stdout.toString('utf8').split('\0')
  const sections = new Map<string, string>()
  for (let at = 0; at + 1 < pieces.length; at += 2) sections.set(pieces[at] ?? '', pieces[at + 1] ?? '')
  return sections
}
