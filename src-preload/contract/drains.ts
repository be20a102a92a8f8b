/**
 * A drain is an intent, not a command: somebody wants a server out, for a reason, on every balancer that has it, until it is put back.
 * What is in force on the balancers is read again with every poll and made to agree with the intent (or an alarm is raised, as asked).
 *
 * A *place* is one server on one balancer. `goal` says what is wanted, `state` what that comes to over all places now.
 */
import * as v from 'valibot'
import { DrainId, EpochMs, JobId, Milliseconds, NodeId, PoolId, ServerId } from './ids.ts'

/** What must stay in service: so many servers, or so many of a hundred members of the pool, on every balancer. */
export const DrainFloor = v.strictObject({
  atLeast: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000)),
  unit: v.picklist(['servers', 'percent']),
})
export type DrainFloor = v.InferOutput<typeof DrainFloor>

/**
 * A list in waves, so many of its targets at a time, the floor held for each. `goOn`: when a wave is put back and makes way for the next.
 * `asked`: at a word; `healthy`: also by itself, once it is empty and the checks of each of its servers have failed and pass again.
 */
export const DrainWaves = v.strictObject({
  size: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200)),
  goOn: v.optional(v.picklist(['asked', 'healthy']), 'asked'),
})
export type DrainWaves = v.InferOutput<typeof DrainWaves>

/** A server on a balancer that does not let itself be changed: the drain leaves it out, and it goes on taking traffic there. */
export const DrainLeftOut = v.strictObject({
  serverId: ServerId,
  nodeId: NodeId,
  pool: v.string(),
  server: v.string(),
  why: v.string(),
})
export type DrainLeftOut = v.InferOutput<typeof DrainLeftOut>

/** `starting`: being set. `waiting-for-node`: a balancer cannot be asked. `violated`: a server takes traffic against the intent. */
const drainStates = [
  'starting',
  'draining',
  'held',
  'empty',
  'violated',
  'waiting-for-node',
  'put-back',
  'ended',
  'failed',
] as const
export const DrainState = v.picklist(drainStates)
export type DrainState = v.InferOutput<typeof DrainState>

/**
 * `unset`: not asked for yet. `in-force`. `returned`: takes traffic although it was out. `already-out`: was in maintenance before, and is
 * left so. `taken`: somebody else, or the file, put it into maintenance meanwhile. `gone`: no such server any more. `restored`.
 */
export const PlacePhase = v.picklist(['unset', 'in-force', 'returned', 'already-out', 'taken', 'gone', 'restored'])
export type PlacePhase = v.InferOutput<typeof PlacePhase>

/** One client that is still connected to the server. */
export const DrainClient = v.strictObject({
  source: v.string(),
  ageMs: Milliseconds,
  frontend: v.string(),
  /** process id of the worker that has it */
  worker: v.number(),
  generation: v.picklist(['current', 'old']),
})
export type DrainClient = v.InferOutput<typeof DrainClient>

/** What a server still carries on one balancer. */
export const DrainLeft = v.strictObject({
  at: EpochMs,
  /** on the worker that answers now */
  sessions: v.number(),
  /** on workers of before a reload; null = they could not be counted, so nobody can say that the server is empty */
  oldSessions: v.nullable(v.number()),
  /** waiting for it, and clients of workers of before a reload who have no server yet and can still be sent to it */
  queue: v.number(),
  /** pooled connections without a client */
  idle: v.nullable(v.number()),
  /** seconds since it was last given a request or connection; null = never by this worker */
  lastRequestS: v.nullable(v.number()),
  /** given to it although it is being drained: clients that stick to it by cookie or stick table; null = not known */
  stuck: v.nullable(v.number()),
  /** the oldest first, at most 50; null = not listed because the balancer has too many sessions for that */
  clients: v.nullable(v.array(DrainClient)),
})
export type DrainLeft = v.InferOutput<typeof DrainLeft>

/** What leads clients to one server again and again, as the configuration has it. */
export const DrainSticky = v.strictObject({
  /** `hash`: its clients are sent elsewhere as soon as it is out; with the other two they go on coming while it is only drained */
  kind: v.picklist(['cookie', 'table', 'hash']),
  /** `SRV=web1`, the table's name, or the method */
  name: v.string(),
  /** `cookie SRV insert indirect`, `stick on src`, `ip_hash` */
  written: v.string(),
  file: v.string(),
  line: v.number(),
  /** of the stick table that lead to the server; null = they cannot be counted, which those with a cookie never can */
  entries: v.nullable(v.number()),
})
export type DrainSticky = v.InferOutput<typeof DrainSticky>

/** Whose pool it is: nginx has pools of http and of stream, which may bear one name. */
export const Balancer = v.picklist(['haproxy', 'nginx', 'nginx-stream'])
export type Balancer = v.InferOutput<typeof Balancer>

