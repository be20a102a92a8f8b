import { existsSync } from 'node:fs'
import type { Cipher, ChangeableCipher } from '../app/ports/vault.ts'
import { createKeyFileCipher, keyFileIn } from './key-file-cipher.ts'
import { adoptCommittedKey, prepareKey } from './next-key.ts'
import { createPassphraseCipher, vaultFileIn, type ScryptCost } from './passphrase-cipher.ts'

/**
 * The cipher of a data folder on a machine without a key store: a passphrase where one was chosen before or is wished for now
 * (`EVENKEEL_VAULT=passphrase`), else a key file beside the database, which needs no one at the keyboard. Either can be chosen later.
 * `inUse` are the keys that the stored secrets are sealed with.
 */
export function createFolderCipher(
  folder: string,
  env: NodeJS.ProcessEnv,
  { inUse, cost }: { inUse: readonly string[]; cost?: ScryptCost },
): ChangeableCipher {
  adoptCommittedKey(folder, inUse)
  const isPassphrase = existsSync(vaultFileIn(folder)) || env['EVENKEEL_VAULT'] === 'passphrase'
  let now: Cipher = isPassphrase
    ? createPassphraseCipher({ folder, ...(cost === undefined ? {} : { cost }) })
    : createKeyFileCipher({ file: keyFileIn(folder) })
  return {
    get provider() {
      return now.provider
    },
    locked: () => now.locked(),
    unavailable: () => now.unavailable(),
    unlock: (passphrase) => now.unlock(passphrase),
    keyId: () => now.keyId(),
    encrypt: (plain, context) => now.encrypt(plain, context),
    decrypt: (sealed, keyId, context) => now.decrypt(sealed, keyId, context),
    async prepare(choice) {
      const next = await prepareKey(folder, choice, cost)
      return {
        ...next,
        adopt() {
          next.adopt()
          now = next.cipher()
        },
      }
    },
  }
}
