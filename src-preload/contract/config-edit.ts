import * as v from 'valibot'
import { ServiceKind } from './fleet.ts'
import { EpochMs, NodeId } from './ids.ts'

/** Characters `from` to `to` (exclusive) of a text, counted as JavaScript does, give way to `insert`. */
export const TextEdit = v.strictObject({
  from: v.pipe(v.number(), v.integer(), v.minValue(0)),
  to: v.pipe(v.number(), v.integer(), v.minValue(0)),
  insert: v.pipe(v.string(), v.maxLength(8_000_000)),
})
export type TextEdit = v.InferOutput<typeof TextEdit>

/** The text with the edits made; they are in order, do not overlap, and all count in the text as it was. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let at = 0
  const pieces: string[] = []
  for (const { from, to, insert } of edits) {
    if (from < at || to < from || to > text.length) throw new RangeError(`${from} to ${to} is no place for the next edit`)
    pieces.push(text.slice(at, from), insert)
    at = to
  }
  return pieces.join('') + text.slice(at)
}

/** A value to be written into a configuration: one line, without control characters. It is quoted as its daemon wants it. */
const Written = v.pipe(v.string(), v.minLength(1), v.maxLength(1024), v.regex(/^[^\p{Cc}\u2028\u2029]+$/u, 'is not one line'))

/**
 * An option of a server, by its daemon's own word: `weight`, `check`, `maxconn`, `max_fails`, `down`, …; `address` is the server's own.
 * A text is its value, true and false switch a flag, null takes the server's own word away, so that what it inherits is in force.
 */
const ServerOption = v.strictObject({
  option: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]*$/, 'is no name of an option')),
  value: v.nullable(v.union([Written, v.boolean()])),
})
export type ServerOption = v.InferOutput<typeof ServerOption>

const ofServer = {
  kind: v.picklist(['haproxy', 'nginx']),
  pool: v.string(),
  /** `backend`, `listen`, `http`, `stream`; needed only where two pools have the same name */
  context: v.optional(v.string()),
  server: Written,
}
const ofRouter = { kind: v.literal('keepalived'), router: v.string() }

/** One change of a configuration, in the words of the trade. On nginx a server's name is its address. */
export const ConfigIntent = v.variant('what', [
  v.strictObject({ what: v.literal('server.add'), ...ofServer, address: Written, options: v.array(ServerOption) }),
  v.strictObject({ what: v.literal('server.remove'), ...ofServer }),
  v.strictObject({ what: v.literal('server.set'), ...ofServer, ...ServerOption.entries }),
  v.strictObject({
    what: v.literal('router.set'),
    ...ofRouter,
    keyword: v.picklist(['state', 'priority', 'advert_int', 'nopreempt']),
    value: v.nullable(v.union([Written, v.boolean()])),
  }),
  v.strictObject({ what: v.picklist(['router.addAddress', 'router.removeAddress']), ...ofRouter, address: Written }),
])
export type ConfigIntent = v.InferOutput<typeof ConfigIntent>

/** What an intent takes, file by file; nothing for a file that says so already. */
export const FileEdits = v.strictObject({ path: v.string(), edits: v.array(TextEdit) })
export type FileEdits = v.InferOutput<typeof FileEdits>

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const FileText = v.pipe(v.string(), v.maxLength(8_000_000))

/** A file as somebody is writing it, not on its node yet. Both texts are masked: what stands behind a mask is put back from the node's bytes. */
export const ConfigDraft = v.strictObject({
  nodeId: NodeId,
  path: v.string(),
  kind: ServiceKind,
  /** of the node's bytes when the draft was begun */
  baseSha256: Sha256,
  baseText: FileText,
  text: FileText,
  changedAt: EpochMs,
  /** `memory`: a password was typed into it, which is never written to disk in clear; it lasts as long as the console's process */
  kept: v.picklist(['disk', 'memory']),
})
export type ConfigDraft = v.InferOutput<typeof ConfigDraft>
