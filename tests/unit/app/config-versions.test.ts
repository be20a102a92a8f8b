import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { NodeId, PushId } from '#contract'
import { createConfigVersions, sha256Of, type FileOnNode } from '../../../src-main/app/config-versions.ts'
import { createVault } from '../../../src-main/app/vault.ts'
import { createFolderCipher } from '../../../src-main/vault/folder-cipher.ts'
import { tempStore } from '../store/temp-store.ts'

const secret = 'Tr0ub4dor'
const file = (text: string, path = '/etc/keepalived/keepalived.conf'): FileOnNode => ({
  nodeId: 'lb1' as NodeId,
  kind: 'keepalived',
  path,
  bytes: Buffer.from(text),
})
const withSecret = file(`vrrp_instance A {\n  authentication {\n    auth_pass ${secret}\n  }\n}\n`)

function setUp(env: NodeJS.ProcessEnv = {}) {
  const { store, clock, log, folder } = tempStore()
  const cipher = createFolderCipher(folder, env, { inUse: [], cost: { n: 1024, r: 8, p: 1 } })
  const vault = createVault({ cipher, repo: store.secrets, clock })
  const open = () => createConfigVersions({ repo: store.versions, vault, isDriver: () => true, clock, log })
  return { store, vault, folder, log, versions: open(), again: open }
}

/** Whether the text, or the text deflated without its head, lies anywhere in the data folder in the clear. */
const liesIn = (folder: string, text: string): boolean =>
  readdirSync(folder).some((name) => name.includes('.db') && readFileSync(join(folder, name)).includes(text))

describe('versions of configuration files', () => {
  it('keeps each version once, whole and sealed, and opens it in another process and under another key of the vault', async () => {
    const { versions, vault, folder, again } = setUp()
    await versions.seen([withSecret, withSecret])
    await versions.seen([file('vrrp_instance A {\n}\n'), withSecret])
    const listed = versions.list({ limit: 10 })
    expect(listed.map(({ sha256, source, kept }) => [sha256 === sha256Of(withSecret.bytes), source, kept])).toEqual([
      [true, 'seen', 'whole'],
      [false, 'seen', 'whole'],
      [true, 'seen', 'whole'],
    ])
    expect(liesIn(folder, 'auth_pass')).toBe(false)
    expect(liesIn(folder, secret)).toBe(false)

    await vault.changeKey({ provider: 'passphrase', passphrase: 'open sesame and more' }, null)
    expect(await again().bytes(sha256Of(withSecret.bytes))).toEqual(withSecret.bytes)
    expect((await vault.status()).secrets, 'its own key is not listed for removal').toEqual([])
  })

  it('with the vault closed it keeps no password, says so, and keeps the whole once it is seen with the vault open', async () => {
    const { versions, vault, folder, again } = setUp({ EVENKEEL_VAULT: 'passphrase' })
    await versions.seen([withSecret, file('global_defs {\n}\n', '/etc/keepalived/more.conf')])
    expect(versions.list({ limit: 10 }).map(({ path, kept }) => [path.split('/').at(-1), kept])).toEqual([
      ['more.conf', 'whole'],
      ['keepalived.conf', 'masked'],
    ])
    const hash = sha256Of(withSecret.bytes)
    expect(await again().bytes(hash), 'another process has no way to the password').toBeNull()
    expect(await versions.bytes(hash), 'this one still holds it').toEqual(withSecret.bytes)
    const [, masked] = versions.list({ limit: 10 })
    const { bytes } = await versions.text(masked?.id ?? 0)
    expect(bytes.toString()).toContain('auth_pass ***')
    expect(bytes.toString()).not.toContain(secret)
    expect(liesIn(folder, secret)).toBe(false)

    await vault.unlock('open sesame and more')
    await versions.seen([withSecret])
    expect(versions.list({ limit: 10 }).map(({ kept }) => kept)).toEqual(['whole', 'whole'])
    expect(await again().bytes(hash)).toEqual(withSecret.bytes)
  })

  it('a push leaves its name, and versions cannot be rewritten', async () => {
    const { versions, store } = setUp()
    await versions.pushed(withSecret, { author: 'mk (cli)', reason: 'new password', push: 'p1' as PushId })
    await versions.seen([withSecret])
    expect(versions.list({ limit: 10 })).toMatchObject([{ source: 'pushed', author: 'mk (cli)', push: 'p1' }])
    expect(() => versions.get(99)).toThrow('There is no version 99')
    expect(store.versions.list({ limit: 10, node: 'lb2' as NodeId })).toEqual([])
  })
})
