import * as v from 'valibot'
import { ConfigDraft, ConfigIntent, FileEdits } from './config-edit.ts'
import { CarriedChange, ConfigDiff, ConfigText, LintFinding, MemberValues, NodeConfig, ParsedConfig } from './config.ts'
import { DrainPlan, DrainRequest, DrainStart, DrainView } from './drains.ts'
import {
  CatalogueEntry,
  DrillCheck,
  DrillLever,
  DrillPrediction,
  DrillProgress,
  DrillRecord,
  DrillTrend,
  DrillView,
  ReportSignature,
} from './drills.ts'
import { command, event, query } from './entry.ts'
import { refusingCodes } from './errors.ts'
import { DrillScheduleId, DrillScheduleRequest, DrillScheduleView } from './drill-schedules.ts'
import { FaultKind } from './faults.ts'
import { FleetDelta, FleetSnapshot, Series, ServiceKind, StateSpan } from './fleet.ts'
import { HostDescription, KeyChoice, Lease, Settings, TrustedKey, VaultStatus } from './host.ts'
import { DrainId, DrillId, EpochMs, JobId, NodeId, PairId, PushId, RouterId, ServerId, SiteId } from './ids.ts'
import { Inventory, InventoryNode, InventoryPair, InventorySite, ProbeReport, SshConfigHost } from './inventory.ts'
import { DrillReadiness } from './readiness.ts'
import { AdminState, HistoryEntry, JobView, OperationPlan } from './operations.ts'
import { PracticeDeed, PracticeRepair, PracticeSize, PracticeStatus } from './practice.ts'
import { HandoverPlan, PushCheck, PushPlan, PushRecord, PushRequest, StandingPush } from './pushes.ts'
import { ConfigVersion, ConfigVersionText } from './versions.ts'

/**
 * The border. Every query, command and event that may cross between a shell and the services is one line here; the types of
 * the handlers, of the client and of the events are derived from it.
 * Calls are named `group.verb`, events `noun.pastTense`. Unknown keys are refused everywhere.
 */
const nothing = v.strictObject({})
const sshErrors = [
  'node.not-found',
  'node.unreachable',
  ...refusingCodes,
  'ssh.timeout',
  'ssh.channel-refused',
  'ssh.connection-lost',
  'vault.locked',
  'vault.decrypt-failed',
] as const
const pushErrors = [
  ...sshErrors,
  'request.invalid',
  'config.changed-on-node',
  'config.check-failed',
  'exec.not-permitted',
  'job.conflict',
] as const
const reason = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(500))
const configBody = v.pipe(v.string(), v.maxLength(8_000_000))
const configSet = v.pipe(v.array(ConfigText), v.maxLength(500))
const oneDrain = v.strictObject({ drain: DrainId })
const oneDrill = v.strictObject({ drill: DrillId })
/** a plan as YAML */
const planDocument = v.pipe(v.string(), v.maxLength(100_000))
const timeSpan = { from: EpochMs, to: EpochMs, points: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(2000)) }

