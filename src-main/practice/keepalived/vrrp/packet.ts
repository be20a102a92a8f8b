/** VRRP advertisements as they are on the wire: an IPv4 datagram of protocol 112 (RFC 3768 for version 2, RFC 5798 for version 3). */

export const multicastGroup = '224.0.0.18'
const vrrpProtocol = 112
/** authentication type 1, `PASS`: eight bytes in clear */
export const authPass = 1

export interface Advert {
  version: 2 | 3
  vrid: number
  priority: number
  /** version 2 knows whole seconds, version 3 hundredths of a second, at most 40.95 s */
  advertIntMs: number
  addresses: string[]
  /** version 2 only; null: none */
  password: string | null
}

export interface Datagram {
  source: string
  destination: string
  ttl: number
  /** the VRRP packet in it */
  payload: Buffer
}

const ipHeaderBytes = 20
const vrrpHeaderBytes = 8
const authBytes = 8

export function encodeAdvert(advert: Advert, source: string, destination: string): Buffer {
  const { version, addresses } = advert
  const payload = Buffer.alloc(vrrpHeaderBytes + 4 * addresses.length + (version === 2 ? authBytes : 0))
  payload.writeUInt8((version << 4) | 1, 0)
  payload.writeUInt8(advert.vrid, 1)
  payload.writeUInt8(advert.priority, 2)
  payload.writeUInt8(addresses.length, 3)
  if (version === 2) {
    payload.writeUInt8(advert.password === null ? 0 : authPass, 4)
    payload.writeUInt8(Math.round(advert.advertIntMs / 1000), 5)
    payload.write(advert.password ?? '', vrrpHeaderBytes + 4 * addresses.length, authBytes, 'latin1')
  } else payload.writeUInt16BE(Math.round(advert.advertIntMs / 10), 4)
  for (const [index, address] of addresses.entries()) payload.set(bytesOf(address), vrrpHeaderBytes + 4 * index)
  payload.writeUInt16BE(checksumOf(payload, version, source, destination), 6)
  return Buffer.concat([ipHeader(payload.length, source, destination), payload])
}

function ipHeader(payloadBytes: number, source: string, destination: string): Buffer {
  const header = Buffer.alloc(ipHeaderBytes)
  header.writeUInt8(0x45, 0)
  header.writeUInt8(0xc0, 1) // TOS: internetwork control
  header.writeUInt16BE(ipHeaderBytes + payloadBytes, 2)
  header.writeUInt8(255, 8)
  header.writeUInt8(vrrpProtocol, 9)
  header.set(bytesOf(source), 12)
  header.set(bytesOf(destination), 16)
  header.writeUInt16BE(onesComplement([header]), 10)
  return header
}

/** Null: not an IPv4 datagram with a VRRP packet. */
export function decodeDatagram(bytes: Buffer): Datagram | null {
  if (bytes.length < ipHeaderBytes + vrrpHeaderBytes || bytes[0] !== 0x45 || bytes[9] !== vrrpProtocol) return null
  return {
    source: bytes.subarray(12, 16).join('.'),
    destination: bytes.subarray(16, 20).join('.'),
    ttl: bytes.readUInt8(8),
    payload: bytes.subarray(ipHeaderBytes),
  }
}

/** A packet whose length fits what it says of itself; see `isIntact`. */
export function decodeAdvert(payload: Buffer): Advert & { type: number; authType: number } {
  const version = payload.readUInt8(0) >> 4 === 3 ? 3 : 2
  const count = Math.min(payload.readUInt8(3), Math.floor((payload.length - vrrpHeaderBytes) / 4))
  const end = vrrpHeaderBytes + 4 * count
  const authType = version === 2 ? payload.readUInt8(4) : 0
  return {
    version,
    type: payload.readUInt8(0) & 0x0f,
    vrid: payload.readUInt8(1),
    priority: payload.readUInt8(2),
    advertIntMs: version === 2 ? payload.readUInt8(5) * 1000 : (payload.readUInt16BE(4) & 0x0fff) * 10,
    addresses: Array.from({ length: count }, (_, index) =>
      payload.subarray(vrrpHeaderBytes + 4 * index, vrrpHeaderBytes + 4 * index + 4).join('.'),
    ),
    authType,
    password:
      authType === authPass
        ? payload
            .subarray(end, end + authBytes)
            .toString('latin1')
            .replace(/\0+$/, '')
        : null,
  }
}

export const advertBytes = (version: 2 | 3, addressCount: number): number =>
  vrrpHeaderBytes + 4 * addressCount + (version === 2 ? authBytes : 0)

export const checksumHolds = ({ payload, source, destination }: Datagram, version: 2 | 3): boolean =>
  checksumOf(payload, version, source, destination) === 0

/** Version 3 also covers a pseudo header of the datagram's addresses (RFC 5798 section 5.2.8). Over an intact packet it is 0. */
function checksumOf(payload: Buffer, version: 2 | 3, source: string, destination: string): number {
  if (version === 2) return onesComplement([payload])
  const pseudo = Buffer.alloc(12)
  pseudo.set(bytesOf(source), 0)
  pseudo.set(bytesOf(destination), 4)
  pseudo.writeUInt16BE(vrrpProtocol, 8)
  pseudo.writeUInt16BE(payload.length, 10)
  return onesComplement([pseudo, payload])
}

/** The Internet checksum (RFC 1071). */
function onesComplement(parts: readonly Buffer[]): number {
  let sum = 0
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

const bytesOf = (address: string): number[] => address.split('.').map(Number)

/** As 32-bit numbers: negative, zero or positive. */
export function compareAddresses(one: string, other: string): number {
  return Buffer.compare(Buffer.from(bytesOf(one)), Buffer.from(bytesOf(other)))
}
