import * as v from 'valibot'

/** Every error code that may cross the border. The part before the dot names the family. */
export const errorCodes = [
  'request.invalid',
  'request.unknown',
  'request.unauthenticated',
  'request.forbidden',
  'request.too-large',
  'request.cancelled',
  'request.not-found',
  'host.viewer',
  'host.internal',
  'node.not-found',
  'node.unreachable',
  'ssh.host-key-unknown',
  'ssh.host-key-mismatch',
  'ssh.host-key-revoked',
  'ssh.host-key-unsupported',
  'ssh.auth-failed',
  'ssh.config-invalid',
  'ssh.timeout',
  'ssh.channel-refused',
  'ssh.connection-lost',
  'exec.not-found',
  'exec.not-permitted',
  'exec.failed',
  'exec.killed',
  'exec.output-truncated',
  'inventory.invalid',
  'inventory.conflict',
  'config.parse-failed',
  'config.check-failed',
  'config.changed-on-node',
  'config.write-failed',
  'daemon.not-running',
  'daemon.reload-rejected',
  'daemon.runtime-rejected',
  'daemon.unexpected-reply',
  'daemon.not-confirmed',
  'job.conflict',
  'job.not-found',
  'job.step-failed',
  'job.outcome-unknown',
  'job.rolled-back',
  'job.rollback-failed',
  'job.quarantined',
  'job.not-undoable',
  'drain.not-found',
  'drain.floor',
  'drain.conflict',
  'drill.refused',
  'practice.failed',
  'store.busy',
  'store.corrupt',
  'store.from-future',
  'store.full',
  'vault.locked',
  'vault.unavailable',
  'vault.decrypt-failed',
] as const

export const ErrorCode = v.picklist(errorCodes)
export type ErrorCode = v.InferOutput<typeof ErrorCode>

/** A key or a login is wrong: trying again alone changes nothing, and too many tries could lock the account. */
export const refusingCodes = [
  'ssh.host-key-unknown',
  'ssh.host-key-mismatch',
  'ssh.host-key-revoked',
  'ssh.host-key-unsupported',
  'ssh.auth-failed',
  'ssh.config-invalid',
] as const satisfies readonly ErrorCode[]

/** Did anything change on a node? The operator's first question after any failure. */
export const Effect = v.picklist(['none', 'applied', 'unknown'])
export type Effect = v.InferOutput<typeof Effect>

/** What a shell receives instead of a value. `details` is for machines and for the dialog that explains. */
export const ErrorReply = v.strictObject({
  code: ErrorCode,
  message: v.string(),
  effect: Effect,
  details: v.record(v.string(), v.unknown()),
})
export type ErrorReply = v.InferOutput<typeof ErrorReply>

/** Details of `ssh.host-key-unknown` and `ssh.host-key-mismatch`: what was offered, by which hop, and what was expected. */
export const HostKeyDetails = v.looseObject({
  /** host and port as they were dialled, e.g. `[198.18.0.139]:22` */
  host: v.string(),
  port: v.number(),
  /** 0 for the first hop of a ProxyJump chain; the last one is the node itself */
  hop: v.number(),
  keyType: v.string(),
  /** `SHA256:…` as `ssh-keygen -lf` prints it */
  fingerprint: v.string(),
  /** the raw public key, base64 */
  key: v.string(),
  /** fingerprints on record for this host; empty when it is unknown */
  expected: v.array(v.string()),
})
export type HostKeyDetails = v.InferOutput<typeof HostKeyDetails>
