import type * as v from 'valibot'
import type { CommandRecord, JobId, NodeId, ServerId } from '#contract'
import type { JobRow } from '../ports/store.ts'

/** What a job will do, made from its input alone: same input, same plan, same keys. */
export interface JobPlan {
  /** one line for people, e.g. `Drain app1 on lb-a1, lb-a2` */
  title: string
  /** the servers it is about, for the window to find them */
  servers: readonly ServerId[]
  steps: readonly StepPlan[]
}

export interface StepPlan {
  /** unique within the job and the same whenever the plan is made again */
  key: string
  /** locked for the length of the job; null for a step that touches no node */
  nodeId: NodeId | null
  title: string
}

export interface StepContext<Input> {
  readonly jobId: JobId
  readonly input: Input
  readonly step: StepPlan
  /** aborted when the step's deadline passes or the application quits */
  readonly signal: AbortSignal
  /** journals a command that was sent, exactly as sent */
  readonly record: (command: Omit<CommandRecord, 'nodeId'>) => void
}

/**
 * Whether the step's effect is in force: no, yes, half (a step of several commands was cut short), or the node is in a state that
 * this step cannot have left behind.
 */
export type ProbeVerdict = 'absent' | 'present' | 'partial' | 'different'

/**
 * One kind of job. The runner journals a step's intent before `apply` and its success after; a process that dies in between
 * asks `probe` when it is back, so nothing here keeps state of its own.
 *
 * Errors are AppError. `effect: 'none'` means certainly nothing changed; with `unknown` (a lost connection) the runner probes
 * before it does anything else.
 */
export interface JobDefinition<Input, Intent> {
  readonly kind: string
  /** raise it when the plan or the meaning of an intent changes: older unfinished jobs then ask the operator */
  readonly version: number
  readonly input: v.GenericSchema<unknown, Input>
  /** plain JSON */
  readonly intent: v.GenericSchema<unknown, Intent>
  /** for each of prepare, probe, apply and undo of one step */
  readonly deadlineMs: number
  /** pure */
  plan(input: Input): JobPlan
  /** Reads the state before, changing nothing. What it returns must be enough for probe, apply and undo. */
  prepare(context: StepContext<Input>): Promise<Intent>
  /** Changes nothing. `absent` means the state recorded in the intent is in force. */
  probe(intent: Intent, context: StepContext<Input>): Promise<ProbeVerdict>
  /** Not called again after `probe` said `present`; after `partial` it is. */
  apply(intent: Intent, context: StepContext<Input>): Promise<void>
  /** Puts back what the intent recorded. Called only after `probe` said `present` or `partial`. */
  undo(intent: Intent, context: StepContext<Input>): Promise<void>
  /** The job that would take this finished one back, or why there is none. `job` is as it was journaled. */
  undoInput(job: JobRow): { kind: string; input: unknown } | { why: string }
}

/**
 * A definition whose types were forgotten, for a list of different kinds. Sound because the runner hands a definition only
 * what came out of that definition's own schemas.
 */
export type AnyJobDefinition = JobDefinition<unknown, unknown>
