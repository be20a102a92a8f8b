import * as v from 'valibot'
import { EpochMs, NodeId } from './ids.ts'

/** What the private key file of every practice fleet is called: a node that is reached with one belongs to a practice fleet. */
export const practiceKeyFile = 'practice_ed25519'

/** What can be made to happen in the practice fleet. The window says each in its own words; `text` of PracticeScenario is the English. */
export const practiceScenarios = [
  'backend-stop',
  'backend-slow',
  'backend-flap',
  'backend-degraded',
  'fill-pool',
  'crash-haproxy',
  'kill-keepalived',
  'cut-adverts',
  'ssh-refuse',
  'ssh-hang',
  'ssh-new-key',
  'power-off',
  'hand-edit',
  'load',
  'sticky-share',
] as const
export const PracticeScenarioId = v.picklist(practiceScenarios)
export type PracticeScenarioId = v.InferOutput<typeof PracticeScenarioId>

/** What a scenario happens to: one server, one balancer, one site, or everything. */
export const PracticeTargetKind = v.picklist(['backend', 'node', 'site', 'fleet'])
export type PracticeTargetKind = v.InferOutput<typeof PracticeTargetKind>

const target = v.pipe(v.string(), v.minLength(1), v.maxLength(120))

export const PracticeScenario = v.strictObject({
  id: PracticeScenarioId,
  on: PracticeTargetKind,
  text: v.string(),
  /** the figure it takes, and what is meant when none is given */
  value: v.nullable(
    v.strictObject({
      unit: v.picklist(['ms', 's', 'per-second', 'percent']),
      minimum: v.number(),
      maximum: v.number(),
      normal: v.number(),
    }),
  ),
  /** where it happens now; `target` is null for the whole fleet */
  active: v.array(v.strictObject({ target: v.nullable(v.string()), value: v.nullable(v.number()), since: EpochMs })),
})
export type PracticeScenario = v.InferOutput<typeof PracticeScenario>

/** The clients of the fleet: what they do, and what became of it since the fleet was opened or the share was changed. */
export const PracticeLoad = v.strictObject({
  perSecond: v.number(),
  /** of the requests, by clients that keep their cookies; 0 to 100 */
  stickyPercent: v.number(),
  ok: v.number(),
  /** of those that are ok */
  slow: v.number(),
  failed: v.number(),
  /** not sent, since too many were under way */
  skipped: v.number(),
  underWay: v.number(),
  /** streams held open, and how many of them broke */
  longLived: v.number(),
  broken: v.number(),
})
export type PracticeLoad = v.InferOutput<typeof PracticeLoad>

/** What the fleet itself knows. */
export const PracticeFacts = v.strictObject({
  targets: v.strictObject({ backend: v.array(v.string()), node: v.array(v.string()), site: v.array(v.string()) }),
  scenarios: v.array(PracticeScenario),
  /** null: nothing is open */
  load: v.nullable(PracticeLoad),
})
export type PracticeFacts = v.InferOutput<typeof PracticeFacts>

export const PracticeStatus = v.strictObject({
  /** `closed`: there is none; `failed`: it could not be opened, or ended by itself, and `error` says why */
  state: v.picklist(['closed', 'opening', 'open', 'failed']),
  error: v.nullable(v.string()),
  nodes: v.array(NodeId),
  ...PracticeFacts.entries,
})
export type PracticeStatus = v.InferOutput<typeof PracticeStatus>

/** How large. The normal fleet is two sites with a pair of balancers each, and eight servers per site. */
export const PracticeSize = v.strictObject({
  nodes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(100))),
  /** that each balancer has in its largest pool */
  servers: v.optional(v.pipe(v.number(), v.integer(), v.minValue(8), v.maxValue(1000))),
})
export type PracticeSize = v.InferOutput<typeof PracticeSize>

export const PracticeDeed = v.strictObject({
  scenario: PracticeScenarioId,
  target: v.optional(target),
  value: v.optional(v.number()),
})
export type PracticeDeed = v.InferOutput<typeof PracticeDeed>

/** Without a scenario everything is put right; without a target the scenario everywhere. */
export const PracticeRepair = v.strictObject({ scenario: v.optional(PracticeScenarioId), target: v.optional(target) })
export type PracticeRepair = v.InferOutput<typeof PracticeRepair>
