import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { AppError } from '../app-error.ts'
import type { JobRow } from '../ports/store.ts'
import type { AnyJobDefinition, JobPlan } from './job-definition.ts'

export interface PlannedJob {
  definition: AnyJobDefinition
  input: unknown
  plan: JobPlan
  planSha256: string
}

/** Parses the input and makes the plan; throws `request.invalid` for an input the definition refuses. */
export function planJob(definition: AnyJobDefinition, rawInput: unknown): PlannedJob {
  const parsed = v.safeParse(definition.input, rawInput)
  if (!parsed.success) {
    throw new AppError('request.invalid', `The input of a ${definition.kind} job is not valid: ${issuesOf(parsed.issues)}.`)
  }
  const plan = definition.plan(parsed.output)
  const text = JSON.stringify([definition.kind, definition.version, plan.steps.map(({ key, nodeId }) => [key, nodeId])])
  return { definition, input: parsed.output, plan, planSha256: createHash('sha256').update(text).digest('hex') }
}

/**
 * The plan of a job that was journaled, made again. Throws `job.quarantined` when this release would not do the same thing:
 * the kind is gone, the input does not parse, or the plan has become another one.
 */
export function replanJob(definitions: ReadonlyMap<string, AnyJobDefinition>, job: JobRow): PlannedJob {
  const definition = definitions.get(job.kind)
  if (definition === undefined) throw quarantined(job, `this release has no job of the kind ${job.kind}`)
  let planned: PlannedJob
  try {
    planned = planJob(definition, job.input)
  } catch (thrown) {
    throw quarantined(job, thrown instanceof Error ? thrown.message : String(thrown), thrown)
  }
  if (job.defVersion !== definition.version || planned.planSha256 !== job.planSha256) {
    throw quarantined(job, 'this release would carry it out in other steps than those it was started with')
  }
  return planned
}

/** An unfinished job that cannot be carried on; says whether it may have changed anything. */
export function quarantined(job: JobRow, why: string, cause?: unknown): AppError {
  const states = new Set(job.steps.map(({ state }) => state))
  const effect = states.has('intended') || states.has('unknown') ? 'unknown' : states.has('done') ? 'applied' : 'none'
  return new AppError(
    'job.quarantined',
    `The job "${job.title}" was left unfinished and cannot be carried on: ${why}. Look at its nodes and put them right by hand.`,
    { effect, details: { job: job.id }, cause },
  )
}

export function issuesOf(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues.map((issue) => `${v.getDotPath(issue) ?? 'value'}: ${issue.message}`).join('; ')
}
