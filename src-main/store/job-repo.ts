import type Database from 'better-sqlite3'
import * as v from 'valibot'
import { CommandRecord, ErrorReply, JobId, JobOutcome, JobState, NodeId, StepState } from '#contract'
import { AppError } from '../app/app-error.ts'
import type { JobRepo, JobRow, JobStepRow } from '../app/ports/store.ts'
import { jsonText, type RowReader } from './row-reader.ts'

const nullableTime = v.nullable(v.number())
const StoredJob = v.object({
  id: JobId,
  kind: v.string(),
  defVersion: v.number(),
  title: v.string(),
  input: jsonText(v.unknown()),
  planSha256: v.string(),
  state: JobState,
  outcome: v.nullable(JobOutcome),
  requestedBy: v.string(),
  reason: v.nullable(v.string()),
  createdAt: v.number(),
  endedAt: nullableTime,
  cancelReason: v.nullable(v.picklist(['operator', 'host-shutdown', 'lease-lost', 'deadline'])),
  undoes: v.nullable(JobId),
  error: v.nullable(jsonText(ErrorReply)),
})
const StoredStep = v.object({
  ordinal: v.number(),
  key: v.string(),
  nodeId: v.nullable(NodeId),
  title: v.string(),
  state: StepState,
  attempt: v.number(),
  intent: jsonText(v.unknown()),
  error: v.nullable(jsonText(ErrorReply)),
  startedAt: nullableTime,
  endedAt: nullableTime,
})

type JobChange = Parameters<JobRepo['updateJob']>[1]
type StepChange = Parameters<JobRepo['updateStep']>[2]

const jobColumns = {
  state: 'state',
  outcome: 'outcome',
  endedAt: 'ended_at',
  cancelReason: 'cancel_reason',
  error: 'error_json',
}
const stepColumns = {
  state: 'state',
  attempt: 'attempt',
  intent: 'intent_json',
  error: 'error_json',
  startedAt: 'started_at',
  endedAt: 'ended_at',
}

