/**
 * A push puts new configuration on nodes, wave by wave: checked by the daemon itself, behind a guard on the node that puts the old one
 * back unless the push is confirmed, and watched against how things were.
 */
import * as v from 'valibot'
import { ConfigDiff } from './config.ts'
import { ServiceKind } from './fleet.ts'
import { DrillPrediction } from './drills.ts'
import { EpochMs, JobId, Milliseconds, NodeId, PushId, RouterId } from './ids.ts'

/** What is done to a running daemon instead of a reload (HAProxy, management manual 2.6: `set`, `add` and `del server`). */
const server = { pool: v.string(), server: v.string() }
export const RuntimeStep = v.union([
  v.strictObject({ ...server, weight: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256)) }),
  v.strictObject({ ...server, state: v.picklist(['ready', 'maint']) }),
  /** address and options, as the file has them */
  v.strictObject({ ...server, add: v.pipe(v.string(), v.regex(/^[\w.:[\]-]+( [\w.:-]+)*$/)) }),
  v.strictObject({ ...server, remove: v.literal(true) }),
])
export type RuntimeStep = v.InferOutput<typeof RuntimeStep>

const sha256 = v.pipe(v.string(), v.regex(/^([0-9a-f]{64})?$/, 'not a SHA-256 in hex'))

/** One file of one node as it is to be. */
export const PushFile = v.strictObject({
  nodeId: NodeId,
  path: v.pipe(v.string(), v.startsWith('/'), v.maxLength(4096)),
  /** only for a file that the daemon does not read yet */
  kind: v.optional(ServiceKind),
  /** of the bytes that were edited; empty: there must be no such file yet */
  baseSha256: sha256,
  text: v.pipe(v.string(), v.maxLength(8_000_000)),
  /** there is to be no such file any more; `text` is not looked at */
  remove: v.optional(v.literal(true)),
  /** a kept version of this file, to be put back byte for byte with its passwords; `text` is not looked at */
  version: v.optional(v.number()),
  /** what was edited, with masks in place of its passwords: the masks of `text` stand for the same; absent: `text` has none */
  baseText: v.optional(v.pipe(v.string(), v.maxLength(8_000_000))),
  /** `latin1`: one character per byte */
  encoding: v.optional(v.picklist(['utf-8', 'latin1']), 'utf-8'),
})
export type PushFile = v.InferOutput<typeof PushFile>

/** A virtual address that is handed over on purpose; what is pushed is the priority of who had it. */
export const Handover = v.strictObject({ router: RouterId, from: NodeId, to: NodeId })
export type Handover = v.InferOutput<typeof Handover>

export const PushRequest = v.strictObject({
  files: v.pipe(v.array(PushFile), v.minLength(1), v.maxLength(500)),
  /** alone in the first wave; default: a standby */
  canary: v.optional(NodeId),
  /** nodes at a time after the canary */
  waveSize: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(50)), 4),
  /** nodes that may fail before the push stops and takes everything back */
  budget: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(50)), 0),
  /** how long health is compared with how it was, before a node is confirmed */
  watchMs: v.optional(v.pipe(Milliseconds, v.maxValue(600_000)), 30_000),
  /** after this long without a word, a node goes back by itself; default: a minute more than it is watched */
  guardMs: v.optional(v.pipe(Milliseconds, v.minValue(15_000), v.maxValue(900_000))),
  /** fewer servers, or a smaller limit of sessions, is what is wanted */
  allowCapacityLoss: v.optional(v.boolean(), false),
  /** a virtual address that leaves a node, or goes, is what is wanted */
  allowVipMove: v.optional(v.boolean(), false),
  /** the running daemons are told, and the files written, without a reload; refused where that cannot be all of it */
  atRuntime: v.optional(v.boolean(), false),
  /** what it is for, where it is for that; "vip back" finds it by this */
  handover: v.optional(Handover),
})
export type PushRequest = v.InferOutput<typeof PushRequest>

const FileHashes = v.strictObject({ path: v.string(), before: sha256, after: sha256 })
const target = {
  nodeId: NodeId,
  kind: ServiceKind,
  files: v.array(FileHashes),
  /** of the plan: what could be done instead of a reload; of a push: what is; null: nothing, it is reloaded */
  runtime: v.optional(v.nullable(v.array(RuntimeStep)), null),
}
/** in each wave, the nodes that are changed side by side; two in one group: both members of a pair within a few moments */
const Waves = v.array(v.array(v.array(NodeId)))

