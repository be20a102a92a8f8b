import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AppError } from '../app/app-error.ts'
import type { Cipher } from '../app/ports/vault.ts'
import { createNewFile, whyNotPrivate } from './new-file.ts'
import { decryptFailed, KEY_BYTES, keyIdOf, seal, unseal } from './sealed.ts'

/**
 * Encrypts under a key kept in a file of its own, made when it is first needed. Model: whoever can read the file can read the
 * secrets, so it is 0600, and a file that others can use is refused rather than repaired: it may have been copied already.
 * It protects copies and backups of the database, not against the user's own other processes.
 */
export function createKeyFileCipher({ file }: { file: string }): Cipher {
  let key: Buffer | null = null
  let why: string | null = null
  try {
    key = readKey(file)
  } catch (thrown) {
    why = thrown instanceof Error ? thrown.message : String(thrown)
  }

  function needKey(): Buffer {
    if (key !== null) return key
    throw new AppError('vault.unavailable', `Secrets cannot be kept here: ${why ?? 'there is no key'}.`, { details: { file } })
  }

  return {
    provider: 'key-file',
    locked: () => false,
    unavailable: () => why,
    unlock: () => Promise.resolve(),
    keyId: () => keyIdOf(needKey()),
    encrypt: async (plain, context) => seal(needKey(), plain, context),
    async decrypt(sealed, keyId, context) {
      if (keyId !== keyIdOf(needKey())) throw decryptFailed()
      return unseal(needKey(), sealed, context)
    },
  }
}

export const keyFileIn = (folder: string): string => join(folder, 'vault.key')

function readKey(file: string): Buffer {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  if (statSync(file, { throwIfNoEntry: false }) === undefined)
    createNewFile(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`)
  const why = whyNotPrivate(file, statSync(file).mode)
  if (why !== null) throw new Error(why)
  const text = readFileSync(file, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${file} does not hold a key (64 hexadecimal digits)`)
  return Buffer.from(text, 'hex')
}
