/** What keepalived was started with (keepalived(8)): `-f` / `--use-file` and `-p` / `--pid`, alone, bundled (`-DnPf x`) or glued (`-fx`). */
export interface StartOptions {
  config: string | null
  pidFile: string | null
}

/** Short options of keepalived 2.2.7 that take an argument; the rest of a bundle is theirs. */
const withArgument = 'fSuprcbAsMi'

const argumentsOf = (cmdline: string): string[] => cmdline.replace(/\0+$/, '').split('\0').slice(1)

/** Started to print something or to test a configuration (`-v`, `-h`, `-t`, `--signum`): it is gone in a moment, and no daemon. */
export function endsByItself(cmdline: string): boolean {
  return argumentsOf(cmdline).some((word) => {
    if (word.startsWith('--')) return /^--(version|help|config-test|signum)(=|$)/.test(word)
    const [, flags = ''] = new RegExp(`^-([^${withArgument}]*)`).exec(word) ?? []
    return /[vht]/.test(flags)
  })
}

export function startOptionsFrom(cmdline: string): StartOptions {
  const argv = argumentsOf(cmdline)
  const options: StartOptions = { config: null, pidFile: null }
  const take = (letter: string, value: string | null): void => {
    if (value === null) return
    if (letter === 'f') options.config = value
    if (letter === 'p') options.pidFile = value
  }
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    const long = /^--(use-file|pid)(?:=(.*))?$/.exec(word)
    if (long !== null) {
      take(long[1] === 'pid' ? 'p' : 'f', long[2] ?? argv[++at] ?? null)
    } else if (/^-[^-]/.test(word)) {
      const letters = [...word.slice(1)]
      const index = letters.findIndex((letter) => withArgument.includes(letter))
      const letter = letters[index]
      if (letter !== undefined) take(letter, letters.slice(index + 1).join('') || (argv[++at] ?? null))
    }
  }
  return options
}
