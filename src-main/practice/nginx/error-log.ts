import { PosixError, type Machine } from '../machine/machine.ts'
import { logLevels, type LogLevel } from './config/check-main.ts'
import type { LogTarget } from './config/log-settings.ts'

/** then it becomes `….1`, so that a practice day does not fill the computer's memory */
const mostLogBytes = 1024 * 1024

/** `2026/11/23 03:37:45 [notice] 12#12: text`, in UTC as the machines' clocks are */
export function errorLine({ clock }: Machine, level: LogLevel, pid: number, text: string): string {
  const at = new Date(clock.now()).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ')
  return `${at} [${level}] ${pid}#${pid}: ${text}\n`
}

const isWanted = (target: LogTarget, level: LogLevel): boolean => logLevels.indexOf(level) <= logLevels.indexOf(target.level)

export function writeErrorLog(
  machine: Machine,
  targets: readonly LogTarget[],
  level: LogLevel,
  pid: number,
  text: string,
): void {
  const line = errorLine(machine, level, pid, text)
  for (const target of targets) if (target.path !== 'stderr' && isWanted(target, level)) appendLog(machine, target.path, line)
}

/** A full or broken disk loses the line, and nginx carries on. One that was moved away is not made again before `reopen`: nginx holds the file. */
export function appendLog({ files }: Machine, path: string, line: string): void {
  try {
    if (!files.exists(path)) return
    if (files.stat(path).size > mostLogBytes) files.rename(path, `${path}.1`)
    files.write(path, line, { append: true })
  } catch (thrown) {
    if (!(thrown instanceof PosixError)) throw thrown
  }
}
