import type { Place } from '../../../domain/haproxy/config/view.ts'
import { version } from '../version.ts'

/** Where a daemon's own messages go. */
export interface Reporter {
  alert(text: string): void
  warning(text: string): void
  notice(text: string): void
  readonly alerts: number
  readonly warnings: number
}

/** `[ALERT]    (22358) : config : …` as 2.6 writes it; the first alert or warning is preceded by who is speaking. */
export function createReporter(pid: number, write: (line: string) => void, options: { quiet?: boolean } = {}): Reporter {
  let introduced = false
  const say = (level: string, text: string): void => {
    if (options.quiet !== true) write(`${`[${level}]`.padEnd(10)} (${pid}) : ${text}\n`)
  }
  const introduce = (): void => {
    if (introduced) return
    introduced = true
    say('NOTICE', `haproxy version is ${version}`)
    say('NOTICE', 'path to executable is /usr/sbin/haproxy')
  }
  const reporter = {
    alerts: 0,
    warnings: 0,
    alert(text: string) {
      introduce()
      reporter.alerts += 1
      say('ALERT', text)
    },
    warning(text: string) {
      introduce()
      reporter.warnings += 1
      say('WARNING', text)
    },
    notice: (text: string) => say('NOTICE', text),
  }
  return reporter
}

/** `[t.cfg:13]` */
export const placeText = ({ file, line }: Place): string => `[${file}:${line}]`
