import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { Cipher } from '../../../src-main/app/ports/vault.ts'
import { createVault } from '../../../src-main/app/vault.ts'
import { createFolderCipher } from '../../../src-main/vault/folder-cipher.ts'
import { createKeyFileCipher } from '../../../src-main/vault/key-file-cipher.ts'
import { createNoCipher } from '../../../src-main/vault/no-cipher.ts'
import { createPassphraseCipher } from '../../../src-main/vault/passphrase-cipher.ts'
import { tempFolder, tempStore } from '../store/temp-store.ts'

const cheap = { n: 1024, r: 8, p: 1 }
const failure = (code: string) => expect.objectContaining({ code }) as unknown

function rig(cipher: Cipher) {
  const { store, folder, clock } = tempStore()
  return { vault: createVault({ cipher, repo: store.secrets, clock }), store, folder }
}

async function unlocked(folder = tempFolder()): Promise<Cipher> {
  const cipher = createPassphraseCipher({ folder, cost: cheap })
  await cipher.unlock('correct horse')
  return cipher
}

describe.each([
  { name: 'passphrase', make: () => unlocked() },
  { name: 'key file', make: async () => createKeyFileCipher({ file: join(tempFolder(), 'vault.key') }) },
])('a vault with a $name', ({ make }) => {
  it('gives back what was put, and lists it without its value', async () => {
    const { vault, folder } = rig(await make())
    await vault.put('lb-a1', 'password', 'pässwörd 漢字')
    expect(await vault.get('lb-a1', 'password')).toBe('pässwörd 漢字')
    expect(await vault.get('lb-a1', 'passphrase')).toBeNull()
    expect((await vault.status()).secrets).toEqual([{ owner: 'lb-a1', kind: 'password', storedAt: 1_700_000_000_000 }])
    for (const file of ['console.db', 'console.db-wal']) {
      expect(readFileSync(join(folder, file)).includes('wörd')).toBe(false)
    }
    expect(await vault.remove('lb-a1', 'password')).toBe(true)
    expect(await vault.remove('lb-a1', 'password')).toBe(false)
    expect(await vault.get('lb-a1', 'password')).toBeNull()
  })

  it('seals the same value differently each time', async () => {
    const cipher = await make()
    expect(await cipher.encrypt('x', 'c')).not.toEqual(await cipher.encrypt('x', 'c'))
  })

  it('refuses a secret of which any byte was changed', async () => {
    const cipher = await make()
    const sealed = await cipher.encrypt('secret', 'c')
    for (let i = 0; i < sealed.length; i += 1) {
      const changed = Uint8Array.from(sealed)
      changed[i] = (changed[i] ?? 0) ^ 1
      await expect(cipher.decrypt(changed, cipher.keyId(), 'c')).rejects.toEqual(failure('vault.decrypt-failed'))
    }
    await expect(cipher.decrypt(sealed.subarray(0, 20), cipher.keyId(), 'c')).rejects.toEqual(failure('vault.decrypt-failed'))
  })

  it('does not open one node’s secret as another’s, or a password as a passphrase', async () => {
    const { vault, folder } = rig(await make())
    await vault.put('a', 'password', 'of a')
    const db = new Database(join(folder, 'console.db'))
    db.exec(`insert into secret select 'b', kind, sealed, key_id, stored_at from secret;
             insert into secret select 'a', 'passphrase', sealed, key_id, stored_at from secret where owner = 'a'`)
    db.close()
    await expect(vault.get('b', 'password')).rejects.toEqual(failure('vault.decrypt-failed'))
    await expect(vault.get('a', 'passphrase')).rejects.toEqual(failure('vault.decrypt-failed'))
    expect(await vault.get('a', 'password')).toBe('of a')
  })

  it('refuses what another key sealed', async () => {
    const [one, other] = [await make(), await make()]
    const sealed = await one.encrypt('x', 'c')
    await expect(other.decrypt(sealed, one.keyId(), 'c')).rejects.toEqual(failure('vault.decrypt-failed'))
    await expect(other.decrypt(sealed, other.keyId(), 'c')).rejects.toEqual(failure('vault.decrypt-failed'))
  })
})

