/**
 * A drill rehearses a failure: a fault of the catalogue is put on a node behind a guard that takes it back, clients of the virtual address
 * are imitated meanwhile, and what they saw is compared with what VRRP's arithmetic says and with what was expected.
 */
import * as v from 'valibot'
import { FaultKind, FaultSpec } from './faults.ts'
import { DrillId, EpochMs, Milliseconds, NodeId, RouterId } from './ids.ts'
import { CommandRecord } from './operations.ts'

const text = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(2000))
const upTo = (most: number) => v.pipe(Milliseconds, v.maxValue(most))

/** Where a client of the virtual address is imitated, and how. */
export const DrillProbe = v.strictObject({
  /** one of the router's virtual addresses */
  host: v.pipe(v.string(), v.minLength(2), v.maxLength(255)),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  kind: v.optional(v.picklist(['tcp', 'http']), 'tcp'),
  path: v.optional(v.pipe(v.string(), v.startsWith('/'), v.maxLength(2048)), '/'),
  /** a TLS handshake first; whose certificate it is does not matter here */
  tls: v.optional(v.boolean(), false),
  /** asked for by `Host` and by SNI; default: the address, and no SNI */
  hostName: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]+$/), v.maxLength(253))),
  /** a WebSocket is opened there and kept, to see what becomes of it */
  webSocketPath: v.optional(v.pipe(v.string(), v.startsWith('/'), v.maxLength(2048))),
  everyMs: v.optional(v.pipe(Milliseconds, v.minValue(10), v.maxValue(5000)), 20),
  /** `console`, or nodes of the fleet that probe for it over SSH */
  from: v.optional(v.pipe(v.array(v.union([v.literal('console'), NodeId])), v.minLength(1), v.maxLength(8)), ['console']),
})
export type DrillProbe = v.InferOutput<typeof DrillProbe>

/** A drill as a document: everything that decides about it, so that it can be reviewed and kept. */
export const DrillPlan = v.strictObject({
  name: v.pipe(text, v.maxLength(120)),
  hypothesis: text,
  router: RouterId,
  /** the member that gets the fault; default: whoever holds the address when the drill begins */
  node: v.optional(NodeId),
  fault: FaultSpec,
  probe: DrillProbe,
  /** what must hold before the fault, measured */
  steadyState: v.optional(
    v.strictObject({
      forMs: v.optional(v.pipe(Milliseconds, v.minValue(1000), v.maxValue(600_000)), 5000),
      failedPercent: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), 0),
      /** the slowest good answer but one in a hundred */
      p99Ms: v.optional(upTo(60_000), 1000),
    }),
    {},
  ),
  /** what proves or refutes the hypothesis */
  expect: v.strictObject({
    /** the address moves to another member */
    moves: v.boolean(),
    /** the longest time that no new client gets an answer, at the fault */
    outageMs: upTo(600_000),
    /** the same when the fault is taken back; default: as long as at the fault */
    failbackOutageMs: v.optional(upTo(600_000)),
  }),
  /** how long the fault stands */
  holdMs: v.optional(v.pipe(Milliseconds, v.minValue(1000), v.maxValue(3_600_000)), 10_000),
  /** any one of them takes the fault back at once */
  abort: v.optional(
    v.strictObject({
      outageMs: v.optional(upTo(600_000), 30_000),
      /** of the probes of the last five seconds that were sent since there were answers again */
      failedPercent: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(100)), 50),
      /** two members hold the address for this long; a fault that makes them do so needs a larger number */
      twoOwnersMs: v.optional(upTo(600_000), 2000),
      /** a critical problem elsewhere in the router's pair or site */
      otherAlarm: v.optional(v.boolean(), true),
    }),
    {},
  ),
  /** without a word from the console for this long, the node takes the fault back by itself */
  guardMs: v.optional(v.pipe(Milliseconds, v.minValue(5000), v.maxValue(900_000)), 15_000),
  /** who has to know beforehand; the dry run and the report name them */
  notify: v.optional(v.pipe(v.array(v.pipe(text, v.maxLength(200))), v.maxLength(50)), []),
})
export type DrillPlan = v.InferOutput<typeof DrillPlan>

