import type { Machine } from '../../machine/machine.ts'

/** Where a process of the daemon writes what happens; `detail` is for `-D` alone. */
export type DaemonLog = (text: string, level?: 'detail') => void

export interface LogOptions {
  detailed: boolean
  /** `-G` turns it off */
  toSyslog: boolean
  /** `-l` */
  toConsole: ((line: string) => void) | null
}

/** `program` is `Keepalived` for the parent and `Keepalived_vrrp` for the child. */
export function createDaemonLog(machine: Machine, program: string, pid: number, options: LogOptions): DaemonLog {
  return (text, level) => {
    if (level === 'detail' && !options.detailed) return
    if (options.toSyslog) machine.syslog(program, pid, text)
    options.toConsole?.(`${formatTime(machine.clock.now())}: ${text}\n`)
  }
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** ctime(3) in UTC: `Sun Nov 22 23:53:15 2026`, with a fraction before the year where one is given. */
export function formatTime(ms: number): string {
  const date = new Date(ms)
  const day = String(date.getUTCDate()).padStart(2)
  return `${days[date.getUTCDay()] ?? ''} ${months[date.getUTCMonth()] ?? ''} ${day} ${date.toISOString().slice(11, 19)} ${date.getUTCFullYear()}`
}