/** The journal. Every write is on disk (`synchronous=FULL`) when the call returns: that is what makes a step's intent binding. */
export function createJobRepo(db: Database.Database, rows: RowReader): JobRepo {
  const selectJob = `select id, kind, def_version as defVersion, title, input_json as input, plan_sha256 as planSha256, state, outcome,
    requested_by as requestedBy, reason, created_at as createdAt, ended_at as endedAt, cancel_reason as cancelReason, undoes,
    error_json as error from job`
  const one = db.prepare<[string], { id: string }>(`${selectJob} where id = ?`)
  const page = db.prepare<[{ before: number | null; limit: number }], { id: string }>(
    `${selectJob} where @before is null or created_at < @before order by created_at desc, rowid desc limit cast(@limit as integer)`,
  )
  const open = db.prepare<[], { id: string }>(`${selectJob} where state <> 'ended' order by created_at, rowid`)
  const steps = db.prepare<[string], { ordinal: number }>(
    `select ordinal, key, node_id as nodeId, title, state, attempt, intent_json as intent, error_json as error,
       started_at as startedAt, ended_at as endedAt from job_step where job_id = ? order by ordinal`,
  )
  const insertJob = db.prepare(
    `insert into job (id, kind, def_version, title, input_json, plan_sha256, state, outcome, requested_by, reason, created_at,
       ended_at, cancel_reason, undoes, error_json) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const insertStep = db.prepare(
    `insert into job_step (job_id, ordinal, key, node_id, title, state, attempt, intent_json, error_json, started_at, ended_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const holderOf = db.prepare<[string], { id: string; title: string; requestedBy: string }>(
    `select job.id, job.title, job.requested_by as requestedBy from node_lock join job on job.id = node_lock.job_id where node_id = ?`,
  )
  const lock = db.prepare('insert into node_lock (node_id, job_id, taken_at) values (?, ?, ?)')
  const unlock = db.prepare('delete from node_lock where job_id = ?')
  const undoing = db
    .prepare<[string], JobId>(
      `select id from job where undoes = ? and (outcome is null or outcome not in ('failed', 'cancelled', 'rolled-back'))
     order by created_at desc, rowid desc limit 1`,
    )
    .pluck()
  const insertCommand = db.prepare('insert into job_command (job_id, ordinal, record_json) values (?, ?, ?)')
  const commands = db.prepare<[string], { id: number; ordinal: number; record: string }>(
    'select id, ordinal, record_json as record from job_command where job_id = ? order by id',
  )

  function jobFrom(row: { id: string } | undefined): JobRow | null {
    if (row === undefined) return null
    const job = rows.read(StoredJob, 'job', row.id, row)
    const stored = steps.all(row.id)
    const parsed = stored.flatMap((step) => rows.read(StoredStep, 'job_step', `${row.id} ${step.ordinal}`, step) ?? [])
    // A job with a step missing is not that job: leave it out as a whole.
    if (job === null || parsed.length !== stored.length) return null
    return { ...job, input: job.input, steps: parsed.map((step) => ({ ...step, intent: step.intent })) }
  }
  const jobsFrom = (found: readonly { id: string }[]): JobRow[] => found.flatMap((row) => jobFrom(row) ?? [])

  const create = db.transaction((job: JobRow, lockNodes: readonly NodeId[]) => {
    for (const node of lockNodes) {
      const holder = holderOf.get(node)
      if (holder !== undefined) throw conflict(node, holder)
    }
    insertJob.run(
      job.id,
      job.kind,
      job.defVersion,
      job.title,
      JSON.stringify(job.input),
      job.planSha256,
      job.state,
      job.outcome,
      job.requestedBy,
      job.reason,
      job.createdAt,
      job.endedAt,
      job.cancelReason,
      job.undoes,
      jsonOrNull(job.error),
    )
    for (const step of job.steps) insertStep.run(job.id, ...stepValues(step))
    for (const node of new Set(lockNodes)) lock.run(node, job.id, job.createdAt)
  })

  const updateJob = db.transaction((id: JobId, change: JobChange) => {
    const { names, values } = assignments(jobColumns, change)
    if (names !== '') db.prepare(`update job set ${names} where id = ?`).run(...values, id)
    if (change.state === 'ended') unlock.run(id)
  })

  return {
    create: (job, lockNodes) => create.immediate(job, lockNodes),
    updateJob: (id, change) => updateJob.immediate(id, change),
    updateStep(id, ordinal, change) {
      const { names, values } = assignments(stepColumns, change)
      if (names !== '') db.prepare(`update job_step set ${names} where job_id = ? and ordinal = ?`).run(...values, id, ordinal)
    },
    get: (id) => jobFrom(one.get(id)),
    list: ({ limit, before }) => jobsFrom(page.all({ limit, before: before ?? null })),
    unfinished: () => jobsFrom(open.all()),
    undoneBy: (id) => undoing.get(id) ?? null,
    appendCommand(id, ordinal, record) {
      insertCommand.run(id, ordinal, JSON.stringify(record))
    },
    commands: (id) =>
      commands.all(id).flatMap(({ id: row, ordinal, record }) => {
        const parsed = rows.read(jsonText(CommandRecord), 'job_command', String(row), record)
        return parsed === null ? [] : { ordinal, record: parsed }
      }),
  }
}

function conflict(node: string, holder: { id: string; title: string; requestedBy: string }): AppError {
  return new AppError(
    'job.conflict',
    `Node ${node} is held by the job "${holder.title}" (${holder.id}, requested by ${holder.requestedBy}). Wait until it ends, or cancel it.`,
    { details: { node, job: holder.id, title: holder.title } },
  )
}

function stepValues(step: JobStepRow): unknown[] {
  const { ordinal, key, nodeId, title, state, attempt, intent, error, startedAt, endedAt } = step
  return [ordinal, key, nodeId, title, state, attempt, JSON.stringify(intent ?? null), jsonOrNull(error), startedAt, endedAt]
}

/** The SET list of a partial change: only known columns, in the order of `columns`. */
function assignments(columns: Record<string, string>, change: JobChange | StepChange): { names: string; values: unknown[] } {
  const given = Object.entries(change).filter(([name, value]) => Object.hasOwn(columns, name) && value !== undefined)
  return {
    names: given.map(([name]) => `${columns[name]} = ?`).join(', '),
    values: given.map(([name, value]) => {
      if (name === 'intent') return JSON.stringify(value ?? null)
      return name === 'error' ? jsonOrNull(value) : value
    }),
  }
}

function jsonOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}