const Interval = v.strictObject({ earliestMs: v.number(), latestMs: v.number() })
export type Interval = v.InferOutput<typeof Interval>

/** `detection`: until the daemons know; `election`: until a member takes over; `announcement`: address and GARP; `answer`: the next good probe. */
export const DrillPhaseName = v.picklist(['detection', 'election', 'announcement', 'answer'])
export type DrillPhaseName = v.InferOutput<typeof DrillPhaseName>

/** What VRRP's arithmetic says of a fault, counted from the fault. */
export const DrillPrediction = v.strictObject({
  router: RouterId,
  node: NodeId,
  fault: FaultKind,
  /** the address leaves the node */
  moves: v.boolean(),
  /** the member that takes it; null: nobody */
  to: v.nullable(NodeId),
  /** until another member has the address; null: it never has */
  takeover: v.nullable(Interval),
  /** how long new clients get no answer; null: for as long as the fault stands */
  outage: v.nullable(Interval),
  /** the same once the fault is gone and the address comes back; null: it does not come back */
  failback: v.nullable(v.strictObject({ after: Interval, outage: Interval })),
  phases: v.array(v.strictObject({ phase: DrillPhaseName, ...Interval.entries })),
  /** as people write it: `3 × 1000 ms + (256 − 100) ÷ 256 × 1000 ms = 3609 ms after the last advert` */
  formula: v.string(),
  /** what the arithmetic does not know, and what it warns of; a sentence each */
  notes: v.array(v.string()),
})
export type DrillPrediction = v.InferOutput<typeof DrillPrediction>

/** One fault of the catalogue, and what it would do to a router. */
export const CatalogueEntry = v.strictObject({
  kind: FaultKind,
  /** 1 harmless to 5: more than the pair can be hurt */
  risk: v.number(),
  summary: v.string(),
  revert: v.string(),
  blastRadius: v.string(),
  /** null when the catalogue was asked for without a router */
  prediction: v.nullable(DrillPrediction),
})
export type CatalogueEntry = v.InferOutput<typeof CatalogueEntry>

/** Something wrong with a plan, where it stands. `path`: `probe.port`; empty: the document as a whole. */
export const PlanFinding = v.strictObject({
  severity: v.picklist(['error', 'warning']),
  path: v.string(),
  /** 1-based */
  line: v.nullable(v.number()),
  message: v.string(),
})
export type PlanFinding = v.InferOutput<typeof PlanFinding>

/** What stands against beginning now. */
export const DrillObstacle = v.strictObject({
  kind: v.picklist(['lever', 'other-drill', 'router', 'readiness', 'fault', 'unreachable']),
  blocking: v.boolean(),
  message: v.string(),
})
export type DrillObstacle = v.InferOutput<typeof DrillObstacle>

/** A dry run: nothing was changed. */
export const DrillCheck = v.strictObject({
  /** null when the document is not a plan */
  plan: v.nullable(DrillPlan),
  findings: v.array(PlanFinding),
  /** who would get the fault; null when that is not known now */
  node: v.nullable(NodeId),
  /** who would get it as well */
  alsoOn: v.array(NodeId),
  prediction: v.nullable(DrillPrediction),
  blastRadius: v.string(),
  /** the exact commands, as they would be sent */
  inject: v.array(v.string()),
  revert: v.array(v.string()),
  obstacles: v.array(DrillObstacle),
  /** nothing blocks it */
  ready: v.boolean(),
})
export type DrillCheck = v.InferOutput<typeof DrillCheck>

/** Ed25519 over the bytes of the report in JSON; both in base64, the key as SubjectPublicKeyInfo (RFC 8410). */
export const ReportSignature = v.strictObject({ publicKey: v.string(), signature: v.string() })
export type ReportSignature = v.InferOutput<typeof ReportSignature>

