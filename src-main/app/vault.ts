import { AppError } from './app-error.ts'
import { contentKeyOwner } from './config-versions.ts'
import type { Clock } from './ports/clock.ts'
import type { SecretRepo } from './ports/store.ts'
import type { ChangeableCipher, Cipher, Vault } from './ports/vault.ts'
import { reportKeyOwner } from './report-signer.ts'

/** the console's own, which are nobody's to remove */
const ownKeys: ReadonlySet<string> = new Set([contentKeyOwner, reportKeyOwner])

/**
 * Secrets, encrypted before they reach the store. Model: the store sees ciphertext and the id of the key; the cipher holds the key;
 * each ciphertext is bound to its owner and kind, so that rows that were swapped in the database do not open.
 * What is asked for is looked up first: a locked vault matters only to a node that has a secret.
 */
export function createVault(parts: { cipher: Cipher | ChangeableCipher; repo: SecretRepo; clock: Clock }): Vault {
  const { cipher, repo, clock } = parts
  let last: Promise<unknown> = Promise.resolve()

  /** One after the other: a secret stored or read while the key changes would be under the wrong one. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work)
    // a failure is the caller's, and not the next one's
    last = turn.catch(() => undefined)
    return turn
  }

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
      const secrets = repo.list().filter(({ owner }) => !ownKeys.has(owner))
      return { provider, locked: cipher.locked(), secrets, unavailable: cipher.unavailable() }
    },
    unlock: (passphrase) => cipher.unlock(passphrase),
    put: (owner, kind, value) =>
      inTurn(async () => {
        needUsable()
        const sealed = await cipher.encrypt(value, contextOf(owner, kind))
        repo.put({ owner, kind, sealed, keyId: cipher.keyId(), storedAt: clock.now() })
      }),
    get: (owner, kind) => inTurn(() => open(owner, kind)),
    remove: async (owner, kind) => repo.remove(owner, kind),
    changeKey: (choice, current) =>
      inTurn(async () => {
        if (!('prepare' in cipher)) {
          throw new AppError(
            'vault.unavailable',
            'This console keeps its secrets in the key store of the system; there is no key to choose.',
          )
        }
        if (cipher.provider === 'passphrase') await cipher.unlock(current ?? '')
        needUsable()
        const next = await cipher.prepare(choice)
        try {
          const sealed = []
          for (const { owner, kind } of repo.list()) {
            const plain = await open(owner, kind)
            if (plain !== null) sealed.push({ owner, kind, sealed: await next.encrypt(plain, contextOf(owner, kind)) })
          }
          repo.reseal(next.keyId, sealed)
        } catch (thrown) {
          // should the store have failed after it committed, the new key is needed
          if (!repo.keysInUse().includes(next.keyId)) next.abandon()
          throw thrown
        }
        next.adopt()
      }),
  }

  async function open(owner: string, kind: string): Promise<string | null> {
    const stored = repo.get(owner, kind)
    if (stored === null) return null
    needUsable()
    return cipher.decrypt(stored.sealed, stored.keyId, contextOf(owner, kind))
  }
}

/** Unambiguous, whatever characters an owner has. */
function contextOf(owner: string, kind: string): string {
  return JSON.stringify([owner, kind])
}
