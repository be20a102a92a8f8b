/*
 * Messages of the kernel's routing socket (rtnetlink(7); the numbers are those of linux/rtnetlink.h and linux/neighbour.h), little-endian,
 * as all machines are that this is likely to meet: on others the first length is senseless, and that is an error.
 */
import { SocketAddress } from 'node:net'

export type KernelWord =
  /** `listed`: an answer to a question, not news */
  | { kind: 'address'; has: boolean; address: string; device: number; listed: boolean }
  | { kind: 'neighbour'; address: string; lladdr: string; listed: boolean }
  /** the end of an answer */
  | { kind: 'done' }

const done = 3
const newAddress = 20
const goneAddress = 21
const newNeighbour = 28
const multipart = 0x2
const [headerBytes, addressBytes, neighbourBytes] = [16, 8, 12]
const attribute = { address: 1, local: 2, flags: 8, linkLayer: 2 }
/** IFA_F_TENTATIVE, IFA_F_DADFAILED: an IPv6 address that is not in use, or not yet */
const notInUse = 0x40 | 0x08

export function parseNetlink(bytes: Buffer): KernelWord[] {
  const words: KernelWord[] = []
  for (let at = 0; at + headerBytes <= bytes.length;) {
    const length = bytes.readUInt32LE(at)
    if (length < headerBytes || at + length > bytes.length) {
      throw new Error(`The kernel's message of ${bytes.length} bytes is malformed at ${at}.`)
    }
    const word = parseMessage(
      bytes.readUInt16LE(at + 4),
      bytes.readUInt16LE(at + 6),
      bytes.subarray(at + headerBytes, at + length),
    )
    if (word !== null) words.push(word)
    at += padded(length)
  }
  return words
}

/** One writing for each address, the one that `parseNetlink` uses. */
export const canonicalAddress = (address: string): string =>
  new SocketAddress({ address, family: address.includes(':') ? 'ipv6' : 'ipv4' }).address

function parseMessage(type: number, flags: number, body: Buffer): KernelWord | null {
  const listed = (flags & multipart) !== 0
  if (type === done) return { kind: 'done' }
  if (type === newAddress || type === goneAddress) {
    const attributes = attributesOf(body.subarray(addressBytes))
    const address = attributes.get(attribute.local) ?? attributes.get(attribute.address)
    const state = attributes.get(attribute.flags)?.readUInt32LE(0) ?? body.readUInt8(2)
    if (address === undefined || (type === newAddress && (state & notInUse) !== 0)) return null
    return { kind: 'address', has: type === newAddress, address: text(address), device: body.readUInt32LE(4), listed }
  }
  if (type !== newNeighbour) return null
  const attributes = attributesOf(body.subarray(neighbourBytes))
  const address = attributes.get(attribute.address)
  const lladdr = attributes.get(attribute.linkLayer)
  // bridges tell of neighbours without an address
  if (address === undefined || lladdr === undefined || lladdr.length !== 6) return null
  return { kind: 'neighbour', address: text(address), lladdr: lladdr.toString('hex').replace(/(..)(?=.)/g, '$1:'), listed }
}

function attributesOf(bytes: Buffer): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at)
    if (length < 4) break
    attributes.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length))
    at += padded(length)
  }
  return attributes
}

const padded = (length: number): number => (length + 3) & ~3

function text(address: Buffer): string {
  if (address.length === 4) return address.join('.')
  return canonicalAddress(address.toString('hex').replace(/(....)(?=.)/g, '$1:'))
}
