/*
 * Changing one node, or both members of a pair at once, as one job.
 *
 * Model: a change is carried out at most once, by the process that prepared it, from beginning to end. Whoever finds it begun (the same
 * process after the connection was lost, or another one after a crash) takes it back by the guard that lies on the node, and never carries
 * it on: nobody has watched it meanwhile. Should nobody come back, the guard does the same by itself. So a node ends with all of the old
 * configuration or, once confirmed, with all of the new one.
 *
 * Members of a pair that must not differ are armed, told and confirmed side by side: both daemons have judged their files in place before
 * one of them is told, so that they differ for a moment and not for the three adverts after which both would be master; the guards of both
 * run from the same moment. Between two confirmations a console can die: then one goes back, and the next console takes the other back too.
 */
import * as v from 'valibot'
import { Handover, NodeId, PushId, PushRecord, type JobId, type PushHealth, type PushPhase } from '#contract'
import { AppError, appErrorFrom } from '../app-error.ts'
import type { ConfigVersions } from '../config-versions.ts'
import type { JobDefinition, StepContext } from '../jobs/job-definition.ts'
import type { AdminLimits } from '../ports/admin-limits.ts'
import type { Clock } from '../ports/clock.ts'
import type { CheckReport, GuardTicket } from '../ports/config-admin.ts'
import { awaitHandover } from './await-handover.ts'
import {
  changesOf,
  guardReason,
  isGuardOf,
  partyOf,
  standOf,
  type Party,
  type PushTargetFiles,
  type ServicesOf,
} from './parties.ts'
import type { Vantage } from './try-doors.ts'
import { takeBaseline, watchHealth } from './watch-health.ts'

export const pushKind = 'config.push'

const PushJobInput = v.strictObject({
  push: PushId,
  owner: v.string(),
  reason: v.string(),
  guardMs: v.number(),
  watchMs: v.number(),
  allowCapacityLoss: v.boolean(),
  allowVipMove: v.optional(v.boolean(), false),
  handover: v.optional(v.nullable(Handover), null),
  targets: v.array(v.pick(PushRecord.entries.targets.item, ['nodeId', 'kind', 'files', 'runtime'])),
})
export type PushJobInput = v.InferOutput<typeof PushJobInput>

const Intent = v.strictObject({ nodes: v.array(NodeId) })
type Intent = v.InferOutput<typeof Intent>
type Context = StepContext<PushJobInput>

export interface PushJobParts {
  servicesOf: ServicesOf
  versions: Pick<ConfigVersions, 'bytes' | 'pushed'>
  clock: Clock
  /** from where a node's virtual addresses are tried while it is watched, the best first */
  vantagesFor: (nodeId: NodeId) => Vantage[]
  /** where a node is now, for whoever looks on */
  onPhase: (push: PushId, nodeId: NodeId, phase: PushPhase) => void
  onHealth: (push: PushId, nodeId: NodeId, health: { before: PushHealth; now: PushHealth }) => void
  /** the push still wants this job to change its nodes: not one that has ended, or that another process began */
  mayBegin: (push: PushId, jobId: JobId) => boolean
  /** somebody wants this push to end */
  isStopped: (push: PushId) => boolean
}

const commandMs = 60_000
const changeStep = 'change'

