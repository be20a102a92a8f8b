import { FaultKind, type DrillReadiness, type FleetSnapshot, type RouterView } from '#contract'
import * as v from 'valibot'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { readFleet, type Command } from './run-command.ts'

/** The virtual router an operator means: by id, name, or one of its addresses. @throws CliError when there is none, or more than one */
export function selectRouter(selector: string, { routers }: Pick<FleetSnapshot, 'routers'>): RouterView {
  const readings: ((router: RouterView) => boolean)[] = [
    (router) => router.id === selector,
    (router) => router.name === selector || router.addresses.includes(selector),
  ]
  const found = readings.map((reading) => routers.filter(reading)).find((each) => each.length > 0) ?? []
  const [first, ...others] = found
  if (first !== undefined && others.length === 0) return first
  const known = (first === undefined ? routers : found).map(({ id }) => `  ${id}`).join('\n') || '  none'
  throw usageError(
    first === undefined
      ? `There is no virtual router "${selector}". There are:\n${known}`
      : `"${selector}" may be any of these; say which by its id:\n${known}`,
  )
}

/** Whether the standby could take over. Ends with 1 when something blocks. */
export async function readiness(
  command: Command,
  timeoutMs: number,
  selector: string,
  { fault }: { fault: string },
): Promise<ExitCode> {
  if (!v.is(FaultKind, fault)) throw usageError(`"${fault}" is no fault. Faults are ${FaultKind.options.join(', ')}.`)
  // twice, as "vips" does: what is wrong with an address shows at the second reading
  await readFleet(command, timeoutMs)
  const router = selectRouter(selector, await readFleet(command, timeoutMs))
  const judged = await command.client.call('drills.readiness', { router: router.id, fault }, command.signal)
  command.print(judged, () => readinessLines(judged))
  return judged.ready ? exitCodes.ok : exitCodes.failed
}

const marks = { passed: 'ok  ', warned: 'warn', blocked: 'STOP' } as const

function readinessLines({ router, fault, active, standbys, checks, findings, ready }: DrillReadiness): string[] {
  return [
    `${router}, ${fault} on ${active ?? 'nobody'}; standby ${standbys.join(', ') || 'none'}`,
    ...checks.flatMap(({ check, state }) => [
      `${marks[state]} ${check}`,
      ...findings
        .filter((finding) => finding.check === check)
        .flatMap(({ rule, blocking, message, evidence }) => [
          `       ${blocking ? 'STOP' : 'warn'} ${rule}: ${message}`,
          ...evidence
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => `            ${line}`),
        ]),
    ]),
    ready ? 'Ready: nothing blocks the drill.' : 'Not ready: the drill would not begin.',
  ]
}
