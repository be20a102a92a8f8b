import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { AppError } from '../app/app-error.ts'

/**
 * The sealed form of a secret: 0x01, nonce (12 bytes), tag (16), ciphertext. AES-256-GCM with a random nonce; a key seals a few
 * hundred secrets in its life, far from the 2^32 at which random nonces become a risk. `context` is authenticated beside the
 * ciphertext: one owner's secret does not open as another's.
 */
const FORMAT = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES
export const KEY_BYTES = 32

export function seal(key: Buffer, plain: string, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(aadOf(context))
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), body])
}

/** Throws `vault.decrypt-failed` for another key, another context, or a changed byte; which of them cannot be told. */
export function unseal(key: Buffer, sealed: Uint8Array, context: string): string {
  const bytes = Buffer.from(sealed)
  if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT) throw decryptFailed()
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(aadOf(context)).setAuthTag(bytes.subarray(1 + NONCE_BYTES, HEAD_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final()]).toString('utf8')
  } catch (cause) {
    throw decryptFailed(cause)
  }
}

/** Tells keys apart and gives nothing of the key away. */
export function keyIdOf(key: Buffer): string {
  return createHmac('sha256', key).update('evenkeel key id').digest('hex').slice(0, 16)
}

export function decryptFailed(cause?: unknown): AppError {
  return new AppError(
    'vault.decrypt-failed',
    'A stored secret cannot be decrypted: it was stored under another key, or changed since. Store it again.',
    { cause },
  )
}

function aadOf(context: string): Buffer {
  return Buffer.from(`evenkeel secret 1\0${context}`, 'utf8')
}
