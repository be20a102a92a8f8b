import type { HostKeyDetails } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { HostKeyPolicy, HostKeyVerdict } from '../../app/ports/ssh.ts'
import { fingerprintOf, keyTypeOf } from './known-hosts.ts'
import type { Hop } from './resolve-target.ts'

/** Asks the policy about a key that a hop offers. null: it may be used. `index` counts hops from 0; `hops` is the whole chain. */
export async function checkHostKey(
  policy: HostKeyPolicy,
  hops: readonly Hop[],
  index: number,
  key: Buffer,
): Promise<AppError | null> {
  const hop = hops[index]
  if (hop === undefined) throw new RangeError(`no hop ${index} in a chain of ${hops.length}`)
  const verdict = await policy.judge({ host: hop.keyHost, port: hop.keyPort, key, knownHostsFile: hop.knownHostsFile })
  if (verdict.kind === 'trusted') return null
  const details = {
    host: hop.keyHost,
    port: hop.keyPort,
    hop: index,
    keyType: keyTypeOf(key),
    fingerprint: fingerprintOf(key),
    key: key.toString('base64'),
    expected: verdict.kind === 'mismatch' ? verdict.expected.map((each) => each.fingerprint) : [],
  } satisfies HostKeyDetails
  const node = hops[hops.length - 1]
  const who = `${hop.keyHost}, port ${hop.keyPort}${hop.isNode || node === undefined ? '' : `, the jump host on the way to ${node.host},`}`
  return new AppError(codes[verdict.kind], sentence(verdict, who, details), { details })
}

const codes = {
  unknown: 'ssh.host-key-unknown',
  mismatch: 'ssh.host-key-mismatch',
  revoked: 'ssh.host-key-revoked',
  unsupported: 'ssh.host-key-unsupported',
} as const

function sentence(verdict: Exclude<HostKeyVerdict, { kind: 'trusted' }>, who: string, offered: HostKeyDetails): string {
  const key = `${offered.keyType} ${offered.fingerprint}`
  switch (verdict.kind) {
    case 'unknown':
      return `The host key of ${who} is not known: ${key}. Compare it with the host itself (ssh-keygen -lf on its public host key), then trust it.`
    case 'mismatch': {
      const expected = verdict.expected.map((each) => `${each.fingerprint} (${each.source})`).join(', ')
      return (
        `The host key of ${who} has changed: it offers ${key}, expected is ${expected}. ` +
        'Somebody may be in between, or the host was set up anew: find out which. If it was set up anew, compare the offered key with the host itself (ssh-keygen -lf on its public host key), remove the expected one, and only then trust the offered one.'
      )
    }
    case 'revoked':
      return `The host key of ${who} was revoked at ${verdict.source}: ${key}. Do not use this host before it has a new key.`
    case 'unsupported':
      return `The host key of ${who} cannot be checked: ${verdict.why} (${verdict.source}). It offers ${key}; compare it with the host itself, then trust it.`
  }
}
