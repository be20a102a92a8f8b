import { addressBytes, sdbm, utf8 } from './hash-functions.ts'

/** `balance source` hashes an address; `uri` (up to its `?`), `hdr(…)`, `url_param` hash a text. */
export type HaproxyKey = 'address' | 'text'

/** With the default hash function; the words of an IPv6 address are folded together. */
export function hashHaproxyKey(kind: HaproxyKey, key: string): number {
  if (kind === 'text') return sdbm(utf8(key))
  const view = new DataView(Uint8Array.from(addressBytes(key)).buffer)
  let hash = 0
  for (let at = 0; at < view.byteLength; at += 4) hash ^= view.getUint32(at)
  return hash >>> 0
}
