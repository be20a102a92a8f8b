import { canonicalAddress } from '../net/ip-address.ts'

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  return crc
})

/** CRC-32 as in zlib; nginx's `hash`. `before`: of the bytes that come before these. */
export function crc32(bytes: Iterable<number>, before = 0): number {
  let crc = before ^ 0xffffffff
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** HAProxy's default hash of a text (`hash-type … sdbm`). */
export function sdbm(bytes: Iterable<number>): number {
  let hash = 0
  for (const byte of bytes) hash = (byte + (hash << 6) + (hash << 16) - hash) >>> 0
  return hash
}

/** Bob Jenkins' full avalanche, every bit of the input to every bit of the output, spread by a large prime; HAProxy's `avalanche`. */
export function avalanche(value: number): number {
  let a = value | 0
  a = (a + 0x7ed55d16 + (a << 12)) | 0
  a = a ^ 0xc761c23c ^ (a >>> 19)
  a = (a + 0x165667b1 + (a << 5)) | 0
  a = (a + 0xd3a2646c) ^ (a << 9)
  a = (a + 0xfd7046c5 + (a << 3)) | 0
  a = a ^ 0xb55a4f09 ^ (a >>> 16)
  return Math.imul(a, 3221225473) >>> 0
}

export function utf8(text: string): number[] {
  return [...text].flatMap((character) => {
    const code = character.codePointAt(0) ?? 0
    const tail = (shift: number): number => 0x80 | ((code >> shift) & 63)
    if (code < 0x80) return [code]
    if (code < 0x800) return [0xc0 | (code >> 6), tail(0)]
    if (code < 0x10000) return [0xe0 | (code >> 12), tail(6), tail(0)]
    return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)]
  })
}

/** 4 or 16 bytes in network order; four zeros for what is no address (a unix socket's client). */
export function addressBytes(text: string): number[] {
  const address = canonicalAddress(text) ?? '0.0.0.0'
  if (!address.includes(':')) return address.split('.').map(Number)
  return address.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
}
