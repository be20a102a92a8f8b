/**
 * The job that puts servers into an administrative state on their balancers, and the job that puts back what it found.
 *
 * One step per server and balancer. The intent of a step is the server's state as read just before; undo works from it alone. A server
 * that another hand changed between is `different`: nothing is guessed. HAProxy forgets runtime states at a reload, which shows as
 * `absent` or `different` and is never mistaken for success.
 */
import * as v from 'valibot'
import { AdminState } from '#contract'
import { AppError } from '../app-error.ts'
import type { AnyJobDefinition, JobDefinition, StepContext } from '../jobs/job-definition.ts'
import type { AdminLimits } from '../ports/admin-limits.ts'
import type { ServerPreImage } from '../ports/driver.ts'
import type { JobRow } from '../ports/store.ts'
import {
  adminTimeoutMs,
  operationTitle,
  PreImage,
  readServer,
  ServerTarget,
  targetKey,
  type AdminOf,
  type NodeAdmin,
} from './server-targets.ts'

export const SetStateInput = v.strictObject({
  state: AdminState,
  targets: v.pipe(v.array(ServerTarget), v.minLength(1)),
})
export type SetStateInput = v.InferOutput<typeof SetStateInput>

const RestoreTarget = v.strictObject({ ...ServerTarget.entries, before: PreImage })
const RestoreInput = v.strictObject({ targets: v.pipe(v.array(RestoreTarget), v.minLength(1)) })
type RestoreInput = v.InferOutput<typeof RestoreInput>

export const setStateKind = 'server.setState'
export const restoreKind = 'server.restore'
const stepDeadlineMs = 20_000

export function createSetStateJob(adminOf: AdminOf): AnyJobDefinition {
  const definition: JobDefinition<SetStateInput, ServerPreImage> = {
    kind: setStateKind,
    version: 1,
    input: SetStateInput,
    intent: PreImage,
    deadlineMs: stepDeadlineMs,
    plan: ({ state, targets }) => planOf(operationTitle(state, targets), targets),
    async prepare(context) {
      const { target, node, limits } = await stepOf(adminOf, context)
      return readServer(node, target, limits)
    },
    async probe(before, context) {
      const { target, node, limits } = await stepOf(adminOf, context)
      const now = await node.admin.read(node.session, target.pool, target.server, limits)
      if (now === null || now.address !== before.address) return 'different'
      if (node.admin.isIn(now, context.input.state)) return 'present'
      return now.adminState === before.adminState ? 'absent' : 'different'
    },
    async apply(_before, context) {
      const { target, node, limits } = await stepOf(adminOf, context)
      await node.admin.setState(node.session, target.pool, target.server, context.input.state, limits)
    },
    async undo(before, context) {
      const { node, limits } = await stepOf(adminOf, context)
      await node.admin.restore(node.session, before, limits)
    },
    undoInput: (job) => restoreInputFrom(job, SetStateInput),
  }
  return definition as unknown as AnyJobDefinition
}

export function createRestoreJob(adminOf: AdminOf): AnyJobDefinition {
  const definition: JobDefinition<RestoreInput, ServerPreImage> = {
    kind: restoreKind,
    version: 1,
    input: RestoreInput,
    intent: PreImage,
    deadlineMs: stepDeadlineMs,
    plan: ({ targets }) => planOf(operationTitle('Restore', targets), targets),
    async prepare(context) {
      const { target, node, limits } = await stepOf(adminOf, context)
      const now = await readServer(node, target, limits)
      if (now.address === target.before.address) return now
      throw new AppError(
        'job.not-undoable',
        `${target.pool}/${target.server} on ${target.nodeId} is now ${now.address} and was ${target.before.address}: it is not the server whose state was recorded.`,
      )
    },
    async probe(found, context) {
      const { target, node, limits } = await stepOf(adminOf, context)
      const now = await node.admin.read(node.session, target.pool, target.server, limits)
      if (now === null || now.address !== found.address) return 'different'
      if (sameState(now, target.before)) return 'present'
      if (sameState(now, found)) return 'absent'
      return isBetween(now, found, target.before) ? 'partial' : 'different'
    },
    async apply(_found, context) {
      const { target, node, limits } = await stepOf(adminOf, context)
      await node.admin.restore(node.session, target.before, limits)
    },
    async undo(found, context) {
      const { node, limits } = await stepOf(adminOf, context)
      await node.admin.restore(node.session, found, limits)
    },
    undoInput: (job) => restoreInputFrom(job, RestoreInput),
  }
  return definition as unknown as AnyJobDefinition
}

function planOf(title: string, targets: readonly ServerTarget[]): ReturnType<AnyJobDefinition['plan']> {
  return {
    title,
    servers: [...new Set(targets.map(({ serverId }) => serverId))],
    steps: targets.map((target) => ({
      key: targetKey(target),
      nodeId: target.nodeId,
      title: `${target.pool}/${target.server} on ${target.nodeId}`,
    })),
  }
}

async function stepOf<Target extends ServerTarget>(
  adminOf: AdminOf,
  { input, step, signal, record }: StepContext<{ targets: readonly Target[] }>,
): Promise<{ target: Target; node: NodeAdmin; limits: AdminLimits }> {
  const target = input.targets.find((each) => targetKey(each) === step.key)
  if (target === undefined) throw new AppError('host.internal', `The job has no target for its step ${step.key}.`)
  return { target, node: await adminOf(target, signal), limits: { signal, timeoutMs: adminTimeoutMs, record } }
}

/** Everything that was done, with the state each server was found in. */
function restoreInputFrom(
  job: JobRow,
  schema: v.GenericSchema<unknown, { targets: readonly ServerTarget[] }>,
): ReturnType<AnyJobDefinition['undoInput']> {
  const input = v.safeParse(schema, job.input)
  if (!input.success) return { why: 'The record of the job cannot be read.' }
  const targets = job.steps.flatMap((step) => {
    const target = input.output.targets.find((each) => targetKey(each) === step.key)
    const before = v.safeParse(PreImage, step.intent)
    if (step.state !== 'done' || target === undefined || !before.success) return []
    const { serverId, nodeId, balancer, pool, server } = target
    return [{ serverId, nodeId, balancer, pool, server, before: before.output }]
  })
  return targets.length === 0 ? { why: 'The job changed nothing.' } : { kind: restoreKind, input: { targets } }
}

/** A restore is two commands: cut short between them, the server has the weight of the one and the state of the other. */
function isBetween(now: ServerPreImage, a: ServerPreImage, b: ServerPreImage): boolean {
  return [a.adminState, b.adminState].includes(now.adminState) && [a.weight, b.weight].includes(now.weight)
}

function sameState(a: ServerPreImage, b: ServerPreImage): boolean {
  return a.adminState === b.adminState && a.weight === b.weight
}