export const DrillState = v.picklist(['preparing', 'steady', 'injecting', 'holding', 'reverting', 'confirming', 'ended'])
export type DrillState = v.InferOutput<typeof DrillState>

/** `untested`: the drill ended before it could show anything; it says nothing about the hypothesis. */
export const DrillVerdict = v.picklist(['proven', 'refuted', 'untested'])
export type DrillVerdict = v.InferOutput<typeof DrillVerdict>

/** Why the fault was taken back, or never came. `guard`: the node did it by itself. */
export const DrillEnding = v.picklist(['time', 'abort', 'operator', 'guard', 'refused', 'failed', 'interrupted'])
export type DrillEnding = v.InferOutput<typeof DrillEnding>

/** What one vantage saw. Times are on the console's clock. */
export const DrillFigures = v.strictObject({
  vantage: v.union([v.literal('console'), NodeId]),
  sent: v.number(),
  failed: v.number(),
  /** slower than the steady state's limit */
  slow: v.number(),
  p50Ms: v.nullable(v.number()),
  p99Ms: v.nullable(v.number()),
  /** the longest time between two good answers that touches the fault, the rhythm of the probes included; null: none before it */
  outageMs: v.nullable(v.number()),
  lastGoodAt: v.nullable(v.number()),
  firstGoodAt: v.nullable(v.number()),
  /** the same after the fault was taken back */
  failbackOutageMs: v.nullable(v.number()),
  /** connections that were opened at the start and kept; `frozen`: neither ended nor answered */
  held: v.array(
    v.strictObject({
      /** null: a drill of before this was told apart */
      what: v.optional(v.nullable(v.picklist(['tcp', 'keep-alive', 'websocket'])), null),
      ending: v.picklist(['open', 'frozen', 'closed', 'reset']),
      endedAt: v.nullable(v.number()),
      longestSilenceMs: v.number(),
    }),
  ),
  /** how far the clock of the vantage was off and corrected, and how well that is known */
  clockOffsetMs: v.number(),
  uncertaintyMs: v.number(),
})
export type DrillFigures = v.InferOutput<typeof DrillFigures>

/** One moment of a drill, on the console's clock. */
export const DrillEvent = v.strictObject({
  at: v.number(),
  kind: v.picklist([
    'started',
    'steady',
    'not-steady',
    'armed',
    'injected',
    'vip-lost',
    'vip-gained',
    'state',
    'last-good',
    'first-good',
    'announced',
    'advert',
    'phantoms',
    'handed-back',
    'abort',
    'stop',
    'reverted',
    'guard-reverted',
    'confirmed',
    'differs',
    'problem',
    'ended',
  ]),
  nodeId: v.nullable(NodeId),
  text: v.string(),
})
export type DrillEvent = v.InferOutput<typeof DrillEvent>

/** One part of the time without an answer: what was predicted, what was measured. */
export const DrillPhase = v.strictObject({ phase: DrillPhaseName, ...Interval.entries, measuredMs: v.nullable(v.number()) })
export type DrillPhase = v.InferOutput<typeof DrillPhase>

