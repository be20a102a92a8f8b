/*
 * Telling "sudo refused" from "the command failed": sudo ends with 1 for both.
 *
 * The only sign is sudo's own line on stderr, so it is looked for there (in the C locale, which every command is given), and then
 * `sudo -n -l` is asked whether the command is allowed. `-l` says yes for a rule that wants a password, so that word counts by itself.
 */
import { AppError } from '../../app/app-error.ts'
import type { ExecResult } from '../../app/ports/node-session.ts'

const sudoLine = /^(sudo: |Sorry, user )/m
const wantsPassword = /^sudo: (a password is required|a terminal is required|interactive authentication is required)/m
const noSuchCommand = /^sudo: .*: command not found$/m

/** Does this result need a second look? */
export function maybeRefused(result: ExecResult): boolean {
  return result.code === 1 && sudoLine.test(result.stderr)
}

/**
 * null: sudo let the command run, and the result is the command's own. `isAllowed` runs `sudo -n -l argv`; `programPath` finds argv[0].
 */
export async function sudoRefusal(
  result: ExecResult,
  command: { argv: readonly [string, ...string[]]; user: string; where: string },
  ask: { isAllowed: () => Promise<boolean>; programPath: () => Promise<string | null> },
): Promise<AppError | null> {
  const [program] = command.argv
  if (noSuchCommand.test(result.stderr)) {
    return new AppError('exec.not-found', `There is no program ${program} on ${command.where}.`, { details: { program } })
  }
  if (!wantsPassword.test(result.stderr) && (await ask.isAllowed())) return null
  return notPermitted(command, (await ask.programPath()) ?? program, result.stderr)
}

function notPermitted(
  command: { argv: readonly [string, ...string[]]; user: string; where: string },
  path: string,
  stderr: string,
): AppError {
  // A rule holds no line ends, so a script can be allowed only together with every other.
  const isScript = command.argv.some((word) => word.includes('\n'))
  const line = sudoersLine(command.user, isScript ? [path] : [path, ...command.argv.slice(1)])
  const what = isScript ? `scripts with ${path}` : `"${command.argv.join(' ')}"`
  const message =
    `sudo on ${command.where} does not let ${command.user} run ${what} without a password. ` +
    `Add this line to a file in /etc/sudoers.d (with visudo -f)${isScript ? '; it makes that account as good as root' : ''}: ${line}`
  return new AppError('exec.not-permitted', message, { details: { argv: command.argv, sudoersLine: line, stderr } })
}

export function sudoMissing(command: { argv: readonly string[]; user: string; where: string }): AppError {
  const message = `"${command.argv.join(' ')}" needs root on ${command.where}, and sudo is not installed there. Install sudo, or connect as root.`
  return new AppError('exec.not-permitted', message, { details: { argv: command.argv, sudoersLine: null } })
}

/** sudoers(5): in a command's arguments `,` `:` `=` and `\` are special, and so are wildcards and blanks. */
export function sudoersLine(user: string, argv: readonly string[]): string {
  return `${user} ALL=(root) NOPASSWD: ${argv.map((word) => word.replace(/[\\,:=*?[\]!\s"'#]/g, '\\$&')).join(' ')}`
}
