/**
 * The job that ends what is still open on servers that are out. It cannot be taken back: clients see a connection that breaks off. So it
 * is tried again only where the balancer says that sessions are left, and a rollback says that nothing can be given back.
 */
import * as v from 'valibot'
import { AppError } from '../app-error.ts'
import type { AnyJobDefinition, JobDefinition, StepContext } from '../jobs/job-definition.ts'
import { adminTimeoutMs, operationTitle, ServerTarget, targetKey, type AdminOf } from './server-targets.ts'

const ShutdownInput = v.strictObject({ targets: v.pipe(v.array(ServerTarget), v.minLength(1)) })
type ShutdownInput = v.InferOutput<typeof ShutdownInput>

/** How many sessions there were before, on current and old workers. */
export const ShutdownIntent = v.strictObject({ sessions: v.number() })
type ShutdownIntent = v.InferOutput<typeof ShutdownIntent>

export const shutdownKind = 'server.shutdownSessions'

export function createShutdownJob(adminOf: AdminOf): AnyJobDefinition {
  async function left(context: StepContext<ShutdownInput>): Promise<ShutdownIntent> {
    const { target, session, watch, limits } = await stepOf(adminOf, context)
    const now = await watch.left(session, target.pool, target.server, limits)
    return { sessions: now === null ? 0 : now.sessions + (now.oldSessions ?? 0) }
  }
  const definition: JobDefinition<ShutdownInput, ShutdownIntent> = {
    kind: shutdownKind,
    version: 1,
    input: ShutdownInput,
    intent: ShutdownIntent,
    deadlineMs: 30_000,
    plan: ({ targets }) => ({
      title: operationTitle('Shut down the sessions of', targets),
      servers: [...new Set(targets.map(({ serverId }) => serverId))],
      steps: targets.map((target) => ({
        key: targetKey(target),
        nodeId: target.nodeId,
        title: `${target.pool}/${target.server} on ${target.nodeId}`,
      })),
    }),
    prepare: left,
    async probe(_intent, context) {
      return (await left(context)).sessions === 0 ? 'present' : 'absent'
    },
    async apply(_intent, context) {
      const { target, session, watch, limits } = await stepOf(adminOf, context)
      await watch.shutdownSessions(session, target.pool, target.server, { ...limits, record: context.record })
    },
    async undo({ sessions }, { step }) {
      throw new AppError('job.not-undoable', `${sessions} sessions of ${step.title} were shut down and cannot be given back.`, {
        effect: 'applied',
      })
    },
    undoInput: () => ({ why: 'Sessions that were shut down cannot be given back.' }),
  }
  return definition as unknown as AnyJobDefinition
}

async function stepOf(adminOf: AdminOf, { input, step, signal }: StepContext<ShutdownInput>) {
  const target = input.targets.find((each) => targetKey(each) === step.key)
  if (target === undefined) throw new AppError('host.internal', `The job has no target for its step ${step.key}.`)
  const { session, admin } = await adminOf(target, signal)
  return { target, session, watch: admin.watch, limits: { signal, timeoutMs: adminTimeoutMs } }
}
