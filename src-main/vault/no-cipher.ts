import { AppError } from '../app/app-error.ts'
import type { Cipher } from '../app/ports/vault.ts'

/** Where secrets cannot be kept at all. `why` completes "Secrets cannot be kept here: …". */
export function createNoCipher(why: string): Cipher {
  const refuse = (): never => {
    throw new AppError(
      'vault.unavailable',
      `Secrets cannot be kept here: ${why}. Use an SSH agent or a key without a passphrase.`,
    )
  }
  return {
    provider: 'none',
    locked: () => false,
    unavailable: () => why,
    unlock: async () => refuse(),
    keyId: refuse,
    encrypt: async () => refuse(),
    decrypt: async () => refuse(),
  }
}
