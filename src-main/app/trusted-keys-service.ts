import { createHash } from 'node:crypto'
import type { TrustedKey } from '#contract'
import { AppError } from './app-error.ts'
import type { HistoryService } from './history-service.ts'
import type { Clock } from './ports/clock.ts'
import type { HostKeyRepo } from './ports/store.ts'

export interface TrustedKeysService {
  list(): TrustedKey[]
  trust(entry: { host: string; port: number; key: string; fingerprint: string }, by: string): void
  forget(entry: { host: string; port: number; fingerprint: string }): void
}

/** Host keys the operator trusted here. `onTrusted` lets nodes that were refused for their key be dialled again. */
export function createTrustedKeysService(parts: {
  repo: HostKeyRepo
  history: HistoryService
  clock: Clock
  onTrusted: () => void
}): TrustedKeysService {
  const { repo, history, clock, onTrusted } = parts
  return {
    list: () =>
      repo.list().map(({ host, port, key, trustedAt, trustedBy }) => ({
        host,
        port,
        keyType: keyTypeOf(key) ?? 'unknown',
        fingerprint: fingerprintOf(key),
        trustedAt,
        trustedBy,
      })),
    trust({ host, port, key: base64, fingerprint }, by) {
      const key = Buffer.from(base64, 'base64')
      const keyType = keyTypeOf(key)
      if (keyType === null)
        throw new AppError('request.invalid', `What was given for ${host} port ${port} is not an SSH public key.`)
      // The operator agreed to the fingerprint that was shown; a key that has another one was not agreed to.
      if (fingerprintOf(key) !== fingerprint) {
        throw new AppError('request.invalid', `The key of ${host} port ${port} has another fingerprint than ${fingerprint}.`)
      }
      const at = clock.now()
      repo.trust({ host, port, key, trustedAt: at, trustedBy: by })
      const data = { host, port, keyType, fingerprint, by }
      history.append([{ at, kind: 'host-key.trusted', nodeId: null, subject: `${host}:${port}`, data }])
      onTrusted()
    },
    forget({ host, port, fingerprint }) {
      if (repo.forget({ host, port, fingerprint })) return
      throw new AppError('request.not-found', `No key ${fingerprint} is trusted for ${host} port ${port}.`)
    },
  }
}

/** `SHA256:…` without padding, as `ssh-keygen -lf` prints it (OpenSSH 9.2) */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** RFC 4253 6.6: a public key blob begins with its type as a length-prefixed string. */
function keyTypeOf(key: Buffer): string | null {
  if (key.length < 4) return null
  const length = key.readUInt32BE(0)
  if (length === 0 || length > 64 || key.length <= 4 + length) return null
  const type = key.toString('latin1', 4, 4 + length)
  return /^[a-z0-9@.-]+$/.test(type) ? type : null
}
