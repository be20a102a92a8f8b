import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Cipher } from '../app/ports/vault.ts'
import { createKeyFileCipher } from './key-file-cipher.ts'
import { createPassphraseCipher, vaultFileIn } from './passphrase-cipher.ts'

/**
 * The cipher of a data folder on a machine without a key store: a passphrase where one was chosen before or is wished for now
 * (`EVENKEEL_VAULT=passphrase`), else a key file beside the database, which needs no one at the keyboard.
 */
export function createFolderCipher(folder: string, env: NodeJS.ProcessEnv): Cipher {
  if (existsSync(vaultFileIn(folder)) || env['EVENKEEL_VAULT'] === 'passphrase') return createPassphraseCipher({ folder })
  return createKeyFileCipher({ file: join(folder, 'vault.key') })
}
