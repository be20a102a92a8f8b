/*
 * Which host keys may be used.
 *
 * Model: a key is trusted when this console's own list or a known_hosts file has exactly this key for exactly this host and port.
 * A host with any other key on record is a mismatch, whatever the key's type: looking keys up by type would let an attacker who offers
 * another type pass as merely unknown. `@revoked` beats everything. Certificates are not checked (ssh2 1.17 cannot); a host known only
 * by `@cert-authority` is `unsupported`, never trusted. Files are read again for every verdict: they are small, and `ssh` changes them.
 */
import type { HostKeyPolicy, HostKeyVerdict, TrustedKeys } from '../../app/ports/ssh.ts'
import { fingerprintOf, isLineFor, type KnownHostLine, keyTypeOf, parseKnownHosts } from './known-hosts.ts'
import type { ReadText } from './text-file.ts'

interface Records {
  trusted: { key: Buffer; source: string }[]
  lines: KnownHostLine[]
}

export function createHostKeyPolicy(parts: {
  trusted: TrustedKeys
  /** absolute paths; missing files are fine */
  knownHostsFiles: readonly string[]
  readFile: ReadText
}): HostKeyPolicy {
  const recordsFor = async (host: string, port: number, knownHostsFile: string | null): Promise<Records> => {
    const trusted = parts.trusted
      .list()
      .filter((entry) => entry.host.toLowerCase() === host.toLowerCase() && entry.port === port)
      .map((entry) => ({ key: entry.key, source: `trusted in this console by ${entry.trustedBy}` }))
    const lines: KnownHostLine[] = []
    for (const file of new Set([...(knownHostsFile === null ? [] : [knownHostsFile]), ...parts.knownHostsFiles])) {
      const text = await parts.readFile(file)
      if (text !== null) lines.push(...parseKnownHosts(text, file).filter((line) => isLineFor(line, host, port)))
    }
    return { trusted, lines }
  }

  return {
    async judge({ host, port, key, knownHostsFile }) {
      return verdictOn(key, await recordsFor(host, port, knownHostsFile))
    },
    async knownTypes({ host, port, knownHostsFile }) {
      const { trusted, lines } = await recordsFor(host, port, knownHostsFile)
      const plain = lines.filter((line) => line.marker === 'none').map((line) => line.keyType)
      return [...new Set([...trusted.map((entry) => keyTypeOf(entry.key)), ...plain])]
    },
  }
}

function verdictOn(key: Buffer, { trusted, lines }: Records): HostKeyVerdict {
  const revoked = lines.find((line) => line.marker === 'revoked' && line.key.equals(key))
  if (revoked !== undefined) return { kind: 'revoked', source: revoked.source }

  const onRecord = [...trusted, ...lines.filter((line) => line.marker === 'none')]
  const match = onRecord.find((entry) => entry.key.equals(key))
  if (match !== undefined) return { kind: 'trusted', source: match.source }
  if (onRecord.length > 0) {
    return {
      kind: 'mismatch',
      expected: onRecord.map((entry) => ({ fingerprint: fingerprintOf(entry.key), source: entry.source })),
    }
  }

  const authority = lines.find((line) => line.marker === 'cert-authority')
  if (authority === undefined) return { kind: 'unknown' }
  return {
    kind: 'unsupported',
    source: authority.source,
    why: 'the host is known only by a certificate authority (@cert-authority), and this console compares plain host keys',
  }
}
