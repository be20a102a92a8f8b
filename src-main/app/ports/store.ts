import type {
  CommandRecord,
  ConfigVersion,
  ConfigDraft,
  DrainEvent,
  DrainId,
  DrainRecord,
  DrillEvent,
  DrillId,
  DrillLever,
  DrillRecord,
  DrillSchedule,
  DrillScheduleId,
  EpochMs,
  ErrorReply,
  HistoryEntry,
  Inventory,
  JobId,
  JobView,
  NodeId,
  ProbeReport,
  PushId,
  PushRecord,
  RouterId,
  ScheduledRun,
  Series,
  ServerState,
  Settings,
  StateSpan,
} from '#contract'
import type { Probe } from '../../domain/drill/outage.ts'

/**
 * What the services keep. Synchronous: better-sqlite3 is, and a journal entry costs about 0.2 ms with `synchronous=FULL`.
 * Implementations throw AppError of the `store.*` family.
 */
export interface InventoryRepo {
  load(): Inventory
  save(inventory: Inventory): void
  probe(nodeId: NodeId): ProbeReport | null
  saveProbe(report: ProbeReport): void
}

export interface SettingsRepo {
  load(): Settings
  save(settings: Settings): void
}

export interface HostKeyRepo {
  list(): { host: string; port: number; key: Buffer; trustedAt: number; trustedBy: string }[]
  trust(entry: { host: string; port: number; key: Buffer; trustedAt: number; trustedBy: string }): void
  forget(entry: { host: string; port: number; fingerprint: string }): boolean
}

export interface SecretRepo {
  list(): { owner: string; kind: 'password' | 'passphrase'; storedAt: number }[]
  get(owner: string, kind: string): { sealed: Uint8Array; keyId: string } | null
  put(entry: { owner: string; kind: 'password' | 'passphrase'; sealed: Uint8Array; keyId: string; storedAt: number }): void
  remove(owner: string, kind: string): boolean
  /** all under another key, in one transaction; what was removed meanwhile stays removed */
  reseal(keyId: string, entries: readonly { owner: string; kind: string; sealed: Uint8Array }[]): void
  /** ids of the keys that secrets are sealed with */
  keysInUse(): string[]
}

/** A job as it is kept. `input` and the steps' `intent` are JSON of the job's own definition, parsed by it when read back. */
export interface JobRow {
  id: JobId
  kind: string
  defVersion: number
  title: string
  input: unknown
  planSha256: string
  state: JobView['state']
  outcome: JobView['outcome']
  requestedBy: string
  reason: string | null
  createdAt: number
  endedAt: number | null
  cancelReason: 'operator' | 'host-shutdown' | 'lease-lost' | 'deadline' | null
  undoes: JobId | null
  error: ErrorReply | null
  steps: JobStepRow[]
}

export interface JobStepRow {
  ordinal: number
  key: string
  nodeId: NodeId | null
  title: string
  state: 'pending' | 'intended' | 'done' | 'failed' | 'unknown' | 'undone' | 'skipped'
  attempt: number
  /** written before the side effect; undo works from it alone */
  intent: unknown
  error: ErrorReply | null
  startedAt: number | null
  endedAt: number | null
}

export interface JobRepo {
  /** One transaction: the job, its steps and a lock on every node. Throws `job.conflict` naming the job that holds a lock. */
  create(job: JobRow, lockNodes: readonly NodeId[]): void
  /** A change to state `ended` gives up the job's locks in the same transaction. */
  updateJob(id: JobId, change: Partial<Pick<JobRow, 'state' | 'outcome' | 'endedAt' | 'cancelReason' | 'error'>>): void
  updateStep(id: JobId, ordinal: number, change: Partial<Omit<JobStepRow, 'ordinal' | 'key' | 'nodeId' | 'title'>>): void
  get(id: JobId): JobRow | null
  list(query: { limit: number; before?: number | undefined }): JobRow[]
  /** state `running` or `paused`: what a restart has to finish */
  unfinished(): JobRow[]
  undoneBy(id: JobId): JobId | null
  /** append-only */
  appendCommand(id: JobId, ordinal: number, record: CommandRecord): void
  commands(id: JobId): { ordinal: number; record: CommandRecord }[]
}

export interface DrainRepo {
  /** One transaction: all that `work` writes to the console's database, or nothing of it. */
  atOnce(work: () => void): void
  /** One transaction: the drain, its places and the pre-images that are known. */
  create(drain: DrainRecord): void
  /** How it stands now. A pre-image is written once; a later one for the same place is refused. */
  save(drain: DrainRecord): void
  /** append-only */
  append(id: DrainId, event: DrainEvent): void
  get(id: DrainId): DrainRecord | null
  /** newest first */
  list(query: { open: boolean; limit: number }): DrainRecord[]
  timeline(id: DrainId): DrainEvent[]
}

export interface DraftRepo {
  list(): ConfigDraft[]
  put(draft: ConfigDraft): void
  remove(nodeId: NodeId, path: string): void
}

/** The bytes of a configuration file, deflated, as they are kept; `bytes` is their true length. */
export interface StoredContent {
  /** of the file's own bytes */
  sha256: string
  /** `masked`: without its passwords, so that the hash is not that of `body` */
  form: 'plain' | 'sealed' | 'masked'
  body: Uint8Array
  bytes: number
}