export function createPushJob(parts: PushJobParts): JobDefinition<PushJobInput, Intent> {
  const { servicesOf, versions, clock, vantagesFor, onPhase, onHealth, mayBegin, isStopped } = parts
  /** jobs whose change was prepared by this process and has not begun */
  const fresh = new Set<JobId>()
  /** what the daemons of this process's jobs have judged, by job, node and daemon */
  const judged = new Map<string, string>()
  const judgedKey = (jobId: JobId, { nodeId, kind }: Pick<PushTargetFiles, 'nodeId' | 'kind'>): string =>
    `${jobId} ${nodeId} ${kind}`

  const limitsOf = ({ signal, record }: Context): AdminLimits => ({ signal, timeoutMs: commandMs, record })
  const partiesOf = ({ input, signal }: Context): Promise<{ target: PushTargetFiles; party: Party }[]> =>
    Promise.all(input.targets.map(async (target) => ({ target, party: await partyOf(servicesOf, target, signal) })))
  const tell = ({ input }: Context, phase: PushPhase): void =>
    input.targets.forEach(({ nodeId }) => onPhase(input.push, nodeId, phase))

  async function guardsOf(context: Context, party: Party): Promise<GuardTicket[]> {
    const standing = await party.admin.standing(party.session, limitsOf(context))
    return standing.filter((guard) => isGuardOf(guard, context.jobId)).map(({ ticket }) => ticket)
  }

  /** Puts back whatever of this job still stands behind a guard. */
  async function restoreGuarded(context: Context): Promise<void> {
    tell(context, 'restoring')
    const found = await partiesOf(context)
    await allOf(found, async ({ party }) => {
      for (const ticket of await guardsOf(context, party)) await party.admin.restore(party.session, ticket, limitsOf(context))
    })
  }

  /** Puts back what was confirmed already: another change, with a guard of its own. */
  async function reverse(context: Context, { target, party }: { target: PushTargetFiles; party: Party }): Promise<void> {
    const { input, jobId } = context
    const limits = limitsOf(context)
    const changes = await changesOf(versions, target, true)
    const options = { guardMs: input.guardMs, owner: input.owner, reason: guardReason(`back: ${input.reason}`, jobId) }
    const ticket = await party.admin.arm(party.session, changes, options, limits)
    try {
      await party.admin.replace(party.session, changes, ticket, limits)
      await party.admin.reload(party.session, changes, limits)
      await party.admin.confirm(party.session, ticket, limits)
    } catch (thrown) {
      await party.admin.restore(party.session, ticket, limits)
      throw thrown
    }
  }

  async function change(context: Context): Promise<void> {
    const { input, jobId } = context
    const limits = limitsOf(context)
    const found = await Promise.all(
      (await partiesOf(context)).map(async (each) => ({ ...each, changes: await changesOf(versions, each.target) })),
    )
    const nodes = [...new Map(found.map(({ party }) => [party.nodeId, party])).values()]
    // What is not watched is put back, however it serves now.
    const before = await Promise.all(
      (input.watchMs === 0 ? [] : nodes).map(async (node) => ({
        node,
        baseline: await takeBaseline(node, vantagesFor(node.nodeId), clock, limits),
      })),
    )
    const options = { guardMs: input.guardMs, owner: input.owner, reason: guardReason(input.reason, jobId) }
    const armed: ((typeof found)[number] & { ticket: GuardTicket })[] = []
    const confirmed: typeof found = []
    try {
      tell(context, 'arming')
      await allOf(found, async (each) => {
        const { party, changes } = each
        armed.push({ ...each, ticket: await party.admin.arm(party.session, changes, options, limits) })
      })
      tell(context, 'replacing')
      await allOf(armed, ({ party, changes, ticket }) => party.admin.replace(party.session, changes, ticket, limits))
      tell(context, 'reloading')
      await allTogether(armed, ({ target, party, changes }, together) =>
        party.admin.reload(party.session, changes, limits, {
          ...{ together, steps: target.runtime, judged: judged.get(judgedKey(jobId, target)) ?? null },
        }),
      )
      tell(context, 'watching')
      const { handover } = input
      if (handover !== null) await allOf(nodes, (node) => awaitHandover(node, handover, clock, limits))
      const watched = { ...limits, stopped: () => isStopped(input.push) }
      await allOf(before, async ({ node, baseline }) => {
        const told = { ...watched, onHealth: onHealth.bind(null, input.push, node.nodeId) }
        const worse = await watchHealth(node, baseline, input, clock, told)
        if (worse === 'stopped') throw new AppError('request.cancelled', 'The push was stopped by the operator.')
        if (worse === null) return
        const { text, ...figures } = worse
        const where = `${node.nodeId} serves worse than before. ${text}`
        throw new AppError('daemon.not-confirmed', where, { effect: 'applied', details: { ...figures } })
      })
      tell(context, 'confirming')
      await allOf(armed, async (each) => {
        await each.party.admin.confirm(each.party.session, each.ticket, limits)
        confirmed.push(each)
      })
    } catch (thrown) {
      const cause = appErrorFrom(thrown)
      // An application that quits has no time for it: the guard does it.
      if (context.signal.aborted) throw new AppError(cause.code, cause.message, { effect: 'unknown', cause })
      try {
        await restoreGuarded(context)
        await allOf(confirmed, (each) => reverse(context, each))
      } catch (worse) {
        const { message } = appErrorFrom(worse)
        throw new AppError(
          'job.outcome-unknown',
          `${cause.message} It was not put back by this console: ${message} The guard on the node does it within ${Math.ceil(input.guardMs / 1000)} s of the change.`,
          { effect: 'unknown', details: { cause: cause.code, ...cause.details }, cause },
        )
      }
      const back = armed.length === 0 ? '' : ' What was there before is back.'
      throw new AppError(cause.code, `${cause.message}${back}`, { effect: 'none', details: cause.details, cause })
    }
    for (const { target, changes } of found) {
      for (const { path, after } of changes) {
        if (after === null) continue
        const { nodeId, kind } = target
        await versions.pushed(
          { nodeId, kind, path, bytes: after },
          { author: input.owner, reason: input.reason, push: input.push },
        )
      }
    }
  }

  return {
    kind: pushKind,
    version: 1,
    input: PushJobInput,
    intent: Intent,
    deadlineMs: 20 * 60_000,

    plan: ({ targets }) => {
      const nodes = [...new Set(targets.map(({ nodeId }) => nodeId))]
      const paths = [...new Set(targets.flatMap(({ files }) => files.map(({ path }) => path)))]
      return {
        title: `Push ${paths.join(', ')} to ${nodes.join(', ')}`,
        servers: [],
        steps: [
          ...targets.map(({ nodeId, kind }) => ({
            key: `check ${nodeId} ${kind}`,
            nodeId,
            title: `Have ${kind} on ${nodeId} check it`,
          })),
          { key: changeStep, nodeId: nodes[0] ?? null, title: `Change ${nodes.join(' and ')}, watch, confirm` },
        ],
      }
    },

    async prepare(context) {
      const { input, jobId, step } = context
      if (step.key === changeStep) {
        if (!mayBegin(input.push, jobId)) {
          throw new AppError('request.cancelled', 'The push was interrupted before anything was changed here. Push again.')
        }
        fresh.add(jobId)
      }
      return { nodes: input.targets.map(({ nodeId }) => nodeId) }
    },

    async probe(_intent, context) {
      if (context.step.key !== changeStep) return 'absent'
      const found = await partiesOf(context)
      const stands = await Promise.all(
        found.map(async ({ target, party }) =>
          (await guardsOf(context, party)).length > 0 ? 'mixed' : standOf(party, target, limitsOf(context)),
        ),
      )
      if (stands.includes('other')) return 'different'
      if (stands.every((stand) => stand === 'before')) return 'absent'
      return stands.every((stand) => stand === 'after') ? 'present' : 'partial'
    },

    async apply(_intent, context) {
      if (context.step.key === changeStep) {
        if (fresh.delete(context.jobId)) {
          try {
            return await change(context)
          } finally {
            for (const target of context.input.targets) judged.delete(judgedKey(context.jobId, target))
          }
        }
        await restoreGuarded(context)
        throw new AppError('job.step-failed', 'The change was interrupted, and what was there before is back. Push again.', {
          effect: 'applied',
        })
      }
      const target = context.input.targets.find(({ nodeId, kind }) => context.step.key === `check ${nodeId} ${kind}`)
      if (target === undefined) throw new Error(`no target of step ${context.step.key}`)
      onPhase(context.input.push, target.nodeId, 'checking')
      const party = await partyOf(servicesOf, target, context.signal)
      const report = await party.admin.check(party.session, await changesOf(versions, target), limitsOf(context))
      if (!report.accepted) throw notAccepted(target, report)
      if (report.judged !== null) judged.set(judgedKey(context.jobId, target), report.judged)
    },

    async undo(_intent, context) {
      if (context.step.key !== changeStep) return
      await restoreGuarded(context)
      await allOf(await partiesOf(context), async (each) => {
        if ((await standOf(each.party, each.target, limitsOf(context))) === 'after') await reverse(context, each)
      })
    },

    undoInput: () => ({ why: 'A push is taken back as a whole, or node by node, with "config rollback".' }),
  }
}

