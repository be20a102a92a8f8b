import type { HostKeyDetails, NodeView } from '#contract'

export interface OfferedKey {
  kind: 'unknown' | 'changed'
  details: HostKeyDetails
}

/** The host key that a failed connection was about; null when it failed for another reason or the details are not complete. */
export function hostKeyFrom({ code, details }: NonNullable<NodeView['connection']['error']>): OfferedKey | null {
  if (code !== 'ssh.host-key-unknown' && code !== 'ssh.host-key-mismatch') return null
  const { host, port, hop, keyType, fingerprint, key, expected } = details
  if (typeof host !== 'string' || typeof port !== 'number' || typeof fingerprint !== 'string' || typeof key !== 'string')
    return null
  return {
    kind: code === 'ssh.host-key-unknown' ? 'unknown' : 'changed',
    details: {
      host,
      port,
      fingerprint,
      key,
      hop: typeof hop === 'number' ? hop : 0,
      keyType: typeof keyType === 'string' ? keyType : '',
      expected: Array.isArray(expected) ? expected.filter((one) => typeof one === 'string') : [],
    },
  }
}

/** How known_hosts names a host: `[host]:port` unless the port is 22. */
export const knownHostsName = ({ host, port }: Pick<HostKeyDetails, 'host' | 'port'>): string =>
  port === 22 || host.startsWith('[') ? host : `[${host}]:${port}`
