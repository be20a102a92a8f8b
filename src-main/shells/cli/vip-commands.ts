import type { NodeId, RouterId } from '#contract'
import { exitCodes, usageError, type ExitCode } from './exit-codes.ts'
import { follow, planLines } from './push-commands.ts'
import { readFleet, type Command } from './run-command.ts'

export interface MoveOptions {
  to?: string
  reason?: string
  plan?: boolean
  watch?: number
}

/** Hands a virtual router over to another member; with `--plan` only says how. */
export async function moveVip(
  command: Command,
  timeoutMs: number,
  router: string,
  { to, reason, plan, watch }: MoveOptions,
): Promise<ExitCode> {
  const { client, signal, terminal, json } = command
  await readFleet(command, timeoutMs)
  const wish = { router: router as RouterId, ...(to === undefined ? {} : { to: to as NodeId }) }
  const { handover, files, said, prediction } = await client.call('vips.planMove', wish, signal)
  const request = { files, handover, allowVipMove: true, ...(watch === undefined ? {} : { watchMs: watch }) }
  if (plan) {
    const planned = await client.call('push.plan', request, signal)
    command.print({ handover, said, prediction, plan: planned }, () => [
      `# ${said}`,
      `# ${prediction.formula}`,
      ...planLines(planned),
    ])
    return planned.refusals.length > 0 ? exitCodes.refused : exitCodes.ok
  }
  if (reason === undefined) throw usageError('Say why with --reason.')
  if (!json) terminal.err(said)
  return follow(command, () => client.call('push.start', { ...request, reason }, signal))
}

/** Takes the last handover of this virtual router back. */
export async function moveVipBack(
  command: Command,
  timeoutMs: number,
  router: string,
  { reason }: { reason?: string },
): Promise<ExitCode> {
  if (reason === undefined) throw usageError('Say why with --reason.')
  await readFleet(command, timeoutMs)
  return follow(command, () => command.client.call('vips.moveBack', { router: router as RouterId, reason }, command.signal))
}
