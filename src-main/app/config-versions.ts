/*
 * Every version of every configuration file that was seen or pushed. Security model: files hold passwords, and the database is a file that
 * gets copied about. So contents are sealed (AES-256-GCM, bound to their hash) under a key of their own, which the vault keeps as it keeps a
 * node's password; when the vault changes its key, only that one is sealed anew. Where the vault cannot be used (locked, or no key), a
 * content with passwords is kept with these masked: it can be looked at and not be put back, until the same content is seen again with the
 * vault open. The hash of the true bytes is kept in any case; whoever has it and the masked text can try out passwords against it.
 * Only what `maskSecrets` knows as a password counts as one; a content without any is then kept as it is.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { isUtf8 } from 'node:buffer'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { ConfigVersion, NodeId, PushId, ServiceKind } from '#contract'
import { maskSecrets } from '../domain/config-text/mask-secrets.ts'
import { AppError, appErrorFrom } from './app-error.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { StoredContent, VersionRepo } from './ports/store.ts'
import type { Vault } from './ports/vault.ts'

export interface FileOnNode {
  nodeId: NodeId
  kind: ServiceKind
  path: string
  bytes: Buffer
}

export interface ConfigVersions {
  /** Keeps what was found on a node, if it is new. Never throws: that something was read does not depend on it. */
  seen(files: readonly FileOnNode[]): Promise<void>
  /** Keeps what is to be put on a node, so that it can be carried on with and taken back. */
  keep(file: FileOnNode): Promise<void>
  /** Keeps what a push has put on a node, under its name. */
  pushed(file: FileOnNode, by: { author: string; reason: string; push: PushId }): Promise<void>
  /** The true bytes; null when they are not known, or were kept without their passwords, or the vault is closed. */
  bytes(sha256: string): Promise<Buffer | null>
  list: VersionRepo['list']
  /** @throws AppError `request.not-found` */
  get(id: number): ConfigVersion
  /** As it is kept, be it with masks. @throws AppError `request.not-found`, `vault.locked`, `vault.decrypt-failed` */
  text(id: number): Promise<{ version: ConfigVersion; bytes: Buffer }>
}

/** no node can be called that */
export const contentKeyOwner = 'config versions'
const nonceBytes = 12
const tagBytes = 16
/** contents of this process whose passwords the database may not hold; enough for the files of a push */
const heldAtMost = 500

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export function createConfigVersions(parts: {
  repo: VersionRepo
  vault: Vault
  isDriver: () => boolean
  clock: Clock
  log: Log
}): ConfigVersions {
  const { repo, vault, isDriver, clock, log } = parts
  const held = new Map<string, Buffer>()
  let newKey: Promise<Buffer> | null = null

  async function key(): Promise<Buffer> {
    const stored = await vault.get(contentKeyOwner, 'passphrase')
    if (stored !== null) return Buffer.from(stored, 'base64')
    // two contents may be the first at once
    newKey ??= (async () => {
      const made = randomBytes(32)
      await vault.put(contentKeyOwner, 'passphrase', made.toString('base64'))
      return made
    })().finally(() => (newKey = null))
    return newKey
  }

  async function contentFrom({ kind, bytes }: FileOnNode): Promise<StoredContent> {
    const sha256 = sha256Of(bytes)
    const stored = repo.content(sha256)
    if (stored !== null && stored.form !== 'masked') return stored
    try {
      return { sha256, form: 'sealed', body: seal(await key(), deflateRawSync(bytes), sha256), bytes: bytes.length }
    } catch (thrown) {
      const { code } = appErrorFrom(thrown)
      if (!code.startsWith('vault.')) throw thrown
      hold(sha256, bytes)
      const text = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
      const { masked, text: shown } = maskSecrets(kind, text, () => '')
      const body = deflateRawSync(masked === 0 ? bytes : Buffer.from(shown, isUtf8(bytes) ? 'utf8' : 'latin1'))
      return { sha256, form: masked === 0 ? 'plain' : 'masked', body, bytes: bytes.length }
    }
  }

  function hold(sha256: string, bytes: Buffer): void {
    held.delete(sha256)
    held.set(sha256, bytes)
    for (const oldest of held.keys()) {
      if (held.size <= heldAtMost) break
      held.delete(oldest)
    }
  }

  async function open({ sha256, form, body }: StoredContent): Promise<Buffer> {
    return inflateRawSync(form === 'sealed' ? unseal(await key(), body, sha256) : body)
  }

  function get(id: number): ConfigVersion {
    const version = repo.get(id)
    if (version === null) throw new AppError('request.not-found', `There is no version ${id}; "config versions" lists them.`)
    return version
  }

  return {
    async seen(files) {
      if (!isDriver()) return
      try {
        for (const file of files) {
          const { nodeId, kind, path } = file
          const version = {
            nodeId,
            kind,
            path,
            at: clock.now(),
            source: 'seen',
            author: null,
            reason: null,
            push: null,
          } as const
          repo.add(version, await contentFrom(file))
        }
      } catch (thrown) {
        const { code, message } = appErrorFrom(thrown)
        log.error('versions of configuration files were not kept', { code, error: message })
      }
    },
    async keep(file) {
      repo.keep(await contentFrom(file))
    },
    async pushed(file, by) {
      const { nodeId, kind, path } = file
      repo.add({ nodeId, kind, path, at: clock.now(), source: 'pushed', ...by }, await contentFrom(file))
    },
    async bytes(sha256) {
      const stored = repo.content(sha256)
      if (stored === null || stored.form === 'masked') return held.get(sha256) ?? null
      try {
        return await open(stored)
      } catch (thrown) {
        if (appErrorFrom(thrown).code.startsWith('vault.')) return held.get(sha256) ?? null
        throw thrown
      }
    },
    list: (query) => repo.list(query),
    get,
    async text(id) {
      const version = get(id)
      const stored = repo.content(version.sha256)
      if (stored === null) throw new AppError('store.corrupt', `The content of version ${id} is missing from the database.`)
      return { version, bytes: await open(stored) }
    },
  }
}

function seal(key: Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

function unseal(key: Buffer, sealed: Uint8Array, context: string): Buffer {
  const bytes = Buffer.from(sealed)
  const tag = bytes.subarray(nonceBytes, nonceBytes + tagBytes)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()])
  } catch (cause) {
    throw new AppError(
      'vault.decrypt-failed',
      'A kept version of a configuration file does not open: it was sealed under another key, or changed since.',
      { cause },
    )
  }
}
