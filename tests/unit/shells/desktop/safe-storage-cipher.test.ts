import { describe, expect, it } from 'vitest'
import { createSafeStorageCipher } from '../../../../src-main/shells/desktop/safe-storage-cipher.ts'

/** Seals by reversing, so that a test can see whether anything was sealed at all. */
function createStorage(options: { available?: boolean; backend?: string; broken?: boolean } = {}) {
  const turn = (text: string) => [...text].reverse().join('')
  return {
    isAsyncEncryptionAvailable: () => Promise.resolve(options.available ?? true),
    getSelectedStorageBackend: () => (options.backend ?? 'gnome_libsecret') as never,
    encryptStringAsync: (plain: string) => Promise.resolve(Buffer.from(turn(plain))),
    decryptStringAsync: (sealed: Buffer) =>
      options.broken
        ? Promise.reject(new Error('no key'))
        : Promise.resolve({ result: turn(String(sealed)), shouldReEncrypt: false }),
  }
}

describe('safeStorage cipher', () => {
  it('seals and opens for the same owner only', async () => {
    const cipher = await createSafeStorageCipher(createStorage(), 'linux')
    const sealed = await cipher.encrypt('s3cret', 'node:lb1/password')
    expect(Buffer.from(sealed).toString()).not.toContain('s3cret')
    expect(await cipher.decrypt(sealed, 'system', 'node:lb1/password')).toBe('s3cret')
    await expect(cipher.decrypt(sealed, 'system', 'node:lb2/password')).rejects.toMatchObject({ code: 'vault.decrypt-failed' })
  })

  it('refuses basic_text on Linux, where the key is known to everybody', async () => {
    const cipher = await createSafeStorageCipher(createStorage({ backend: 'basic_text' }), 'linux')
    expect(cipher.provider).toBe('none')
    expect(cipher.unavailable()).toContain('keyring')
    await expect(cipher.encrypt('s3cret', 'x')).rejects.toMatchObject({ code: 'vault.unavailable' })
  })

  it('says when the system offers nothing', async () => {
    const cipher = await createSafeStorageCipher(createStorage({ available: false }), 'darwin')
    await expect(cipher.encrypt('s3cret', 'x')).rejects.toMatchObject({ code: 'vault.unavailable' })
  })

  it('turns a lost system key into a sentence', async () => {
    const cipher = await createSafeStorageCipher(createStorage({ broken: true }), 'darwin')
    await expect(cipher.decrypt(new Uint8Array([1]), 'system', 'x')).rejects.toMatchObject({ code: 'vault.decrypt-failed' })
  })
})
