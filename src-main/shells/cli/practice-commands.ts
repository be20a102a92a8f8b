import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PracticeScenario, PracticeScenarioId, PracticeSize, PracticeStatus } from '#contract'
import { openPracticeFleet } from '../../compose.ts'
import { CliError, exitCodes, type ExitCode } from './exit-codes.ts'
import type { Command } from './run-command.ts'
import { tableLines } from './terminal.ts'

/** Runs a fleet in the foreground, for this and other consoles, until Ctrl-C. Its keys and inventory stay for the next time. */
export async function servePractice({ console, terminal, signal, print }: Command, size: PracticeSize): Promise<ExitCode> {
  // Not the folder of the window's own fleet: both may run at the same time.
  const folder = join(console.dataFolder, 'practice-served')
  const done = new AbortController()
  let why: string | null = null
  const fleet = await openPracticeFleet(folder, size, (reason) => {
    why = reason
    done.abort()
  }).catch((thrown: unknown) => {
    throw failure(thrown instanceof Error ? thrown.message : String(thrown))
  })
  const file = join(folder, 'inventory.json')
  await writeFile(file, `${JSON.stringify(fleet.inventory, null, 2)}\n`, { mode: 0o600 })
  print({ inventory: file, nodes: fleet.inventory.nodes }, () => [
    `The practice fleet runs: ${fleet.inventory.nodes.length} balancers on loopback. To work with it, in another terminal:`,
    `  evenkeel inventory import ${file}`,
    '  evenkeel servers',
    '  evenkeel practice scenarios',
    'Ctrl-C stops it.',
  ])
  const over = AbortSignal.any([signal, done.signal])
  await new Promise<void>((resolve) => {
    if (over.aborted) resolve()
    else over.addEventListener('abort', () => resolve(), { once: true })
  })
  if (why !== null) throw failure(why)
  await fleet.close()
  terminal.err('The practice fleet is stopped.')
  return exitCodes.ok
}

export async function practiceStatus({ client, signal, print }: Command): Promise<ExitCode> {
  const status = await client.call('practice.status', {}, signal)
  print(status, () => statusLines(status))
  return status.state === 'failed' ? exitCodes.failed : exitCodes.ok
}

/** What can be made to happen, and to what. */
export async function practiceScenarios({ client, signal, print }: Command): Promise<ExitCode> {
  const { scenarios, targets } = await client.call('practice.status', {}, signal)
  if (scenarios.length === 0)
    throw failure('No practice fleet is open. "evenkeel practice" starts one, and the window offers it.')
  print({ scenarios, targets }, () => [
    ...tableLines(
      ['SCENARIO', 'TARGET', 'VALUE', 'WHAT IT DOES'],
      scenarios.map(({ id, on, value, text }) => [id, on === 'fleet' ? '–' : on, valueText(value), text]),
    ),
    '',
    ...Object.entries(targets).map(([kind, names]) => `${kind}: ${names.join(' ')}`),
  ])
  return exitCodes.ok
}

export async function doPractice(
  { client, signal, print }: Command,
  scenario: string,
  target: string | undefined,
  value: number | undefined,
): Promise<ExitCode> {
  const deed = {
    scenario: scenario as PracticeScenarioId, // the contract refuses what is none
    ...(target === undefined ? {} : { target }),
    ...(value === undefined ? {} : { value }),
  }
  const status = await client.call('practice.do', deed, signal)
  print(status, () => activeLines(status))
  return exitCodes.ok
}

export async function revertPractice(
  { client, signal, print }: Command,
  scenario: string | undefined,
  target: string | undefined,
): Promise<ExitCode> {
  const repair = {
    ...(scenario === undefined ? {} : { scenario: scenario as PracticeScenarioId }), // as above
    ...(target === undefined ? {} : { target }),
  }
  const status = await client.call('practice.revert', repair, signal)
  print(status, () => activeLines(status))
  return exitCodes.ok
}

function statusLines(status: PracticeStatus): string[] {
  const { state, error, nodes, load } = status
  return [
    `practice fleet  ${state}${error === null ? '' : `: ${error}`}`,
    ...(nodes.length === 0 ? [] : [`nodes           ${nodes.join(' ')}`]),
    ...(load === null
      ? []
      : [
          `clients         ${load.perSecond} requests/s, ${load.stickyPercent} % with cookies; ${load.longLived} streams, ${load.broken} broken`,
          `answered        ${load.ok} (${load.slow} slowly), ${load.failed} failed, ${load.skipped} not sent`,
          ...activeLines(status),
        ]),
  ]
}

function activeLines({ scenarios }: PracticeStatus): string[] {
  const active = scenarios.flatMap(({ id, active: places, text }) =>
    places.map(({ target, value }) => [`  ${id}`, target ?? 'everywhere', value === null ? '' : String(value), text]),
  )
  return active.length === 0 ? ['Nothing is troubled.'] : tableLines(['  TROUBLED', 'WHERE', 'VALUE', 'HOW'], active)
}

const valueText = (value: PracticeScenario['value']): string =>
  value === null ? '–' : `${value.normal} (${value.minimum}–${value.maximum} ${value.unit})`

const failure = (message: string): CliError => new CliError({ code: 'practice.failed', message, effect: 'none', details: {} })