/** A line of nginx's configuration that stands for a server. */
export const MemberLine = v.strictObject({
  file: v.string(),
  line: v.number(),
  /** as it was written, from `server` to before the `;` */
  written: v.string(),
  /** of the whole file */
  sha256: v.string(),
  /** the word that takes the server out on this version */
  word: v.picklist(['down', 'drain']),
})

/** The state of a server before anything was done: enough to put it back exactly. Written once. */
export const DrainBefore = v.strictObject({
  pool: v.string(),
  server: v.string(),
  /** srv_admin_state of HAProxy, decimal; on nginx 8 where every line says `down` or `drain` and is loaded, else 0 */
  adminState: v.number(),
  weight: v.number(),
  configuredWeight: v.number(),
  address: v.string(),
  /** only on nginx */
  lines: v.optional(v.array(MemberLine)),
})
export type DrainBefore = v.InferOutput<typeof DrainBefore>

export const DrainPlace = v.strictObject({
  serverId: ServerId,
  nodeId: NodeId,
  balancer: v.optional(Balancer, 'haproxy'),
  pool: v.string(),
  server: v.string(),
  before: v.nullable(DrainBefore),
  phase: PlacePhase,
  /** why it is not as wanted, or what is odd about it; empty when there is nothing to say */
  said: v.string(),
  left: v.nullable(DrainLeft),
  /** nobody was on it: when, and the figures it was judged by */
  proof: v.nullable(v.strictObject({ at: EpochMs, evidence: v.array(v.string()) })),
  /** the balancer cannot be asked, since when */
  unreadSince: v.nullable(EpochMs),
  violations: v.number(),
  /** what its checks say, also while it is out; null = it is not checked, or in maintenance */
  health: v.optional(v.nullable(v.picklist(['up', 'down'])), null),
  /** its checks have failed since it was set */
  wasDown: v.optional(v.boolean(), false),
})
export type DrainPlace = v.InferOutput<typeof DrainPlace>

/** A server's part of its pool's new work on one balancer, 0 to 1. */
export const DrainShare = v.strictObject({
  pool: PoolId,
  nodeId: NodeId,
  server: v.string(),
  before: v.number(),
  after: v.number(),
  /** sessions per second it had, and is expected to have; null = not known */
  rateBefore: v.nullable(v.number()),
  rateAfter: v.nullable(v.number()),
  /** sessions it had, and is expected to have if a request takes as long as now */
  sessionsBefore: v.nullable(v.number()),
  sessionsAfter: v.nullable(v.number()),
  /** maxconn; null = no limit */
  sessionLimit: v.nullable(v.number()),
})
export type DrainShare = v.InferOutput<typeof DrainShare>

export const DrainForecast = v.strictObject({
  /** how long until nobody is on it any more; null = cannot be told (nothing listed, or connections that do not end by themselves) */
  emptyInMs: v.nullable(Milliseconds),
  shares: v.array(DrainShare),
})
export type DrainForecast = v.InferOutput<typeof DrainForecast>

export const DeadlineAction = v.picklist(['wait', 'finish', 'put-back'])
export type DeadlineAction = v.InferOutput<typeof DeadlineAction>

/** A drain as it is kept, without its timeline. */
export const DrainRecord = v.strictObject({
  id: DrainId,
  title: v.string(),
  /** as they were asked for: server ids, or an address */
  targets: v.array(v.string()),
  owner: v.string(),
  reason: v.string(),
  floor: DrainFloor,
  /** why the floor was not respected; null = it was */
  floorOverride: v.nullable(v.string()),
  onViolation: v.picklist(['reassert', 'alarm']),
  then: v.picklist(['nothing', 'maint']),
  /** what is done about balancers that cannot be asked at the start */
  unreachable: v.picklist(['refuse', 'later']),
  /** what is done about those that do not let the server be changed */
  unchangeable: v.optional(v.picklist(['refuse', 'leave-out']), 'refuse'),
  onDeadline: DeadlineAction,
  /** only on these balancers; null = on every one that has a server */
  nodes: v.nullable(v.array(NodeId)),
  deadlineMs: v.nullable(Milliseconds),
  expiresMs: v.nullable(Milliseconds),
  /** by this machine's clock; while held it stands still */
  deadlineAt: v.nullable(EpochMs),
  deadlinePassed: v.boolean(),
  /** put back automatically then */
  expiresAt: v.nullable(EpochMs),
  heldSince: v.nullable(EpochMs),
  /** what is drained after it, wave by wave, with the same wishes, once this one is back and takes traffic again */
  next: v.array(v.string()),
  /** the wave that this drain is; null = it is no part of a series */
  waves: v.optional(v.nullable(v.strictObject({ ...DrainWaves.entries, number: v.number(), of: v.number() })), null),
  /** the drain after which this one was started */
  follows: v.nullable(DrainId),
  goal: v.picklist(['out', 'maintenance', 'back']),
  state: DrainState,
  /** one sentence: how things stand, and what to do about it */
  said: v.string(),
  createdAt: EpochMs,
  emptyAt: v.nullable(EpochMs),
  endedAt: v.nullable(EpochMs),
  forecast: DrainForecast,
  /** what became of the forecast, once it was empty */
  outcome: v.nullable(DrainForecast),
  /** `finish now` was asked for and sessions are still to be shut down */
  finishing: v.boolean(),
  /** sessions that were shut down so */
  cut: v.number(),
  jobs: v.array(JobId),
  places: v.array(DrainPlace),
  /** what was asked for and cannot be done there */
  leftOut: v.optional(v.array(DrainLeftOut), []),
})
export type DrainRecord = v.InferOutput<typeof DrainRecord>

