/*
 * Reports are signed (Ed25519, RFC 8032) with a key that this console makes for itself and keeps in its vault, so that whoever was given the public
 * half can tell a report of this console from one that was edited on its way. The hash in the history alone tells only those who have the history.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import type { ReportSignature } from '#contract'
import { appErrorFrom } from './app-error.ts'
import type { Log } from './ports/log.ts'
import type { Vault } from './ports/vault.ts'

export interface ReportSigner {
  /** null: the vault is locked, or there is none; then a report is only hashed */
  sign(text: string): Promise<ReportSignature | null>
}

/** no node can be called that */
export const reportKeyOwner = 'drill reports'

export function createReportSigner({ vault, log }: { vault: Vault; log: Log }): ReportSigner {
  let making: Promise<KeyObject> | null = null

  async function key(): Promise<KeyObject> {
    const stored = await vault.get(reportKeyOwner, 'passphrase')
    if (stored !== null) return createPrivateKey(stored)
    // two reports may be the first at once
    making ??= (async () => {
      const { privateKey } = generateKeyPairSync('ed25519')
      await vault.put(reportKeyOwner, 'passphrase', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
      return privateKey
    })().finally(() => (making = null))
    return making
  }

  return {
    async sign(text) {
      try {
        const own = await key()
        const publicKey = createPublicKey(own).export({ type: 'spki', format: 'der' }).toString('base64')
        return { publicKey, signature: sign(null, Buffer.from(text), own).toString('base64') }
      } catch (thrown) {
        const { code, message } = appErrorFrom(thrown)
        if (!code.startsWith('vault.')) throw thrown
        log.warn('a report was not signed', { error: message })
        return null
      }
    },
  }
}

/** Whether the text is what was signed with the private half of this key. False as well for what is no key and no signature. */
export function isSignedBy(text: string, { publicKey, signature }: ReportSignature): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), type: 'spki', format: 'der' })
    return key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}
