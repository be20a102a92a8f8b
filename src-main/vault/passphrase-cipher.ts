import { randomBytes, scrypt } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { AppError } from '../app/app-error.ts'
import type { Cipher } from '../app/ports/vault.ts'
import { createNewFile, whyNotPrivate } from './new-file.ts'
import { decryptFailed, KEY_BYTES, keyIdOf, seal, unseal } from './sealed.ts'

/** scrypt's cost: 2^17 × 8 × 128 bytes = 128 MiB and about half a second per guess. */
const SCRYPT = { n: 2 ** 17, r: 8, p: 1 }
export type ScryptCost = typeof SCRYPT
/** Parameters from the file are data: a larger cost than this is refused rather than computed. */
const MAX_SCRYPT_BYTES = 512 * 1024 * 1024
const CHECK_TEXT = 'evenkeel vault'
const CHECK_CONTEXT = 'vault-check'

const VaultFile = v.strictObject({
  version: v.literal(1),
  kdf: v.literal('scrypt'),
  n: v.pipe(v.number(), v.integer(), v.minValue(2)),
  r: v.pipe(v.number(), v.integer(), v.minValue(1)),
  p: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16)),
  salt: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  /** a known text under the key: a wrong passphrase is found out here, not at the first secret */
  check: v.pipe(v.string(), v.base64()),
})
type VaultFile = v.InferOutput<typeof VaultFile>

/**
 * Encrypts under a key made from the operator's passphrase. Model: `<folder>/vault.json` holds the salt and a check value, never
 * the key; the key lives in this process's memory from `unlock` to its end. The first passphrase ever given is the vault's.
 * Whoever has the file and the database can try passphrases, each costing one scrypt: its strength is the passphrase's.
 */
export function createPassphraseCipher(parts: { folder: string; cost?: ScryptCost; key?: Buffer }): Cipher {
  const { folder, cost = SCRYPT } = parts
  const file = vaultFileIn(folder)
  let key = parts.key ?? null

  function needKey(): Buffer {
    if (key === null) throw new AppError('vault.locked', 'The vault is locked. Unlock it with its passphrase and try again.')
    return key
  }

  return {
    provider: 'passphrase',
    locked: () => key === null,
    unavailable: () => null,
    async unlock(passphrase) {
      if (passphrase === '') throw new AppError('vault.decrypt-failed', 'The passphrase of the vault must not be empty.')
      const known = readVaultFile(file) ?? (await makeVaultFile(file, passphrase, cost))
      const tried = await keyFrom(passphrase, known)
      if (!opens(tried, known)) {
        throw new AppError('vault.decrypt-failed', 'This is not the passphrase of this vault. Try again.', {
          details: { file },
        })
      }
      key = tried
    },
    keyId: () => keyIdOf(needKey()),
    encrypt: async (plain, context) => seal(needKey(), plain, context),
    async decrypt(sealed, keyId, context) {
      if (keyId !== keyIdOf(needKey())) throw decryptFailed()
      return unseal(needKey(), sealed, context)
    },
  }
}

/** Where a passphrase's salt and check value are; that it exists says that the folder's secrets are under a passphrase. */
export function vaultFileIn(folder: string): string {
  return join(folder, 'vault.json')
}

function readVaultFile(file: string): VaultFile | null {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return null
  const why = whyNotPrivate(file, stat.mode)
  if (why !== null) throw new AppError('vault.unavailable', `The vault cannot be used: ${why}.`, { details: { file } })
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), VaultFile), readFileSync(file, 'utf8'))
  if (parsed.success && 128 * parsed.output.n * parsed.output.r <= MAX_SCRYPT_BYTES) return parsed.output
  throw new AppError(
    'vault.unavailable',
    `The vault file ${file} cannot be read. Put back a copy of it; without it the stored secrets are lost and must be entered again.`,
    { details: { file } },
  )
}

async function makeVaultFile(file: string, passphrase: string, cost: ScryptCost): Promise<VaultFile> {
  const { made, text } = await makeVault(passphrase, cost)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  if (createNewFile(file, text)) return made
  // Another process was first: its passphrase is the vault's.
  return readVaultFile(file) ?? made
}

/** The key of a passphrase under a new salt, and the file that goes with it. */
export async function makeVault(
  passphrase: string,
  cost: ScryptCost = SCRYPT,
): Promise<{ key: Buffer; made: VaultFile; text: string }> {
  const unchecked = { version: 1 as const, kdf: 'scrypt' as const, ...cost, salt: randomBytes(16).toString('hex') }
  const key = await keyFrom(passphrase, unchecked)
  const made = { ...unchecked, check: Buffer.from(seal(key, CHECK_TEXT, CHECK_CONTEXT)).toString('base64') }
  return { key, made, text: `${JSON.stringify(made, null, 2)}\n` }
}

/** NFKC, so that the same passphrase typed on another keyboard or system gives the same bytes. */
function keyFrom(passphrase: string, { n, r, p, salt }: Pick<VaultFile, 'n' | 'r' | 'p' | 'salt'>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N: n, r, p, maxmem: 2 * MAX_SCRYPT_BYTES }
    scrypt(passphrase.normalize('NFKC'), Buffer.from(salt, 'hex'), KEY_BYTES, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function opens(key: Buffer, { check }: VaultFile): boolean {
  try {
    return unseal(key, Buffer.from(check, 'base64'), CHECK_CONTEXT) === CHECK_TEXT
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'vault.decrypt-failed') return false
    throw thrown
  }
}
