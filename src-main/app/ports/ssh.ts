import type { NodeId, SshConfigHost, SshTarget } from '#contract'

/** Answers whether an offered host key may be used. Looked up by host and port, for every hop of a chain. */
export interface HostKeyPolicy {
  /** raw keys on record for a host, own store and known_hosts files together */
  judge(query: { host: string; port: number; key: Buffer; knownHostsFile: string | null }): Promise<HostKeyVerdict>
  /** key types on record, to be asked for first so that a known host never looks unknown */
  knownTypes(query: { host: string; port: number; knownHostsFile: string | null }): Promise<string[]>
}

export type HostKeyVerdict =
  | { kind: 'trusted'; source: string }
  | { kind: 'unknown' }
  | { kind: 'mismatch'; expected: { fingerprint: string; source: string }[] }
  | { kind: 'revoked'; source: string }
  | { kind: 'unsupported'; source: string; why: string }

/** Keys the operator trusted in this console. Implemented by the store. */
export interface TrustedKeys {
  list(): { host: string; port: number; key: Buffer; trustedAt: number; trustedBy: string }[]
}

/** Where transport gets the target of a node and its secrets. */
export interface SshTargets {
  target(nodeId: NodeId): SshTarget | null
  /** decrypted just before use; null when none is stored */
  secret(nodeId: NodeId, kind: 'password' | 'passphrase'): Promise<string | null>
}

/** Reads ~/.ssh/config for the add-from-config door. */
export interface SshConfigReader {
  hosts(): Promise<Omit<SshConfigHost, 'alreadyAdded'>[]>
}
