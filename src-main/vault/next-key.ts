import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyChoice } from '#contract'
import type { Cipher, NextKey } from '../app/ports/vault.ts'
import { createKeyFileCipher, keyFileIn } from './key-file-cipher.ts'
import { createNewFile } from './new-file.ts'
import { createPassphraseCipher, makeVault, vaultFileIn, type ScryptCost } from './passphrase-cipher.ts'
import { KEY_BYTES, keyIdOf, seal } from './sealed.ts'

/**
 * Another key for the secrets of a data folder. Model: the new key's file is on the disk, under a name that holds the key's id, before
 * the first secret is sealed with it. All secrets are then sealed anew in one transaction of the store, and that decides: once every
 * secret is under the new key, the file gets its name, by the process that made the change or by the next one that starts. Until then
 * the old key is in force. The old file goes first, so that a crash in between leaves only one that can be finished.
 */
const prepared = /^(vault\.(?:json|key))\.([0-9a-f]{16})\.next$/

export async function prepareKey(
  folder: string,
  choice: KeyChoice,
  cost?: ScryptCost,
): Promise<NextKey & { cipher(): Cipher }> {
  for (const name of readdirSync(folder)) if (prepared.test(name)) rmSync(join(folder, name), { force: true })
  const { key, text } =
    choice.provider === 'passphrase' ? await makeVault(choice.passphrase, cost) : textOfKey(randomBytes(KEY_BYTES))
  const keyId = keyIdOf(key)
  const final = choice.provider === 'passphrase' ? vaultFileIn(folder) : keyFileIn(folder)
  const file = `${final}.${keyId}.next`
  createNewFile(file, text)
  syncFolder(folder)
  return {
    keyId,
    encrypt: async (plain, context) => seal(key, plain, context),
    adopt: () => adopt(folder, file, final),
    abandon: () => rmSync(file, { force: true }),
    cipher: () =>
      choice.provider === 'passphrase' ? createPassphraseCipher({ folder, key }) : createKeyFileCipher({ file: final }),
  }
}

/** Finishes a change that was committed before the process that made it ended. `inUse`: the keys of the stored secrets. */
export function adoptCommittedKey(folder: string, inUse: readonly string[]): void {
  if (inUse.length !== 1 || !existsSync(folder)) return
  for (const name of readdirSync(folder)) {
    const [, final = '', keyId] = prepared.exec(name) ?? []
    if (keyId === inUse[0]) adopt(folder, join(folder, name), join(folder, final))
  }
}

function adopt(folder: string, file: string, final: string): void {
  const other = final === vaultFileIn(folder) ? keyFileIn(folder) : vaultFileIn(folder)
  rmSync(other, { force: true })
  try {
    renameSync(file, final)
  } catch (thrown) {
    // another process that started meanwhile was faster
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(final)) throw thrown
  }
  syncFolder(folder)
}

const textOfKey = (key: Buffer) => ({ key, text: `${key.toString('hex')}\n` })

/** A name is only lasting once its folder is on the disk. Windows cannot open folders, and writes names through. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