/** The daemon's own words for why it would not take the files. */
export function notAccepted({ nodeId, kind }: PushTargetFiles, { problems, output }: CheckReport): AppError {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const said = errors.map(({ path, line, message }) => `${path === null ? '' : `${path}:${line ?? ''}: `}${message}`)
  return new AppError(
    'config.check-failed',
    `${kind} on ${nodeId} does not accept it, so nothing was changed: ${said.join('; ') || output}`.replace(/[.\s]*$/, '.'),
    { details: { problems } },
  )
}

/** As `allOf`; `together` holds each back until all have come to it or are done, and fails where one of them has failed before. */
async function allTogether<T>(
  list: readonly T[],
  work: (each: T, together: () => Promise<void>) => Promise<unknown>,
): Promise<void> {
  let missing = list.length
  let open = (): void => undefined
  let fail: (reason: unknown) => void = () => undefined
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  // those who have passed do not wait for it
  opened.catch(() => undefined)
  await allOf(list, async (each) => {
    let hasCome = false
    const come = (): Promise<void> => {
      if (!hasCome) missing -= 1
      hasCome = true
      if (missing === 0) open()
      return opened
    }
    try {
      await work(each, come)
      void come().catch(() => undefined)
    } catch (thrown) {
      fail(thrown)
      throw thrown
    }
  })
}

/** All at once; when one fails, the others come to their end before that is told. */
async function allOf<T>(list: readonly T[], work: (each: T) => Promise<unknown>): Promise<void> {
  const ended = await Promise.allSettled(list.map(work))
  for (const each of ended) if (each.status === 'rejected') throw each.reason
}
