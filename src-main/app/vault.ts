import { AppError } from './app-error.ts'
import type { Clock } from './ports/clock.ts'
import type { SecretRepo } from './ports/store.ts'
import type { Cipher, Vault } from './ports/vault.ts'

/**
 * Secrets, encrypted before they reach the store. Model: the store sees ciphertext and the id of the key; the cipher holds the key;
 * each ciphertext is bound to its owner and kind, so that rows that were swapped in the database do not open.
 * What is asked for is looked up first: a locked vault matters only to a node that has a secret.
 */
export function createVault({ cipher, repo, clock }: { cipher: Cipher; repo: SecretRepo; clock: Clock }): Vault {
  function needUsable(): void {
    const why = cipher.unavailable()
    if (why !== null) throw new AppError('vault.unavailable', `Secrets cannot be kept here: ${why}.`)
    if (cipher.locked()) {
      throw new AppError('vault.locked', 'The vault is locked. Unlock it with its passphrase and try again.')
    }
  }

  return {
    async status() {
      const { provider } = cipher
      return { provider, locked: cipher.locked(), secrets: repo.list(), unavailable: cipher.unavailable() }
    },
    unlock: (passphrase) => cipher.unlock(passphrase),
    async put(owner, kind, value) {
      needUsable()
      const sealed = await cipher.encrypt(value, contextOf(owner, kind))
      repo.put({ owner, kind, sealed, keyId: cipher.keyId(), storedAt: clock.now() })
    },
    async get(owner, kind) {
      const stored = repo.get(owner, kind)
      if (stored === null) return null
      needUsable()
      return cipher.decrypt(stored.sealed, stored.keyId, contextOf(owner, kind))
    },
    remove: async (owner, kind) => repo.remove(owner, kind),
  }
}

/** Unambiguous, whatever characters an owner has. */
function contextOf(owner: string, kind: string): string {
  return JSON.stringify([owner, kind])
}
