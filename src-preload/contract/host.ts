import * as v from 'valibot'
import { EpochMs, Milliseconds } from './ids.ts'

/** Who drives the data folder. Two shells never drive one folder at once; the second one is a viewer. */
export const Lease = v.strictObject({
  role: v.picklist(['driver', 'viewer']),
  /** the driver: pid, shell, host name and since when */
  holder: v.strictObject({ pid: v.number(), shell: v.string(), host: v.string(), since: EpochMs }),
})
export type Lease = v.InferOutput<typeof Lease>

export const HostDescription = v.strictObject({
  product: v.literal('Evenkeel'),
  version: v.string(),
  shell: v.picklist(['desktop', 'browser', 'cli']),
  platform: v.string(),
  user: v.string(),
  dataFolder: v.string(),
  lease: Lease,
  /** the window switches on these, never on "am I Electron" */
  can: v.strictObject({ windowControls: v.boolean(), systemVault: v.boolean(), readSshConfig: v.boolean() }),
})
export type HostDescription = v.InferOutput<typeof HostDescription>

/** Settings that belong to the data folder. Appearance belongs to the window and is kept there. */
export const Settings = v.strictObject({
  /** how often every node is read */
  pollMs: v.pipe(Milliseconds, v.minValue(250), v.maxValue(300_000)),
  /** stop reading while no window is visible and no job runs */
  pauseWhenHidden: v.boolean(),
  /** how long raw samples, one-minute and one-hour roll-ups are kept */
  keepRawHours: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(24 * 14)),
  keepMinuteDays: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(366)),
  keepHourDays: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3660)),
  /** a git repository that gets every version of the configuration; empty: there is none */
  mirrorFolder: v.optional(v.pipe(v.string(), v.maxLength(4096)), ''),
})
export type Settings = v.InferOutput<typeof Settings>

/** State of the vault that holds passphrases and passwords. */
export const VaultStatus = v.strictObject({
  provider: v.picklist(['system', 'passphrase', 'key-file', 'none']),
  locked: v.boolean(),
  /** what is stored, never the values */
  secrets: v.array(v.strictObject({ owner: v.string(), kind: v.picklist(['password', 'passphrase']), storedAt: EpochMs })),
  /** why secrets cannot be kept here, when they cannot */
  unavailable: v.nullable(v.string()),
})
export type VaultStatus = v.InferOutput<typeof VaultStatus>

/** What the vault's key comes from, where the operator may choose. */
export const KeyChoice = v.variant('provider', [
  v.strictObject({
    provider: v.literal('passphrase'),
    passphrase: v.pipe(v.string(), v.minLength(8), v.maxLength(1024)),
  }),
  v.strictObject({ provider: v.literal('key-file') }),
])
export type KeyChoice = v.InferOutput<typeof KeyChoice>

/** A host key the operator trusted in this console (beside the user's own known_hosts, which is only read). */
export const TrustedKey = v.strictObject({
  host: v.string(),
  port: v.number(),
  keyType: v.string(),
  fingerprint: v.string(),
  trustedAt: EpochMs,
  trustedBy: v.string(),
})
export type TrustedKey = v.InferOutput<typeof TrustedKey>
