import * as v from 'valibot'
import { ErrorReply } from './errors.ts'
import { EpochMs, JobId, NodeId, PoolId, ServerId } from './ids.ts'
import { ServerState } from './fleet.ts'

/**
 * The administrative state a server can be put into: HAProxy's `set server … state` (management guide 9.3). nginx has but one way of being
 * out, `down` in its configuration, and takes `drain` and `maint` for that.
 */
export const AdminState = v.picklist(['ready', 'drain', 'maint'])
export type AdminState = v.InferOutput<typeof AdminState>

export const StepState = v.picklist(['pending', 'intended', 'done', 'failed', 'unknown', 'undone', 'skipped'])
export type StepState = v.InferOutput<typeof StepState>

export const JobState = v.picklist(['running', 'paused', 'ended'])
export const JobOutcome = v.picklist(['succeeded', 'failed', 'cancelled', 'rolled-back', 'rollback-failed', 'needs-operator'])
export type JobOutcome = v.InferOutput<typeof JobOutcome>

/** One command that was sent to a node, exactly, and what came back. */
export const CommandRecord = v.strictObject({
  nodeId: NodeId,
  at: EpochMs,
  /** where it was sent: `socket /run/haproxy/admin.sock` or `ssh` */
  via: v.string(),
  /** the exact bytes, secrets removed */
  command: v.string(),
  /** exit code; null for a socket command, which has none */
  exitCode: v.nullable(v.number()),
  /** the reply or the last lines of stderr, at most 4 kB */
  reply: v.string(),
})
export type CommandRecord = v.InferOutput<typeof CommandRecord>

export const JobStepView = v.strictObject({
  key: v.string(),
  nodeId: v.nullable(NodeId),
  title: v.string(),
  state: StepState,
  startedAt: v.nullable(EpochMs),
  endedAt: v.nullable(EpochMs),
  error: v.nullable(ErrorReply),
  commands: v.array(CommandRecord),
})
export type JobStepView = v.InferOutput<typeof JobStepView>

export const JobView = v.strictObject({
  id: JobId,
  kind: v.string(),
  title: v.string(),
  state: JobState,
  outcome: v.nullable(JobOutcome),
  /** user@host and shell, e.g. `mk (cli)`; from the connection, never from the payload */
  requestedBy: v.string(),
  reason: v.nullable(v.string()),
  createdAt: EpochMs,
  endedAt: v.nullable(EpochMs),
  /** false, and why, once undo is no longer possible */
  undo: v.strictObject({ possible: v.boolean(), why: v.nullable(v.string()) }),
  /** the job that this one undoes, or that undid this one */
  undoes: v.nullable(JobId),
  undoneBy: v.nullable(JobId),
  servers: v.array(ServerId),
  steps: v.array(JobStepView),
  error: v.nullable(ErrorReply),
})
export type JobView = v.InferOutput<typeof JobView>

/** What an operation will do, before it is done: which balancers, the exact commands, the state before. */
export const OperationPlan = v.strictObject({
  title: v.string(),
  steps: v.array(
    v.strictObject({
      nodeId: NodeId,
      via: v.string(),
      commands: v.array(v.string()),
      undoCommands: v.array(v.string()),
      before: v.strictObject({ state: ServerState, word: v.string(), weight: v.nullable(v.number()) }),
    }),
  ),
  /** balancers that have the server but cannot be read now; the operation is refused unless they are excluded by name */
  unreachable: v.array(NodeId),
  warnings: v.array(
    v.strictObject({
      rule: v.picklist([
        'last-usable-server',
        'agent-check',
        'weight-zero',
        'lost-on-reload',
        'needs-reload',
        'already-in-state',
      ]),
      pool: PoolId,
      nodeId: v.nullable(NodeId),
      data: v.record(v.string(), v.union([v.string(), v.number()])),
    }),
  ),
})
export type OperationPlan = v.InferOutput<typeof OperationPlan>

/** One line of the history: a state change, a connection change, a VIP transition, or an operation. Append-only. */
export const HistoryEntry = v.strictObject({
  id: v.number(),
  at: EpochMs,
  kind: v.picklist([
    'server.state',
    'node.connection',
    'router.holder',
    'router.state',
    'service.restarted',
    'operation.started',
    'operation.ended',
    'drain.started',
    'drain.violated',
    'drain.repaired',
    'drain.empty',
    'drain.ended',
    'push.started',
    'push.ended',
    'push.settled',
    'drill.started',
    'drill.ended',
    'drill.skipped',
    'inventory.changed',
    'host-key.trusted',
  ]),
  nodeId: v.nullable(NodeId),
  /** server, router, job, drain, push, guard, drill or drill schedule id, by kind */
  subject: v.string(),
  /** names and values the window needs to word it, e.g. { from, to, word, pool, server } */
  data: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null(), v.array(v.string())])),
})
export type HistoryEntry = v.InferOutput<typeof HistoryEntry>
