/*
 * A drill as a journaled job, which locks every member of the router: no push, drain or other drill touches them meanwhile. What the
 * members were like is the intent, so that whoever takes the job up after a crash can take the fault back and compare.
 */
import * as v from 'valibot'
import { DrillId, NodeId, type DrillRecord, type JobId } from '#contract'
import { AppError } from '../app-error.ts'
import type { JobDefinition, StepContext } from '../jobs/job-definition.ts'
import { takeSnapshots } from './conclude-drill.ts'
import type { RunParts } from './drill-run.ts'
import { endInterrupted, runDrill } from './run-drill.ts'

export const drillKind = 'drill'

const DrillJobInput = v.strictObject({
  drill: DrillId,
  title: v.string(),
  node: NodeId,
  members: v.array(NodeId),
})
export type DrillJobInput = v.InferOutput<typeof DrillJobInput>

const Intent = v.strictObject({ before: v.record(NodeId, v.record(v.string(), v.string())) })
type Intent = v.InferOutput<typeof Intent>
type Context = StepContext<DrillJobInput>

/** A drill may hold its fault for an hour. */
const deadlineMs = 2 * 3_600_000
const runStep = 'drill'

export function createDrillJob(
  parts: RunParts & { mayBegin: (drill: DrillRecord['id'], job: JobId) => boolean },
): JobDefinition<DrillJobInput, Intent> {
  /** drills that this process has prepared and not begun */
  const fresh = new Set<DrillRecord['id']>()
  const runOf = ({ input, signal, record }: Context, { before }: Intent) => ({
    parts,
    drill: parts.book.find(input.drill),
    before,
    signal,
    record,
  })

  return {
    kind: drillKind,
    version: 1,
    input: DrillJobInput,
    intent: Intent,
    deadlineMs,

    plan: ({ title, node, members }) => ({
      title,
      servers: [],
      steps: [
        ...members
          .filter((member) => member !== node)
          .map((member) => ({ key: `watch ${member}`, nodeId: member, title: `Keep others off ${member}` })),
        { key: runStep, nodeId: node, title },
      ],
    }),

    async prepare({ input, jobId, step, signal }) {
      if (step.key !== runStep) return { before: {} }
      const drill = parts.book.find(input.drill)
      if (!parts.mayBegin(drill.id, jobId))
        throw new AppError('request.cancelled', 'The drill was interrupted before its fault; start it again.')
      const before = await takeSnapshots({ parts, drill, signal, record: () => undefined })
      fresh.add(drill.id)
      return { before: before as Intent['before'] }
    },

    async probe(_intent, context) {
      if (context.step.key !== runStep) return 'present'
      // it ends when the fault has been taken back, and not before
      return parts.book.find(context.input.drill).endedAt === null ? 'partial' : 'present'
    },

    async apply(intent, context) {
      if (context.step.key !== runStep) return
      const run = runOf(context, intent)
      return fresh.delete(run.drill.id) ? runDrill(run) : endInterrupted(run)
    },

    async undo(intent, context) {
      if (context.step.key === runStep) await endInterrupted(runOf(context, intent))
    },

    undoInput: () => ({ why: 'A drill takes its fault back by itself; there is nothing left to undo.' }),
  }
}