describe('a passphrase', () => {
  it('opens the vault again in another process, and a wrong one does not', async () => {
    const folder = tempFolder()
    const first = await unlocked(folder)
    const sealed = await first.encrypt('x', 'c')
    const second = createPassphraseCipher({ folder })
    expect(second.locked()).toBe(true)
    await expect(second.unlock('correct house')).rejects.toEqual(failure('vault.decrypt-failed'))
    expect(second.locked()).toBe(true)
    await second.unlock('correct horse')
    expect(await second.decrypt(sealed, first.keyId(), 'c')).toBe('x')
    expect(statSync(join(folder, 'vault.json')).mode & 0o777).toBe(0o600)
  })

  it('is the same however its characters are composed', async () => {
    const folder = tempFolder()
    await createPassphraseCipher({ folder, cost: cheap }).unlock('caf\u00e9')
    await createPassphraseCipher({ folder }).unlock('cafe\u0301')
  })

  it('must not be empty', async () => {
    await expect(createPassphraseCipher({ folder: tempFolder() }).unlock('')).rejects.toEqual(failure('vault.decrypt-failed'))
  })

  it('is asked for only by a node that has a secret', async () => {
    const folder = tempFolder()
    const { vault, store } = rig(await unlocked(folder))
    await vault.put('a', 'password', 'x')
    const locked = createVault({
      cipher: createPassphraseCipher({ folder }),
      repo: store.secrets,
      clock: { now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve() },
    })
    expect(await locked.get('b', 'password')).toBeNull()
    await expect(locked.get('a', 'password')).rejects.toEqual(failure('vault.locked'))
    await expect(locked.put('b', 'password', 'y')).rejects.toEqual(failure('vault.locked'))
    expect(await locked.status()).toMatchObject({ provider: 'passphrase', locked: true, unavailable: null })
  })

  it('is not turned into a key at a cost that someone wrote into the file', async () => {
    const folder = tempFolder()
    await unlocked(folder)
    const file = join(folder, 'vault.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"n": 1024', '"n": 1073741824'))
    await expect(createPassphraseCipher({ folder }).unlock('correct horse')).rejects.toEqual(failure('vault.unavailable'))
  })
})

describe('a key file', () => {
  it('is made once, 0600, and used again', async () => {
    const file = join(tempFolder(), 'sub', 'vault.key')
    const first = createKeyFileCipher({ file })
    const sealed = await first.encrypt('x', 'c')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await createKeyFileCipher({ file }).decrypt(sealed, first.keyId(), 'c')).toBe('x')
  })

  it.each([0o640, 0o604, 0o620, 0o666])('that others can use (mode %o) is refused', async (mode) => {
    const file = join(tempFolder(), 'vault.key')
    createKeyFileCipher({ file })
    chmodSync(file, mode)
    const cipher = createKeyFileCipher({ file })
    expect(cipher.unavailable()).toContain('chmod 600')
    await expect(rig(cipher).vault.put('a', 'password', 'x')).rejects.toEqual(failure('vault.unavailable'))
  })

  it('that holds something else is refused and left alone', () => {
    const file = join(tempFolder(), 'vault.key')
    writeFileSync(file, 'my notes', { mode: 0o600 })
    expect(createKeyFileCipher({ file }).unavailable()).toContain('does not hold a key')
    expect(readFileSync(file, 'utf8')).toBe('my notes')
  })
})

describe('the cipher of a folder', () => {
  it('is a key file, unless a passphrase is wished for or was chosen before', async () => {
    const folder = tempFolder()
    expect(createFolderCipher(folder, {}).provider).toBe('key-file')
    const wished = tempFolder()
    expect(createFolderCipher(wished, { EVENKEEL_VAULT: 'passphrase' }).provider).toBe('passphrase')
    await unlocked(wished)
    expect(createFolderCipher(wished, {}).provider).toBe('passphrase')
  })
})

it('a vault without a cipher says why', async () => {
  const { vault } = rig(createNoCipher('this machine has no keyring'))
  expect((await vault.status()).unavailable).toBe('this machine has no keyring')
  await expect(vault.put('a', 'password', 'x')).rejects.toEqual(failure('vault.unavailable'))
  await expect(vault.unlock('x')).rejects.toEqual(failure('vault.unavailable'))
  expect(await vault.get('a', 'password')).toBeNull()
})
