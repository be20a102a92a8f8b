import * as v from 'valibot'
import { ServiceKind } from './fleet.ts'

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