export interface VersionRepo {
  content(sha256: string): StoredContent | null
  /** In the best form that is known. */
  keep(content: StoredContent): void
  /** Append-only. A file that is `seen` as it was last known adds nothing but a better form of its content. */
  add(version: Omit<ConfigVersion, 'id' | 'sha256' | 'bytes' | 'kept'>, content: StoredContent): void
  get(id: number): ConfigVersion | null
  /** newest first */
  list(query: {
    node?: NodeId | undefined
    path?: string | undefined
    before?: number | undefined
    limit: number
  }): ConfigVersion[]
}

export interface PushRepo {
  /** One transaction: all that `work` writes to the console's database, or nothing of it. */
  atOnce(work: () => void): void
  /** As it stands now. */
  put(push: PushRecord): void
  get(id: PushId): PushRecord | null
  /** newest first */
  list(limit: number): PushRecord[]
  /** that have not ended */
  open(): PushRecord[]
}

export interface DrillRepo {
  /** As it stands now. */
  put(drill: DrillRecord): void
  get(id: DrillId): DrillRecord | null
  /** newest first */
  list(query: { limit: number; router?: RouterId | undefined }): DrillRecord[]
  /** that have not ended */
  open(): DrillRecord[]
  /** append-only */
  append(id: DrillId, event: DrillEvent): void
  events(id: DrillId): DrillEvent[]
  keepProbes(id: DrillId, vantage: string, probes: readonly Probe[]): void
  /** by vantage */
  probes(id: DrillId): Map<string, Probe[]>
  /** Once. */
  keepReport(id: DrillId, sha256: string, text: string): void
  report(id: DrillId): string | null
  /** Somebody wants it to end, whichever process carries it out. */
  askStop(id: DrillId, at: EpochMs): void
  isStopAsked(id: DrillId): boolean
  /** null: it was never touched */
  lever(): DrillLever | null
  setLever(lever: DrillLever): void
  /** Everything written meanwhile is on disk together, or not at all. */
  atOnce(work: () => void): void
}

export interface ScheduleRepo {
  list(): { schedule: DrillSchedule; consideredUntil: EpochMs }[]
  /** New; what fell due up to then is none of its business. */
  put(schedule: DrillSchedule, consideredUntil: EpochMs): void
  /** What falls due up to then is not considered again. */
  consider(id: DrillScheduleId, until: EpochMs): void
  /** false: there is none */
  remove(id: DrillScheduleId): boolean
  addRun(id: DrillScheduleId, run: ScheduledRun): void
  /** newest first */
  runs(id: DrillScheduleId, limit: number): ScheduledRun[]
}

export interface HistoryRepo {
  /** append-only; returns the entries with their ids */
  append(entries: readonly Omit<HistoryEntry, 'id'>[]): HistoryEntry[]
  list(query: {
    limit: number
    before?: number | undefined
    subject?: string | undefined
    kinds?: readonly string[] | undefined
  }): HistoryEntry[]
}

/** One server on one balancer at one time. Null = not read. */
export interface ServerSample {
  /** `<server id>@<node id>` */
  key: string
  sessions: number | null
  queue: number | null
  rate: number | null
  errorRate: number | null
  responseMs: number | null
  state: ServerState
}

export interface TotalsSample {
  /** site id, `` for nodes without a site */
  site: string
  requestsPerS: number | null
  errorsPerS: number | null
  sessions: number | null
  responseMs: number | null
}

export interface SampleRepo {
  /** one transaction per round */
  write(at: number, servers: readonly ServerSample[], totals: readonly TotalsSample[]): void
  serverSeries(key: string, from: number, to: number, points: number): Series
  totalsSeries(from: number, to: number, points: number): Record<string, Series>
  /** roll raw samples up to minutes and hours, and delete what is past its keep time; bounded work per call */
  maintain(now: number, settings: Settings): void
}

export interface StateRepo {
  /** record that `key` has been in `state` since `at`; a no-op when it already is */
  observe(changes: readonly { key: string; nodeId: NodeId; state: ServerState; word: string; at: number }[]): void
  spans(server: string, from: number, to: number): StateSpan[]
}

export interface Store {
  readonly inventory: InventoryRepo
  readonly settings: SettingsRepo
  readonly hostKeys: HostKeyRepo
  readonly secrets: SecretRepo
  readonly jobs: JobRepo
  readonly drains: DrainRepo
  readonly drafts: DraftRepo
  readonly versions: VersionRepo
  readonly pushes: PushRepo
  readonly drills: DrillRepo
  readonly schedules: ScheduleRepo
  readonly history: HistoryRepo
  readonly samples: SampleRepo
  readonly states: StateRepo
  readonly lease: LeaseRepo
  /** rows that did not parse and were set aside, for the log and the window */
  quarantined(): { table: string; key: string; why: string }[]
  close(): void
}

export interface LeaseHolder {
  hostId: string
  pid: number
  shell: string
  host: string
  bootId: string
  since: number
  heartbeatAt: number
}

export interface LeaseRepo {
  /** take the lease, or renew it when already held by `holder.hostId`; returns the present holder */
  take(holder: LeaseHolder, isAlive: (other: LeaseHolder) => boolean): LeaseHolder
  heartbeat(hostId: string, at: number): boolean
  release(hostId: string): void
  current(): LeaseHolder | null
}
