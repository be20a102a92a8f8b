import type { ProgramCall } from '../machine/machine.ts'
import { logLevels, type LogLevel } from './config/check-main.ts'
import type { LogTarget } from './config/log-settings.ts'
import { errorLine, writeErrorLog } from './error-log.ts'

export type Tell = (level: LogLevel, text: string) => void

/**
 * What a starting nginx says goes into its logs, and what is urgent to the terminal as well. Until the configuration is read its log is that
 * of `-e`, and that is the terminal itself.
 */
export function voiceOf({ machine, pid, stderr }: ProgramCall, logs: readonly LogTarget[]): Tell {
  const isTerminal = logs.every(({ path }) => path === 'stderr')
  const isUrgent = (level: LogLevel): boolean => logLevels.indexOf(level) <= logLevels.indexOf('warn')
  return (level, text) => {
    if (isTerminal) return stderr(errorLine(machine, level, pid, text))
    writeErrorLog(machine, logs, level, pid, text)
    if (isUrgent(level)) stderr(`nginx: [${level}] ${text}\n`)
  }
}

export const earlyLogs = (errorLog: string): LogTarget[] => [{ path: errorLog, level: 'notice' }]
