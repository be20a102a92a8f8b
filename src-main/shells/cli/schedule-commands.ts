import { readFile } from 'node:fs/promises'
import { parseBlockedWindow, type BlockedWindow, type DrillScheduleId, type DrillScheduleView } from '#contract'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'
import { tableLines } from './terminal.ts'

export interface ScheduleOptions {
  cron?: string
  timeZone?: string
  reason?: string
  not?: string[]
}

/** Carries a plan out at set times, as long as an application runs that may. */
export async function scheduleDrill(command: Command, file: string, options: ScheduleOptions): Promise<ExitCode> {
  const { cron, reason, timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone, not = [] } = options
  if (cron === undefined || reason === undefined) throw usageError('Say when with --cron "0 10 * * 2", and why with --reason.')
  const plan = await readFile(file, 'utf8').catch((error: Error) => {
    throw usageError(`${file} cannot be read: ${error.message}`)
  })
  const request = { plan, cron, timeZone, reason, blocked: not.map(blockedFrom) }
  const view = await command.client.call('drills.schedule', request, command.signal)
  command.print(view, () => scheduleLines([view]))
  return exitCodes.ok
}

function blockedFrom(text: string): BlockedWindow {
  const found = parseBlockedWindow(text)
  if (found === null) throw usageError(`--not takes "0 9 28 * * for 3h: why", not "${text}".`)
  return found
}

export async function drillSchedules(command: Command): Promise<ExitCode> {
  const views = await command.client.call('drills.schedules', {}, command.signal)
  command.print(views, () => (views.length === 0 ? ['no drill is scheduled'] : scheduleLines(views)))
  return exitCodes.ok
}

export async function unscheduleDrill(command: Command, id: string): Promise<ExitCode> {
  await command.client.call('drills.unschedule', { schedule: id as DrillScheduleId }, command.signal)
  command.print({ removed: id }, () => [`removed ${id}; what it has done stays in the history`])
  return exitCodes.ok
}

function scheduleLines(views: readonly DrillScheduleView[]): string[] {
  return tableLines(
    ['schedule', 'plan', 'when', 'next', 'the last time'],
    views.map(({ schedule: { id, name, cron, timeZone }, nextAt, nextBlockedBy, runs: [last] }) => [
      id,
      name,
      `${cron} ${timeZone}`,
      `${nextAt === null ? 'never' : new Date(nextAt).toISOString()}${nextBlockedBy === null ? '' : ` (will be skipped: ${nextBlockedBy})`}`,
      last === undefined
        ? '–'
        : `${new Date(last.at).toISOString()} ${last.skipped === null ? `drill ${last.drill ?? ''}` : `skipped: ${last.skipped}`}`,
    ]),
  )
}
