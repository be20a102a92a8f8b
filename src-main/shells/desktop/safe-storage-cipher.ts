import type { SafeStorage } from 'electron'
import { AppError } from '../../app/app-error.ts'
import type { Cipher } from '../../app/ports/vault.ts'

/**
 * Encrypts under a key that the operating system keeps (Keychain, DPAPI, kwallet or libsecret).
 *
 * Only the asynchronous calls are used: the synchronous ones leave with Electron 46. On Linux without a secret service Electron falls
 * back to `basic_text`, a key that is the same on every machine; that is refused, and so is keeping secrets then.
 */
export async function createSafeStorageCipher(
  safeStorage: Pick<
    SafeStorage,
    'isAsyncEncryptionAvailable' | 'encryptStringAsync' | 'decryptStringAsync' | 'getSelectedStorageBackend'
  >,
  platform: NodeJS.Platform,
): Promise<Cipher> {
  const why = await reasonAgainst(safeStorage, platform)
  const need = (): void => {
    if (why !== null)
      throw new AppError(
        'vault.unavailable',
        `Secrets cannot be kept on this machine: ${why}. Use an SSH agent, or a key without a passphrase.`,
      )
  }
  return {
    provider: why === null ? 'system' : 'none',
    locked: () => false,
    unavailable: () => why,
    unlock: () => Promise.resolve(),
    keyId: () => 'system',
    async encrypt(plain, context) {
      need()
      return new Uint8Array(await safeStorage.encryptStringAsync(JSON.stringify([context, plain])))
    },
    async decrypt(sealed, _keyId, context) {
      need()
      const { result } = await safeStorage.decryptStringAsync(Buffer.from(sealed)).catch((cause: unknown) => {
        throw new AppError('vault.decrypt-failed', 'The system’s key store could not decrypt this secret. Enter it again.', {
          cause,
        })
      })
      const [owner, plain] = JSON.parse(result) as [string, string]
      if (owner === context) return plain
      throw new AppError('vault.decrypt-failed', 'This secret belongs to another node. Enter it again.')
    },
  }
}

async function reasonAgainst(
  safeStorage: Pick<SafeStorage, 'isAsyncEncryptionAvailable' | 'getSelectedStorageBackend'>,
  platform: NodeJS.Platform,
): Promise<string | null> {
  if (platform === 'linux' && safeStorage.getSelectedStorageBackend() === 'basic_text') {
    return 'no keyring is running (gnome-keyring or kwallet), so Electron would encrypt with a key that everybody knows'
  }
  return (await safeStorage.isAsyncEncryptionAvailable()) ? null : 'the system offers no key store'
}