const drainEventKinds = [
  'started',
  'left-out',
  'set',
  'violated',
  'reasserted',
  'alarm',
  'waiting',
  'reached',
  'place-empty',
  'empty',
  'not-empty',
  'deadline',
  'finish',
  'held',
  'resumed',
  'put-back',
  'expired',
  'gone',
  'taken',
  'next',
  'stopped',
  'ended',
  'failed',
] as const
export const DrainEvent = v.strictObject({
  at: EpochMs,
  kind: v.picklist(drainEventKinds),
  nodeId: v.nullable(NodeId),
  text: v.string(),
})
export type DrainEvent = v.InferOutput<typeof DrainEvent>

export const DrainView = v.strictObject({ ...DrainRecord.entries, timeline: v.array(DrainEvent) })
export type DrainView = v.InferOutput<typeof DrainView>

/** What is wanted. `targets`: server ids, or an address such as `10.0.0.7:8080`, which stands for every server of HAProxy and nginx that has it. */
export const DrainRequest = v.strictObject({
  targets: v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(1024))), v.minLength(1), v.maxLength(200)),
  /** only on these balancers */
  nodes: v.optional(v.array(NodeId)),
  floor: v.optional(DrainFloor, { atLeast: 1, unit: 'servers' }),
  overrideFloor: v.optional(v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(500))),
  unreachable: v.optional(v.picklist(['refuse', 'later']), 'refuse'),
  /** balancers that do not let the server be changed: refuse altogether, or drain on the others and say that it was not done there */
  unchangeable: v.optional(v.picklist(['refuse', 'leave-out']), 'refuse'),
  /** the first of the targets now, the others wave after wave; absent = all at once */
  waves: v.optional(DrainWaves),
})

const length = v.pipe(Milliseconds, v.minValue(1000), v.maxValue(366 * 86_400_000))
export const DrainStart = v.strictObject({
  ...DrainRequest.entries,
  reason: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(500)),
  deadlineMs: v.optional(length),
  onDeadline: v.optional(DeadlineAction, 'wait'),
  expiresMs: v.optional(length),
  then: v.optional(v.picklist(['nothing', 'maint']), 'nothing'),
  onViolation: v.optional(v.picklist(['reassert', 'alarm']), 'reassert'),
})

/** What `drain.start` would do now, and what would come of it. */
export const DrainPlan = v.strictObject({
  title: v.string(),
  /** which servers go together, in order; all but `floor` is about the first of these. A drain without waves is one wave. */
  waves: v.array(v.array(ServerId)),
  places: v.array(
    v.strictObject({
      serverId: ServerId,
      nodeId: NodeId,
      balancer: Balancer,
      pool: v.string(),
      server: v.string(),
      via: v.string(),
      /** empty when it is out already */
      commands: v.array(v.string()),
      undoCommands: v.array(v.string()),
      before: DrainBefore,
      left: DrainLeft,
      /** null = the files could not be read */
      sticky: v.nullable(v.array(DrainSticky)),
    }),
  ),
  unreachable: v.array(NodeId),
  leftOut: v.array(DrainLeftOut),
  /** per pool and balancer: how many would be left to take new work while a wave is out, and how many must */
  floor: v.array(
    v.strictObject({
      /** counted from 1 */
      wave: v.number(),
      pool: PoolId,
      nodeId: NodeId,
      healthy: v.number(),
      remaining: v.number(),
      total: v.number(),
      needed: v.number(),
      holds: v.boolean(),
    }),
  ),
  forecast: DrainForecast,
  warnings: v.array(
    v.strictObject({
      rule: v.picklist([
        'agent-check',
        'weight-zero',
        'already-out',
        'already-draining',
        'old-workers-uncounted',
        'needs-reload',
      ]),
      subject: v.string(),
      nodeId: v.nullable(NodeId),
      text: v.string(),
    }),
  ),
})
export type DrainPlan = v.InferOutput<typeof DrainPlan>
