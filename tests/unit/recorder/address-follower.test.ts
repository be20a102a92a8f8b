import { describe, expect, it } from 'vitest'
import type { AddressSighting } from '../../../src-main/app/ports/recorder.ts'
import { createAddressFollower } from '../../../src-main/recorder/address-follower.ts'
import { parseNetlink } from '../../../src-main/recorder/parse-netlink.ts'

// As a kernel (6.18, x86_64) sent them.
const listedAddresses =
  '500000001400020001000000a2700000021880000300000008000100c612c80108000200c612c801090003006574683000000000080008008000000014000600ffffffffffffffff06c13c0006c13c00' +
  '500000001400020001000000a27000000a40c0fd0200000014000100fe80000000000000883fdefffe52135514000600ffffffffffffffff06c13c0006c13c0008000800c000000005000b0003000000'
const listedNeighbours =
  '4c0000001c00020002000000a270000002000000030000000200000108000100c612c8090a000200020000000001000008000400000000001400030053000000530000005300000001000000'
const end = '140000000300020001000000a270000000000000'
const gained =
  '500000001400000072ec036b67730000021881000300000008000100c612c86408000200c612c864090003006574683000000000080008008100000014000600ffffffffffffffff7bc13c007bc13c00'
const lost =
  '500000001500000072ec036b31740000021881000300000008000100c612c86408000200c612c864090003006574683000000000080008008100000014000600ffffffffffffffff7bc13c007bc13c00'
const tentative =
  '480000001400000000000000000000000a40c0000300000014000100fd00000000000000000000000000000114000600ffffffffffffffffbec13c00bec13c0008000800c0000000'
const inUse =
  '480000001400000000000000000000000a4082000300000014000100fd00000000000000000000000000000214000600ffffffffffffffffdec13c00dec13c000800080082000000'
const moved =
  '4c0000001c00000000000000be75000002000000030000000400000108000100c612c8090a000200020000000002000008000400000000001400030070170000f60000000000000001000000'
/** IFA index, at byte 20 of the message, names another device */
const onAnotherDevice = (message: string): string => `${message.slice(0, 40)}02000000${message.slice(48)}`

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

function follow(addresses: string[], ...messages: string[]) {
  const seen: AddressSighting[] = []
  const follower = createAddressFollower(addresses, (sighting) => seen.push(sighting))
  const answers = messages.map((message, at) => follower.note(at, hex(message)))
  return { seen, answers }
}

describe('what a kernel says of addresses', () => {
  it('is who has one as the watch begins, who gets it and who loses it', () => {
    expect(follow(['198.18.200.1', '198.18.200.100'], listedAddresses, end, gained, lost)).toEqual({
      seen: [
        { at: 0, address: '198.18.200.1', kind: 'held', lladdr: null },
        { at: 2, address: '198.18.200.100', kind: 'gained', lladdr: null },
        { at: 3, address: '198.18.200.100', kind: 'lost', lladdr: null },
      ],
      answers: [0, 1, 0, 0],
    })
  })

  it('is told once: on two devices, it is lost with the second', () => {
    const { seen } = follow(['198.18.200.100'], gained, gained, onAnotherDevice(gained), lost, lost, onAnotherDevice(lost))
    expect(seen.map(({ at, kind }) => [at, kind])).toEqual([
      [0, 'gained'],
      [5, 'lost'],
    ])
  })

  it('counts an IPv6 address once it is in use, however it is written', () => {
    const { seen } = follow(['fd00:0::0001', 'FD00:0:0::2'], tentative, inUse)
    expect(seen).toEqual([{ at: 1, address: 'FD00:0:0::2', kind: 'gained', lladdr: null }])
  })

  it('is where a neighbour thinks an address is, when that changes', () => {
    const { seen } = follow(['198.18.200.9'], listedNeighbours, end, moved, moved)
    expect(seen).toEqual([{ at: 2, address: '198.18.200.9', kind: 'announced', lladdr: '02:00:00:00:00:02' }])
  })

  it('that is cut short is an error, not a guess', () => {
    expect(parseNetlink(hex(`${gained}${end}`)).map(({ kind }) => kind)).toEqual(['address', 'done'])
    expect(() => parseNetlink(hex(gained.slice(0, -8)))).toThrow(/malformed at 0/)
    expect(() => parseNetlink(Buffer.alloc(32))).toThrow(/malformed/)
  })
})
