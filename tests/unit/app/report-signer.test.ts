import { expect, test } from 'vitest'
import { AppError } from '../../../src-main/app/app-error.ts'
import type { Vault } from '../../../src-main/app/ports/vault.ts'
import { createReportSigner, isSignedBy } from '../../../src-main/app/report-signer.ts'
import { silentLog } from '../../contract/silent-log.ts'

function fakeVault(locked = false) {
  const kept = new Map<string, string>()
  const get = async (owner: string): Promise<string | null> => {
    if (locked) throw new AppError('vault.locked', 'The vault is locked.')
    return kept.get(owner) ?? null
  }
  const put = async (owner: string, _kind: string, value: string): Promise<void> => void kept.set(owner, value)
  return { get, put, kept } as unknown as Vault & { kept: Map<string, string> }
}

test('a report is signed with one key, which is kept, and one that was changed is none of its reports', async () => {
  const vault = fakeVault()
  const signer = createReportSigner({ vault, log: silentLog })
  const [one, other] = await Promise.all([signer.sign('a report'), signer.sign('another')])
  if (one === null || other === null) expect.fail('not signed')
  expect(other.publicKey, 'also when two are the first at once').toBe(one.publicKey)
  expect(vault.kept.size).toBe(1)
  expect(isSignedBy('a report', one)).toBe(true)
  expect(isSignedBy('a report ', one)).toBe(false)
  expect(isSignedBy('a report', other)).toBe(false)
  const later = await createReportSigner({ vault, log: silentLog }).sign('a report')
  expect(later?.publicKey, 'after a restart').toBe(one.publicKey)
  const stranger = await createReportSigner({ vault: fakeVault(), log: silentLog }).sign('a report')
  expect(isSignedBy('a report', { ...one, publicKey: stranger?.publicKey ?? '' })).toBe(false)
  for (const publicKey of ['', 'AAAA', 'not base64 at all', one.signature])
    expect(isSignedBy('a report', { ...one, publicKey })).toBe(false)
})

test('with a locked vault it is not signed, and nothing fails', async () => {
  expect(await createReportSigner({ vault: fakeVault(true), log: silentLog }).sign('a report')).toBeNull()
})