export const DrillRecord = v.strictObject({
  id: DrillId,
  plan: DrillPlan,
  /** what it was done with */
  environment: v.strictObject({
    evenkeel: v.string(),
    members: v.array(v.strictObject({ nodeId: NodeId, priority: v.nullable(v.number()), services: v.array(v.string()) })),
  }),
  author: v.string(),
  reason: v.string(),
  createdAt: EpochMs,
  endedAt: v.nullable(EpochMs),
  state: DrillState,
  /** how it stands, in a sentence */
  said: v.string(),
  node: NodeId,
  /** the members that got it as well, with `site-loss` */
  alsoOn: v.optional(v.array(NodeId), []),
  /** who had the address before the fault */
  holder: v.nullable(NodeId),
  prediction: DrillPrediction,
  /** by the console's clock, when the node gave the address up or else when its command began; null: not yet, or never */
  injectedAt: v.nullable(EpochMs),
  /** how long the command took that made the fault */
  injectionMs: v.nullable(v.number()),
  revertedAt: v.nullable(EpochMs),
  ending: v.nullable(DrillEnding),
  verdict: v.nullable(DrillVerdict),
  /** why the verdict is what it is, a sentence each */
  grounds: v.array(v.string()),
  /** the pair is as it was before; null: not known */
  restored: v.nullable(v.boolean()),
  /** what is not as it was */
  differences: v.array(v.string()),
  /** when another member had the address, from the fault; null: none ever had */
  takeoverMs: v.nullable(v.number()),
  /** what came to the member that took over, as it heard it itself; null: nothing that says when it was to */
  lastAdvert: v.optional(
    v.nullable(
      v.strictObject({
        heardBy: NodeId,
        /** of the last advert that kept it waiting, or of the farewell; from the fault */
        atMs: v.number(),
        farewell: v.boolean(),
        /** when it was to take over by that, from the fault */
        dueMs: v.number(),
      }),
    ),
    null,
  ),
  /**
   * Clients' connections to the address that the node still believed in when it no longer had it, just before the fault was taken back; null:
   * not asked, since it still had the address, or since there was no time
   */
  phantoms: v.optional(v.nullable(v.number()), null),
  phases: v.array(DrillPhase),
  figures: v.array(DrillFigures),
  /** of the report in JSON, as it stands in the history */
  reportSha256: v.nullable(v.string()),
  /** null: this console had no vault to keep a key in, or it was locked */
  reportSignature: v.optional(v.nullable(ReportSignature), null),
})
export type DrillRecord = v.InferOutput<typeof DrillRecord>

/** What a live drill shows, several times a second. */
export const DrillProgress = v.strictObject({
  id: DrillId,
  at: EpochMs,
  /** the newest time without a good answer, still running or over */
  gapMs: v.number(),
  longestGapMs: v.number(),
  sent: v.number(),
  failed: v.number(),
  /** members whose kernel has the address */
  holders: v.array(NodeId),
  /** until the node would take the fault back by itself; null: no fault stands */
  guardLeftMs: v.nullable(v.number()),
})
export type DrillProgress = v.InferOutput<typeof DrillProgress>

/** A drill with all that was gathered, and what was sent in it. */
export const DrillView = v.strictObject({
  record: DrillRecord,
  events: v.array(DrillEvent),
  commands: v.array(CommandRecord),
  /** good and bad answers over time, per vantage: of each slice the worst (null: no answer) */
  answers: v.array(
    v.strictObject({
      vantage: v.string(),
      fromAt: v.number(),
      sliceMs: v.number(),
      /** slowest good answer of the slice; -1: one failed or was missing; null: nothing was sent */
      worstMs: v.array(v.nullable(v.number())),
    }),
  ),
})
export type DrillView = v.InferOutput<typeof DrillView>

/** Blocks new drills on the whole fleet; drills under way are not touched by it. */
export const DrillLever = v.strictObject({
  blocked: v.boolean(),
  by: v.string(),
  reason: v.string(),
  since: v.nullable(EpochMs),
})
export type DrillLever = v.InferOutput<typeof DrillLever>

/** When an address was last proven to move. */
export const DrillTrend = v.strictObject({
  router: RouterId,
  host: v.string(),
  lastProvenAt: v.nullable(EpochMs),
  runs: v.array(
    v.strictObject({
      drill: DrillId,
      at: EpochMs,
      fault: FaultKind,
      verdict: DrillVerdict,
      outageMs: v.nullable(v.number()),
      predicted: v.nullable(Interval),
    }),
  ),
})
export type DrillTrend = v.InferOutput<typeof DrillTrend>
