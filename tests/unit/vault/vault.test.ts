import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { Cipher, Vault } from '../../../src-main/app/ports/vault.ts'
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
    expect(createFolderCipher(folder, {}, { inUse: [] }).provider).toBe('key-file')
    const wished = tempFolder()
    expect(createFolderCipher(wished, { EVENKEEL_VAULT: 'passphrase' }, { inUse: [] }).provider).toBe('passphrase')
    await unlocked(wished)
    expect(createFolderCipher(wished, {}, { inUse: [] }).provider).toBe('passphrase')
  })
})

describe('another key', () => {
  const correct = { provider: 'passphrase', passphrase: 'correct horse' } as const
  const battery = { provider: 'passphrase', passphrase: 'battery staple' } as const

  /** A folder with secrets in it; `started` is another process that opens it. */
  function place() {
    const { store, folder, clock } = tempStore()
    const started = () => {
      const cipher = createFolderCipher(folder, {}, { inUse: store.secrets.keysInUse(), cost: cheap })
      return { cipher, vault: createVault({ cipher, repo: store.secrets, clock }) }
    }
    return { store, folder, started }
  }
  const filled = async () => {
    const made = place()
    const { vault } = made.started()
    for (const owner of ['a', 'b', 'c']) await vault.put(owner, 'password', `of ${owner}`)
    return { ...made, vault }
  }
  const valuesIn = (vault: Vault) => Promise.all(['a', 'b', 'c'].map((owner) => vault.get(owner, 'password')))
  const values = ['of a', 'of b', 'of c']
  const vaultFiles = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('vault'))

  it('is a passphrase, another passphrase and a key file again; the secrets stay, and old keys open nothing', async () => {
    const { vault, started, folder, store } = await filled()
    const seen = [store.secrets.keysInUse()]
    await vault.changeKey(correct, null)
    expect([await vault.status(), vaultFiles(folder)]).toMatchObject([
      { provider: 'passphrase', locked: false },
      ['vault.json'],
    ])
    seen.push(store.secrets.keysInUse())
    await vault.changeKey(battery, 'correct horse')
    expect(await valuesIn(vault)).toEqual(values)
    seen.push(store.secrets.keysInUse())
    expect(new Set(seen.flat()).size).toBe(3)

    const next = started()
    expect(next.cipher.locked()).toBe(true)
    await expect(next.vault.unlock('correct horse')).rejects.toEqual(failure('vault.decrypt-failed'))
    await next.vault.unlock('battery staple')
    expect(await valuesIn(next.vault)).toEqual(values)
    await next.vault.changeKey({ provider: 'key-file' }, 'battery staple')
    expect([vaultFiles(folder), started().cipher.provider]).toEqual([['vault.key'], 'key-file'])
    expect(await valuesIn(started().vault)).toEqual(values)
  })

  it('is refused to a wrong passphrase, even when the vault is open, and where a secret does not open', async () => {
    const { vault, store, folder } = await filled()
    await vault.changeKey(correct, null)
    const before = store.secrets.keysInUse()
    for (const wrong of [null, 'battery staple']) {
      await expect(vault.changeKey(battery, wrong)).rejects.toEqual(failure('vault.decrypt-failed'))
    }
    store.secrets.put({ owner: 'b', kind: 'password', sealed: Buffer.alloc(40), keyId: 'elsewhere', storedAt: 1 })
    await expect(vault.changeKey(battery, 'correct horse')).rejects.toEqual(failure('vault.decrypt-failed'))
    expect(store.secrets.keysInUse()).toEqual(expect.arrayContaining(before))
    expect([vaultFiles(folder), await vault.get('a', 'password')]).toEqual([['vault.json'], 'of a'])
  })

  it('leaves no secret under the old key that was stored at the same time', async () => {
    const { vault, store, started } = await filled()
    await Promise.all([vault.changeKey(correct, null), vault.put('d', 'password', 'of d'), vault.remove('c', 'password')])
    expect(store.secrets.keysInUse()).toHaveLength(1)
    const next = started().vault
    await next.unlock('correct horse')
    expect([await next.get('d', 'password'), await next.get('c', 'password')]).toEqual(['of d', null])
  })

  it.each([correct, { provider: 'key-file' } as const])('to $provider survives an end at any moment', async (choice) => {
    for (const at of ['prepared', 'committed', 'half adopted']) {
      const { store, folder, started, vault } = await filled()
      if (choice.provider === 'key-file') await vault.changeKey(battery, null)
      const { cipher } = started()
      if (choice.provider === 'key-file') await cipher.unlock('battery staple')
      const next = await cipher.prepare(choice)
      if (at !== 'prepared') {
        const sealed = ['a', 'b', 'c'].map(async (owner) => {
          const context = JSON.stringify([owner, 'password'])
          return { owner, kind: 'password', sealed: await next.encrypt(`of ${owner}`, context) }
        })
        store.secrets.reseal(next.keyId, await Promise.all(sealed))
      }
      if (at === 'half adopted') rmSync(join(folder, choice.provider === 'key-file' ? 'vault.json' : 'vault.key'))
      const after = started()
      if (after.cipher.locked()) await after.cipher.unlock(at === 'prepared' ? 'battery staple' : 'correct horse')
      expect(await valuesIn(after.vault), at).toEqual(values)
    }
  })
})

it('a vault without a cipher says why', async () => {
  const { vault } = rig(createNoCipher('this machine has no keyring'))
  expect((await vault.status()).unavailable).toBe('this machine has no keyring')
  await expect(vault.put('a', 'password', 'x')).rejects.toEqual(failure('vault.unavailable'))
  await expect(vault.unlock('x')).rejects.toEqual(failure('vault.unavailable'))
  expect(await vault.get('a', 'password')).toBeNull()
})