export const PushPlan = v.strictObject({
  title: v.string(),
  waves: Waves,
  targets: v.array(
    v.strictObject({
      ...target,
      /** holds a virtual address now, so that it comes after its standby */
      holdsVip: v.boolean(),
      /** the node's file had changed since it was read, and both changes fit */
      merged: v.boolean(),
      diff: ConfigDiff,
      /** what a person would do by hand to the same effect */
      commands: v.array(v.string()),
    }),
  ),
  /** virtual addresses that leave their node, as VRRP decides; `to` null: nobody has it then. Refused unless that is allowed. */
  vipMoves: v.array(
    v.strictObject({ router: v.string(), address: v.string(), from: NodeId, to: v.nullable(NodeId), text: v.string() }),
  ),
  /** nodes that have all of it already */
  unchanged: v.array(NodeId),
  /** why it would not be started */
  refusals: v.array(v.string()),
})
export type PushPlan = v.InferOutput<typeof PushPlan>

export const PushCheck = v.strictObject({
  nodeId: NodeId,
  kind: ServiceKind,
  accepted: v.boolean(),
  how: v.picklist(['bound', 'in place']),
  output: v.string(),
  problems: v.array(
    v.strictObject({
      severity: v.picklist(['error', 'warning']),
      message: v.string(),
      path: v.nullable(v.string()),
      line: v.nullable(v.number()),
    }),
  ),
})
export type PushCheck = v.InferOutput<typeof PushCheck>

/** `restored`: it was changed and is as before; `failed`: how it stands is not known, or nothing was changed there (see `said`). */
export const PushPhase = v.picklist([
  'waiting',
  'checking',
  'arming',
  'replacing',
  'reloading',
  'watching',
  'confirming',
  'done',
  'restoring',
  'restored',
  'failed',
  'skipped',
])
export type PushPhase = v.InferOutput<typeof PushPhase>

/** How a node serves, over all of its pools. */
export const PushHealth = v.strictObject({
  /** servers that take traffic, of those there are */
  serving: v.number(),
  servers: v.number(),
  /** requests that wait for one */
  queue: v.number(),
  /** a second; null: the daemon does not tell */
  requestRate: v.nullable(v.number()),
  errorRate: v.nullable(v.number()),
})
export type PushHealth = v.InferOutput<typeof PushHealth>

/** `interrupted`: the console ended in between; nodes that were done stay so, one under way went back, the others were left alone. */
export const PushState = v.picklist(['running', 'undoing', 'succeeded', 'rolled-back', 'failed', 'interrupted'])
export type PushState = v.InferOutput<typeof PushState>

export const PushRecord = v.strictObject({
  id: PushId,
  title: v.string(),
  author: v.string(),
  reason: v.string(),
  createdAt: EpochMs,
  endedAt: v.nullable(EpochMs),
  state: PushState,
  /** how it stands, in a sentence */
  said: v.string(),
  waves: Waves,
  budget: v.number(),
  watchMs: Milliseconds,
  guardMs: Milliseconds,
  allowCapacityLoss: v.boolean(),
  allowVipMove: v.optional(v.boolean(), false),
  targets: v.array(
    v.strictObject({
      ...target,
      phase: PushPhase,
      said: v.string(),
      jobId: v.nullable(JobId),
      undoJobId: v.nullable(JobId),
      /** the phases it has been in, and since when; the guard runs from `arming` */
      trail: v.optional(v.array(v.strictObject({ phase: PushPhase, at: EpochMs })), []),
      /** just before, and as it was last seen while it is watched */
      health: v.optional(v.nullable(v.strictObject({ before: PushHealth, now: PushHealth })), null),
    }),
  ),
  /** the push that this one takes back */
  undoes: v.nullable(PushId),
  handover: v.optional(v.nullable(Handover), null),
})
export type PushRecord = v.InferOutput<typeof PushRecord>

/** A lock with a guard that somebody's push has left on a node, or holds now. */
export const StandingPush = v.strictObject({
  nodeId: NodeId,
  kind: ServiceKind,
  id: v.string(),
  /** of this console, which ends it by itself; null: left by a push that nobody carries on here, or another console's */
  push: v.nullable(PushId),
  owner: v.string(),
  reason: v.string(),
  since: EpochMs,
  expiresAt: EpochMs,
  state: v.picklist(['armed', 'lost', 'restored', 'failed']),
  log: v.string(),
})
export type StandingPush = v.InferOutput<typeof StandingPush>

/** What it takes to hand a virtual router over to another member now. */
export const HandoverPlan = v.strictObject({
  handover: Handover,
  /** the holder's files with its new priority, to be pushed with `allowVipMove` */
  files: v.array(PushFile),
  /** what is done, in a sentence */
  said: v.string(),
  prediction: DrillPrediction,
})
export type HandoverPlan = v.InferOutput<typeof HandoverPlan>
