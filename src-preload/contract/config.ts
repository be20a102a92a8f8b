import * as v from 'valibot'
import { ErrorCode } from './errors.ts'
import { ServiceKind } from './fleet.ts'
import { EpochMs, NodeId } from './ids.ts'

/** A file's text as the window or the command line has it. Bytes that are not UTF-8 come one character per byte (latin1). */
export const ConfigText = v.strictObject({
  path: v.string(),
  kind: ServiceKind,
  text: v.pipe(v.string(), v.maxLength(8_000_000)),
})
export type ConfigText = v.InferOutput<typeof ConfigText>

const place = { file: v.string(), line: v.number(), column: v.number() }

/** A directive, statement or section head with what belongs to it. Words are as the daemon reads them, quotes resolved. */
export interface ConfigDirective {
  words: string[]
  /** 1-based */
  line: number
  column: number
  /** null for one that has no block of its own */
  block: ConfigDirective[] | null
}
export const ConfigDirective: v.GenericSchema<ConfigDirective> = v.strictObject({
  words: v.array(v.string()),
  line: v.number(),
  column: v.number(),
  block: v.nullable(v.array(v.lazy(() => ConfigDirective))),
})

/** What a configuration means, whatever the daemon: the same words for HAProxy, nginx and keepalived. */
export const ConfigOutline = v.strictObject({
  pools: v.array(
    v.strictObject({
      ...place,
      name: v.string(),
      /** `backend`, `listen`, `http`, `stream`; `` for an upstream in a file that is included elsewhere */
      context: v.string(),
      algorithm: v.string(),
      servers: v.array(
        v.strictObject({
          ...place,
          name: v.string(),
          address: v.string(),
          weight: v.number(),
          backup: v.boolean(),
          disabled: v.boolean(),
          /** an active check is configured; open-source nginx has none */
          checked: v.boolean(),
        }),
      ),
    }),
  ),
  listeners: v.array(v.strictObject({ ...place, name: v.string(), addresses: v.array(v.string()) })),
  /** null: whatever matches no other route */
  routes: v.array(v.strictObject({ ...place, from: v.string(), to: v.string(), condition: v.nullable(v.string()) })),
  timeouts: v.array(v.strictObject({ ...place, owner: v.string(), name: v.string(), value: v.string() })),
  virtualRouters: v.array(
    v.strictObject({
      ...place,
      name: v.string(),
      vrid: v.nullable(v.number()),
      interface: v.nullable(v.string()),
      priority: v.number(),
      advertIntS: v.number(),
      addresses: v.array(v.string()),
      tracks: v.array(v.string()),
    }),
  ),
  scripts: v.array(
    v.strictObject({ ...place, name: v.string(), command: v.string(), intervalS: v.number(), weight: v.number() }),
  ),
})
export type ConfigOutline = v.InferOutput<typeof ConfigOutline>

export const ConfigProblem = v.strictObject({ ...place, message: v.string() })
export type ConfigProblem = v.InferOutput<typeof ConfigProblem>

export const ParsedConfig = v.strictObject({
  directives: v.array(ConfigDirective),
  outline: ConfigOutline,
  problems: v.array(ConfigProblem),
  /** the file written back from its tree; equal to the text, byte for byte */
  printed: v.string(),
})
export type ParsedConfig = v.InferOutput<typeof ParsedConfig>

/** Something about a configuration that will hurt, found by reading it. */
export const LintFinding = v.strictObject({
  /** `haproxy/no-health-check`; the part before the slash is the daemon */
  rule: v.string(),
  /** `error`: the daemon refuses it, or it cannot do what it says; `warning`: it will hurt one day; `info`: it could be better */
  severity: v.picklist(['error', 'warning', 'info']),
  ...place,
  /** what is wrong here, with the names concerned */
  message: v.string(),
  /** what happens because of it */
  reason: v.string(),
  /** what to write instead; null where that is for the operator to decide */
  fix: v.nullable(v.string()),
})
export type LintFinding = v.InferOutput<typeof LintFinding>

/** One file as it lies on a node. */
export const NodeConfigFile = v.strictObject({
  path: v.string(),
  kind: ServiceKind,
  /** passwords are masked unless they were asked for; null when the file could not be read */
  text: v.nullable(v.string()),
  /** `latin1`: the bytes are not UTF-8 and come one character each */
  encoding: v.picklist(['utf-8', 'latin1']),
  /** of the bytes on the node, hex */
  sha256: v.nullable(v.string()),
  bytes: v.nullable(v.number()),
  /** null where the account may not look into the folder */
  modifiedAt: v.nullable(EpochMs),
  owner: v.nullable(v.string()),
  /** octal, as `stat -c %a` prints it */
  mode: v.nullable(v.string()),
  /** how many values stand masked in the text */
  masked: v.number(),
  /**
   * Whether the running daemon has read these bytes, judged by time: `not-loaded` when the file changed after the process that
   * reads it began (or, for keepalived, when the daemon runs other values); `unknown` where nothing tells.
   */
  loaded: v.picklist(['loaded', 'not-loaded', 'unknown']),
  error: v.nullable(v.strictObject({ code: ErrorCode, message: v.string() })),
})
export type NodeConfigFile = v.InferOutput<typeof NodeConfigFile>