export const contract = Object.freeze({
  'host.describe': query({ input: nothing, output: HostDescription }),
  /** The window became visible or hidden; reading pauses when no shell watches and no job runs. */
  'host.watch': command({ input: v.strictObject({ visible: v.boolean() }), output: nothing }),

  'fleet.snapshot': query({ input: nothing, output: FleetSnapshot }),
  /** Read one node, or all, now: the answer comes when the round is over. A node waiting to be retried is dialled at once. */
  'fleet.refresh': command({
    input: v.strictObject({ node: v.optional(NodeId) }),
    output: nothing,
    errors: ['node.not-found'],
  }),
  'fleet.totals': query({ input: v.strictObject(timeSpan), output: v.record(v.string(), Series) }),
  'fleet.serverSeries': query({
    input: v.strictObject({ server: ServerId, ...timeSpan }),
    /** keyed by node id */
    output: v.record(v.string(), Series),
    errors: ['request.not-found'],
  }),
  'fleet.serverStates': query({
    input: v.strictObject({ server: ServerId, from: EpochMs, to: EpochMs }),
    output: v.array(StateSpan),
    errors: ['request.not-found'],
  }),

  'inventory.get': query({ input: nothing, output: Inventory }),
  'inventory.putNode': command({
    input: v.strictObject({ node: InventoryNode, create: v.boolean() }),
    output: nothing,
    errors: ['inventory.invalid', 'inventory.conflict'],
  }),
  'inventory.removeNode': command({
    input: v.strictObject({ node: NodeId }),
    output: nothing,
    errors: ['node.not-found', 'job.conflict'],
  }),
  'inventory.putSite': command({ input: InventorySite, output: nothing }),
  'inventory.removeSite': command({
    input: v.strictObject({ site: SiteId }),
    output: nothing,
    errors: ['request.not-found', 'inventory.conflict'],
  }),
  'inventory.putPair': command({ input: InventoryPair, output: nothing, errors: ['inventory.invalid', 'inventory.conflict'] }),
  'inventory.removePair': command({ input: v.strictObject({ pair: PairId }), output: nothing, errors: ['request.not-found'] }),
  /** `merge` adds and replaces by id; `replace` makes the fleet equal to the file. `folder` resolves relative paths. */
  'inventory.import': command({
    input: v.strictObject({
      text: v.pipe(v.string(), v.maxLength(8_000_000)),
      format: v.picklist(['yaml', 'json']),
      source: v.string(),
      folder: v.nullable(v.string()),
      mode: v.picklist(['merge', 'replace']),
      dryRun: v.boolean(),
    }),
    output: v.strictObject({
      added: v.array(NodeId),
      updated: v.array(NodeId),
      removed: v.array(NodeId),
      unchanged: v.array(NodeId),
    }),
    errors: ['inventory.invalid', 'job.conflict'],
  }),
  'inventory.export': query({
    input: v.strictObject({ format: v.picklist(['yaml', 'json']) }),
    output: v.strictObject({ text: v.string() }),
  }),
  'inventory.sshHosts': query({ input: nothing, output: v.array(SshConfigHost), errors: ['ssh.config-invalid'] }),

  'node.probe': command({ input: v.strictObject({ node: NodeId }), output: ProbeReport, errors: sshErrors }),
  'node.lastProbe': query({
    input: v.strictObject({ node: NodeId }),
    output: v.nullable(ProbeReport),
    errors: ['node.not-found'],
  }),
  /** Trust exactly this key for exactly this host and port; the fingerprint must be that of `key`. */
  'node.trustHostKey': command({
    input: v.strictObject({ host: v.string(), port: v.number(), key: v.string(), fingerprint: v.string() }),
    output: nothing,
    errors: ['request.invalid'],
  }),
  'node.trustedKeys': query({ input: nothing, output: v.array(TrustedKey) }),
  'node.forgetHostKey': command({
    input: v.strictObject({ host: v.string(), port: v.number(), fingerprint: v.string() }),
    output: nothing,
    errors: ['request.not-found'],
  }),

  'vault.status': query({ input: nothing, output: VaultStatus }),
  'vault.unlock': command({
    input: v.strictObject({ passphrase: v.string() }),
    output: VaultStatus,
    errors: ['vault.decrypt-failed', 'vault.unavailable'],
  }),
  /** Seals every secret anew. `currentPassphrase`: the one in force, null where there is none; a wrong one changes nothing. */
  'vault.changeKey': command({
    input: v.strictObject({ to: KeyChoice, currentPassphrase: v.nullable(v.pipe(v.string(), v.maxLength(1024))) }),
    output: VaultStatus,
    errors: ['vault.decrypt-failed', 'vault.unavailable'],
  }),
  'vault.putSecret': command({
    input: v.strictObject({
      node: NodeId,
      kind: v.picklist(['password', 'passphrase']),
      value: v.pipe(v.string(), v.minLength(1), v.maxLength(4096)),
    }),
    output: nothing,
    errors: ['node.not-found', 'vault.locked', 'vault.unavailable'],
  }),
  'vault.removeSecret': command({
    input: v.strictObject({ node: NodeId, kind: v.picklist(['password', 'passphrase']) }),
    output: nothing,
    errors: ['request.not-found'],
  }),

  /** What `server.setState` would do now. Nothing is sent that changes anything. */
  'server.planState': query({
    input: v.strictObject({
      servers: v.pipe(v.array(ServerId), v.minLength(1), v.maxLength(500)),
      state: AdminState,
      nodes: v.optional(v.array(NodeId)),
    }),
    output: OperationPlan,
    errors: ['request.not-found', 'daemon.runtime-rejected', 'config.check-failed'],
  }),
  /** Put servers into drain, maint or ready on every HAProxy balancer that has them (or only on `nodes`), as one journaled job. */
  'server.setState': command({
    input: v.strictObject({
      servers: v.pipe(v.array(ServerId), v.minLength(1), v.maxLength(500)),
      state: AdminState,
      nodes: v.optional(v.array(NodeId)),
      reason: v.optional(v.pipe(v.string(), v.maxLength(500))),
    }),
    output: v.strictObject({ jobId: JobId }),
    errors: ['request.not-found', 'job.conflict', 'node.unreachable', 'daemon.runtime-rejected', 'config.check-failed'],
  }),

  /** What `drain.start` would do now, and what would come of it. Nothing is sent that changes anything. */
  'drain.plan': query({
    input: DrainRequest,
    output: DrainPlan,
    errors: ['request.not-found', 'daemon.runtime-rejected', 'config.check-failed'],
  }),
  /** Take servers out on every HAProxy balancer that has them, and keep them out until they are put back. */
  'drain.start': command({
    input: DrainStart,
    output: DrainView,
    errors: [
      'request.invalid',
      'request.not-found',
      'daemon.runtime-rejected',
      'config.check-failed',
      'daemon.unexpected-reply',
      'node.unreachable',
      'job.conflict',
      'drain.floor',
      'drain.conflict',
    ],
  }),
  /** Deadline, expiry and `then` stand still; the servers stay out. */
  'drain.hold': command({ input: oneDrain, output: DrainView, errors: ['drain.not-found', 'drain.conflict'] }),
  'drain.resume': command({ input: oneDrain, output: DrainView, errors: ['drain.not-found', 'drain.conflict'] }),
  /** Into maintenance, so that nobody comes back by cookie, and the sessions that are left are shut down, on old workers too. */
  'drain.finishNow': command({
    input: oneDrain,
    output: DrainView,
    errors: ['drain.not-found', 'drain.conflict', 'job.conflict'],
  }),
  /** Back to the state and weight from before, on every balancer; those that cannot be asked follow when they can. No wave follows. */
  'drain.putBack': command({
    input: oneDrain,
    output: DrainView,
    errors: ['drain.not-found', 'drain.conflict', 'job.conflict'],
  }),
  /** Puts this wave back and goes on with the next one as soon as its servers take traffic again. */
  'drain.goOn': command({
    input: oneDrain,
    output: DrainView,
    errors: ['drain.not-found', 'drain.conflict', 'job.conflict'],
  }),
  /** No wave follows this one. What is out stays out; what is on its way back comes back. */
  'drain.stopHere': command({ input: oneDrain, output: DrainView, errors: ['drain.not-found', 'drain.conflict'] }),
  /** Newest first; `open`: only those that have not ended. */
  'drain.list': query({
    input: v.strictObject({ open: v.boolean(), limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(500)) }),
    output: v.array(DrainView),
  }),
  'drain.get': query({ input: oneDrain, output: DrainView, errors: ['drain.not-found'] }),

  /** A file's tree and what it means, without any node. */
  'config.parse': query({ input: ConfigText, output: ParsedConfig }),
  /** What will hurt in these files. Those of one daemon are read together: its includes, or the members of a pair. */
  'config.lint': query({
    input: v.strictObject({ files: v.pipe(v.array(ConfigText), v.minLength(1), v.maxLength(500)) }),
    output: v.array(LintFinding),
  }),
  /** Every file of a node's daemons, read now. Passwords are masked unless `secrets` is given; they are never kept or logged. */
  'config.fetch': query({
    input: v.strictObject({ node: NodeId, secrets: v.optional(v.boolean(), false) }),
    output: NodeConfig,
    errors: sshErrors,
  }),
  /** Every version of every file that was seen or pushed, newest first. */
  'config.versions': query({
    input: v.strictObject({
      node: v.optional(NodeId),
      path: v.optional(v.string()),
      /** older than this one */
      before: v.optional(v.number()),
      limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(500)), 100),
    }),
    output: v.array(ConfigVersion),
  }),
  'config.version': query({
    input: v.strictObject({ id: v.number() }),
    output: ConfigVersionText,
    errors: ['request.not-found', 'vault.locked', 'vault.decrypt-failed', 'store.corrupt'],
  }),
  /** Every version that the git repository does not have yet, as commits; passwords are masked in it. `newest`: the id of its newest version. */
  'config.mirror': command({
    input: v.strictObject({ folder: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(4096)) }),
    output: v.strictObject({ commits: v.number(), newest: v.number() }),
    errors: ['request.invalid', 'vault.locked', 'vault.decrypt-failed', 'store.corrupt'],
  }),
  /** What differs between two configurations, as changes and as lines. Passwords are masked; a changed one shows as changed. */
  'config.diff': query({ input: v.strictObject({ before: configSet, after: configSet }), output: ConfigDiff }),
  /** Two changes of one text, both made. `config.changed-on-node`: they meet in the same lines, or lines beside each other. */
  'config.merge': query({
    input: v.strictObject({ base: configBody, mine: configBody, theirs: configBody }),
    output: v.strictObject({ text: v.string() }),
    errors: ['config.changed-on-node'],
  }),
  /** The change from `base` to `mine`, in the file of another member: what that has for itself stays. */
  'config.carry': query({
    input: v.strictObject({ base: configBody, mine: configBody, theirs: configBody }),
    output: CarriedChange,
  }),
  /** What two members of a pair have each for itself in one file. */
  'config.memberValues': query({ input: v.strictObject({ one: configBody, other: configBody }), output: MemberValues }),
  /** What one change takes in these files of one node. `request.invalid` says why it cannot be made. */
  'config.edit': query({ input: v.strictObject({ files: configSet, intent: ConfigIntent }), output: v.array(FileEdits) }),
  'draft.list': query({ input: nothing, output: v.array(ConfigDraft) }),
  /** Keep a draft, or the next state of it. One that says what its base says is discarded. */
  'draft.put': command({ input: v.omit(ConfigDraft, ['changedAt', 'kept']), output: nothing, errors: ['node.not-found'] }),
  'draft.discard': command({ input: v.strictObject({ nodeId: NodeId, path: v.string() }), output: nothing }),

  /** What a push would do: order, differences, commands. Reads the nodes and changes nothing. */
  'push.plan': query({ input: PushRequest, output: PushPlan, errors: pushErrors }),
  /** Every node's own daemon judges the files as they are to be, at the paths they are to have. */
  'push.check': query({ input: PushRequest, output: v.array(PushCheck), errors: pushErrors }),
  'push.start': command({ input: v.strictObject({ ...PushRequest.entries, reason }), output: PushRecord, errors: pushErrors }),
  /** What `push.rollback` would do. Reads the nodes and changes nothing. */
  'push.planRollback': query({
    input: v.strictObject({ push: PushId, nodes: v.optional(v.array(NodeId)) }),
    output: PushPlan,
    errors: [...pushErrors, 'request.not-found', 'job.not-undoable'],
  }),
  /** Push what was there before a push, to all of its nodes or to some. */
  'push.rollback': command({
    input: v.strictObject({ push: PushId, nodes: v.optional(v.array(NodeId)), reason }),
    output: PushRecord,
    errors: [...pushErrors, 'request.not-found', 'job.not-undoable'],
  }),
  /** Begin no further node, and take back what was done. */
  'push.stop': command({
    input: v.strictObject({ push: PushId }),
    output: PushRecord,
    errors: ['request.not-found', 'job.conflict'],
  }),
  'push.get': query({ input: v.strictObject({ push: PushId }), output: PushRecord, errors: ['request.not-found'] }),
  'push.list': query({
    input: v.strictObject({ limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(200)), 50) }),
    output: v.array(PushRecord),
  }),
  /** Guards that a push holds, or has left, on these nodes: this console's or another's. */
  'push.standing': query({
    input: v.strictObject({ nodes: v.pipe(v.array(NodeId), v.minLength(1)) }),
    output: v.array(StandingPush),
    errors: pushErrors,
  }),
  /** End what somebody's push has left on a node: keep it, or put back what was before. */
  'push.settle': command({
    input: v.strictObject({ node: NodeId, kind: ServiceKind, id: v.string(), how: v.picklist(['keep', 'restore']) }),
    output: nothing,
    errors: [...pushErrors, 'request.not-found', 'daemon.not-confirmed', 'job.rollback-failed'],
  }),

  /**
   * What a handover of a virtual router would be: the lower priority of its holder, as a push. Without `to`, to whoever comes next.
   * Changes nothing.
   */
  'vips.planMove': query({
    input: v.strictObject({ router: RouterId, to: v.optional(NodeId) }),
    output: HandoverPlan,
    errors: [...sshErrors, 'request.not-found', 'request.invalid'],
  }),
  /** Takes the newest handover of this virtual router back. */
  'vips.moveBack': command({
    input: v.strictObject({ router: RouterId, reason }),
    output: PushRecord,
    errors: [...pushErrors, 'request.not-found', 'job.conflict', 'job.not-undoable'],
  }),

  /** The faults that can be rehearsed; with a router, what each would do to it. */
  'drills.catalogue': query({
    input: v.strictObject({ router: v.optional(RouterId) }),
    output: v.array(CatalogueEntry),
    errors: [...sshErrors, 'request.not-found'],
  }),
  /** What the members say now, tried from there: answers within about half a minute. Changes nothing. */
  'drills.readiness': query({
    input: v.strictObject({ router: RouterId, fault: v.optional(FaultKind, 'priority-drop') }),
    output: DrillReadiness,
    errors: ['request.not-found'],
  }),
  'drills.predict': query({
    input: v.strictObject({ router: RouterId, node: v.optional(NodeId), fault: FaultKind }),
    output: DrillPrediction,
    errors: [...sshErrors, 'request.not-found', 'request.invalid'],
  }),
  /** A plan to begin with: what the arithmetic says is what is expected. */
  'drills.template': query({
    input: v.strictObject({
      router: RouterId,
      node: v.optional(NodeId),
      fault: FaultKind,
      /** that clients of the address use */
      port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
    }),
    output: v.strictObject({ text: v.string() }),
    errors: [...sshErrors, 'request.not-found', 'request.invalid'],
  }),
  /** A dry run: every command, what is predicted, and what stands against it. Reads the nodes and changes nothing. */
  'drills.check': query({ input: v.strictObject({ text: planDocument }), output: DrillCheck, errors: sshErrors }),
  'drills.start': command({
    input: v.strictObject({ text: planDocument, reason }),
    output: DrillRecord,
    errors: [...sshErrors, 'request.invalid', 'drill.refused', 'job.conflict'],
  }),
  /** Take the fault back at once; the drill ends with what it has seen. */
  'drills.stop': command({ input: oneDrill, output: DrillRecord, errors: ['request.not-found', 'job.conflict'] }),
  'drills.stopAll': command({ input: nothing, output: v.array(DrillRecord) }),
  'drills.lever': query({ input: nothing, output: DrillLever }),
  'drills.setLever': command({ input: v.strictObject({ blocked: v.boolean(), reason }), output: DrillLever }),
  /** newest first */
  'drills.list': query({
    input: v.strictObject({
      limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(500)), 50),
      router: v.optional(RouterId),
    }),
    output: v.array(DrillRecord),
  }),
  'drills.get': query({ input: oneDrill, output: DrillView, errors: ['request.not-found'] }),
  /** The report of a drill that is over; `sha256` is that of the report in JSON, whatever is asked for. */
  'drills.report': query({
    input: v.strictObject({ drill: DrillId, format: v.picklist(['json', 'markdown', 'html']) }),
    output: v.strictObject({ name: v.string(), text: v.string(), sha256: v.string(), signature: v.nullable(ReportSignature) }),
    errors: ['request.not-found', 'store.corrupt'],
  }),
  /** The same on paper, as this computer's browser or Electron prints it. */
  'drills.reportPdf': query({
    input: oneDrill,
    output: v.strictObject({ name: v.string(), base64: v.string() }),
    errors: ['request.not-found', 'store.corrupt', 'exec.not-found', 'exec.failed'],
  }),
  /** Whether a report in JSON is what was signed with the private half of this key. */
  'drills.verify': query({
    input: v.strictObject({ text: v.pipe(v.string(), v.maxLength(50_000_000)), signature: ReportSignature }),
    output: v.strictObject({ valid: v.boolean() }),
  }),
  /** When each address was last proven to move, and every run before. */
  'drills.trend': query({ input: v.strictObject({ router: v.optional(RouterId) }), output: v.array(DrillTrend) }),
  'drills.schedules': query({ input: nothing, output: v.array(DrillScheduleView) }),
  /** Carry a plan out at set times, by whichever application may change things then; skipped, and told, when something stands against it. */
  'drills.schedule': command({ input: DrillScheduleRequest, output: DrillScheduleView, errors: ['request.invalid'] }),
  'drills.unschedule': command({
    input: v.strictObject({ schedule: DrillScheduleId }),
    output: nothing,
    errors: ['request.not-found'],
  }),

  /** The practice fleet: that of this data folder, or one of another process whose nodes are in the inventory. */
  'practice.status': query({ input: nothing, output: PracticeStatus, errors: ['node.unreachable'] }),
  /** Start it, and add its nodes, sites and pairs to the inventory. */
  'practice.open': command({
    input: PracticeSize,
    output: PracticeStatus,
    errors: ['practice.failed', 'inventory.invalid', 'job.conflict'],
  }),
  /** Take exactly those out of the inventory again, and stop it. */
  'practice.close': command({ input: nothing, output: PracticeStatus, errors: ['practice.failed', 'job.conflict'] }),
  'practice.do': command({ input: PracticeDeed, output: PracticeStatus, errors: ['practice.failed', 'node.unreachable'] }),
  'practice.revert': command({
    input: PracticeRepair,
    output: PracticeStatus,
    errors: ['practice.failed', 'node.unreachable'],
  }),

  'job.list': query({
    input: v.strictObject({
      limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(500)),
      before: v.optional(EpochMs),
    }),
    output: v.array(JobView),
  }),
  'job.get': query({ input: v.strictObject({ job: JobId }), output: JobView, errors: ['job.not-found'] }),
  /** Stop at the next safe point and undo what was done. */
  'job.cancel': command({ input: v.strictObject({ job: JobId }), output: nothing, errors: ['job.not-found', 'job.conflict'] }),
  /** Put back the recorded state before the job, as a new job. */
  'job.undo': command({
    input: v.strictObject({ job: JobId }),
    output: v.strictObject({ jobId: JobId }),
    errors: ['job.not-found', 'job.not-undoable', 'job.conflict'],
  }),

  'history.list': query({
    input: v.strictObject({
      limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
      before: v.optional(v.number()),
      subject: v.optional(v.string()),
      kinds: v.optional(v.array(v.string())),
    }),
    output: v.array(HistoryEntry),
  }),

  'settings.get': query({ input: nothing, output: Settings }),
  'settings.put': command({ input: Settings, output: Settings }),

  'fleet.changed': event(FleetDelta),
  'job.changed': event(JobView),
  'drain.changed': event(DrainView),
  'push.changed': event(PushRecord),
  'drill.changed': event(DrillRecord),
  /** several times a second while a drill is under way */
  'drill.progressed': event(DrillProgress),
  'draft.changed': event(v.strictObject({ nodeId: NodeId, path: v.string(), draft: v.nullable(ConfigDraft) })),
  'history.appended': event(v.array(HistoryEntry)),
  'inventory.changed': event(nothing),
  'settings.changed': event(Settings),
  /** Its state or a scenario changed; and every two seconds while it is open, with the figures of its clients. */
  'practice.changed': event(PracticeStatus),
  'lease.changed': event(Lease),
})

type Contract = typeof contract
export type CallName = { [N in keyof Contract]: Contract[N]['kind'] extends 'event' ? never : N }[keyof Contract]
export type EventName = Exclude<keyof Contract, CallName>
/** What a caller may pass (defaults may be left out). */
export type InputOf<N extends CallName> = v.InferInput<Contract[N]['input']>
/** What a handler receives (parsed, defaults filled in). */
export type ParsedInputOf<N extends CallName> = v.InferOutput<Contract[N]['input']>
export type OutputOf<N extends CallName> = v.InferOutput<Contract[N]['output']>
export type PayloadOf<N extends EventName> = v.InferOutput<Contract[N]['payload']>

export * from './errors.ts'
export * from './envelope.ts'
export * from './ids.ts'
export * from './inventory.ts'
export * from './fleet.ts'
export * from './operations.ts'
export * from './drains.ts'
export * from './drills.ts'
export * from './drill-schedules.ts'
export * from './faults.ts'
export * from './readiness.ts'
export * from './config-edit.ts'
export * from './config.ts'
export * from './practice.ts'
export * from './host.ts'
export * from './pushes.ts'
export * from './versions.ts'
