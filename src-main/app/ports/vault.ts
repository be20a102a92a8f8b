import type { VaultStatus } from '#contract'

/** Keeps passphrases and passwords encrypted; the key never touches the database. */
export interface Vault {
  status(): Promise<VaultStatus>
  unlock(passphrase: string): Promise<void>
  put(owner: string, kind: 'password' | 'passphrase', value: string): Promise<void>
  /** null: nothing stored; throws AppError `vault.locked` or `vault.decrypt-failed` */
  get(owner: string, kind: 'password' | 'passphrase'): Promise<string | null>
  /** false: nothing was stored */
  remove(owner: string, kind: 'password' | 'passphrase'): Promise<boolean>
}

/** Encrypts and decrypts under a key it holds: safeStorage on the desktop, scrypt passphrase or a 0600 key file elsewhere. */
export interface Cipher {
  readonly provider: 'system' | 'passphrase' | 'key-file' | 'none'
  locked(): boolean
  /** why secrets cannot be kept here; null when they can */
  unavailable(): string | null
  unlock(passphrase: string): Promise<void>
  /** identifies the key, kept beside each ciphertext */
  keyId(): string
  /** `context` (whose secret it is) is bound to the ciphertext, so that one node's secret cannot be passed off as another's */
  encrypt(plain: string, context: string): Promise<Uint8Array>
  decrypt(sealed: Uint8Array, keyId: string, context: string): Promise<string>
}