/** All configuration of one node's daemons, as it was on disk at `at`. */
export const NodeConfig = v.strictObject({
  nodeId: NodeId,
  at: EpochMs,
  /** in the order in which each daemon reads them */
  files: v.array(NodeConfigFile),
  /** of this node alone, found in the text before it was masked */
  findings: v.array(LintFinding),
  /** daemons whose files could not be listed at all */
  failures: v.array(v.strictObject({ kind: ServiceKind, code: ErrorCode, message: v.string() })),
})
export type NodeConfig = v.InferOutput<typeof NodeConfig>

export const configChanges = [
  'file.added',
  'file.removed',
  'pool.added',
  'pool.removed',
  'pool.algorithm',
  'server.added',
  'server.removed',
  'server.address',
  'server.weight',
  'server.check',
  'server.backup',
  'server.disabled',
  'server.options',
  'listener.added',
  'listener.removed',
  'route.added',
  'route.removed',
  'route.target',
  'timeout.added',
  'timeout.removed',
  'timeout.value',
  'router.added',
  'router.removed',
  'router.vrid',
  'router.interface',
  'router.priority',
  'router.advert',
  'router.addresses',
  'router.tracks',
  'router.auth',
  'script.added',
  'script.removed',
  'script.command',
  'script.interval',
  'script.weight',
  'section.added',
  'section.removed',
  'section.order',
  'setting.added',
  'setting.removed',
  'setting.value',
] as const

const Place = v.strictObject(place)

/** One difference between two configurations, in the words of the trade. */
export const ConfigChange = v.strictObject({
  kind: ServiceKind,
  what: v.picklist(configChanges),
  /** `be_web/web1`, `VI_edge`, `frontend fe_web`, `defaults connect`, … */
  subject: v.string(),
  before: v.nullable(v.string()),
  after: v.nullable(v.string()),
  at: v.strictObject({ before: v.nullable(Place), after: v.nullable(Place) }),
  /**
   * What it takes to be in force: a command to the running daemon, a reload, a restart; or both members of the pair within three
   * advert intervals, since one that differs discards the other's adverts and both become master.
   */
  impact: v.picklist(['runtime', 'reload', 'restart', 'both-members']),
  /** members of a pair are meant to differ here (priority, own address, …) */
  perNode: v.boolean(),
})
export type ConfigChange = v.InferOutput<typeof ConfigChange>

/** The lines of one file on both sides, as `diff -u` shows them. */
export const FileDiff = v.strictObject({
  kind: ServiceKind,
  before: v.nullable(v.string()),
  after: v.nullable(v.string()),
  hunks: v.array(
    v.strictObject({
      beforeLine: v.number(),
      beforeCount: v.number(),
      afterLine: v.number(),
      afterCount: v.number(),
      /** each begins with ` `, `-`, `+` or `\\` */
      lines: v.array(v.string()),
    }),
  ),
  /** the texts differ too much to say where; only that they do is known */
  tooDifferent: v.boolean(),
})
export type FileDiff = v.InferOutput<typeof FileDiff>

export const ConfigDiff = v.strictObject({ changes: v.array(ConfigChange), files: v.array(FileDiff) })
export type ConfigDiff = v.InferOutput<typeof ConfigDiff>

/** A change made in the file of another member too. */
export const CarriedChange = v.strictObject({
  text: v.string(),
  /** what was not made there, since it is the other member's own; the line is that of the changed text */
  left: v.array(v.strictObject({ line: v.number(), mine: v.string(), theirs: v.string() })),
})
export type CarriedChange = v.InferOutput<typeof CarriedChange>

/** A word of a file: its 1-based line, and where it is in the whole text. */
const writtenWord = v.strictObject({ line: v.number(), from: v.number(), to: v.number(), text: v.string() })

/** What two members of a pair have each for itself in files that are otherwise the same. */
export const MemberValues = v.strictObject({
  values: v.array(
    v.strictObject({
      /** the block or section, as its head says */
      where: v.string(),
      /** the words before it in its line */
      what: v.string(),
      one: writtenWord,
      other: writtenWord,
    }),
  ),
  /** lines that differ in another way, or that only one of them has */
  elsewhere: v.number(),
})
export type MemberValues = v.InferOutput<typeof MemberValues>
