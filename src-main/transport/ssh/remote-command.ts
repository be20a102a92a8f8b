import { AppError } from '../../app/app-error.ts'
import { quoteCommand } from './quote.ts'

export interface RemoteCommand {
  argv: readonly [string, ...string[]]
  /** null: the node has no usable `timeout` */
  killAfterS: number | null
  /** `outside`: `timeout sudo argv`, which fits a sudoers rule for exactly argv; `inside`: `sudo timeout argv`, which can end it */
  sudo: 'none' | 'outside' | 'inside'
}

/**
 * The shell text for a command. LC_ALL=C makes messages comparable; `timeout` ends a silent command whose console went away, which
 * nothing else would (OpenSSH 9.2 lets it run for ever, and ignores signals for root's sessions).
 * Throws `request.invalid` for a program name that `env` or `timeout` would take for something else.
 */
export function remoteCommandText({ argv, killAfterS, sudo }: RemoteCommand): string {
  if (argv[0] === '' || argv[0].startsWith('-') || argv[0].includes('=')) {
    throw new AppError('request.invalid', `"${argv[0]}" is not the name of a program; give a name or an absolute path.`)
  }
  const limit = killAfterS === null ? [] : ['timeout', '-k', '2', String(killAfterS)]
  const elevate = ['sudo', '-n']
  const prefix = { none: limit, outside: [...limit, ...elevate], inside: [...elevate, ...limit] }[sudo]
  return `exec ${quoteCommand(['env', 'LC_ALL=C', ...prefix, ...argv])}`
}
