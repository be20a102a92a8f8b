import type { KeyChoice, VaultStatus } from '#contract'

/** Keeps passphrases and passwords encrypted; the key never touches the database. */
export interface Vault {
  status(): Promise<VaultStatus>
  unlock(passphrase: string): Promise<void>
  put(owner: string, kind: 'password' | 'passphrase', value: string): Promise<void>
  /** null: nothing stored; throws AppError `vault.locked` or `vault.decrypt-failed` */
  get(owner: string, kind: 'password' | 'passphrase'): Promise<string | null>
  /** false: nothing was stored */
  remove(owner: string, kind: 'password' | 'passphrase'): Promise<boolean>
  /**
   * Seals every secret anew, under a new key. `current` is the passphrase in force, null where there is none.
   * @throws AppError `vault.decrypt-failed` (wrong passphrase, or a secret that does not open: nothing changed), `vault.unavailable`
   */
  changeKey(choice: KeyChoice, current: string | null): Promise<void>
}

/** A cipher whose key the operator chooses. */
export interface ChangeableCipher extends Cipher {
  /** Makes a new key, which lasts once `adopt` was called or every stored secret is sealed with it. The old one is in force until then. */
  prepare(choice: KeyChoice): Promise<NextKey>
}

export interface NextKey extends Pick<Cipher, 'encrypt'> {
  readonly keyId: string
  adopt(): void
  abandon(): void
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
