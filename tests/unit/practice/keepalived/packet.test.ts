import { expect, it } from 'vitest'
import {
  checksumHolds,
  decodeAdvert,
  decodeDatagram,
  encodeAdvert,
  type Advert,
} from '../../../../src-main/practice/keepalived/vrrp/packet.ts'

const advert: Advert = {
  version: 2,
  vrid: 51,
  priority: 150,
  advertIntMs: 1000,
  addresses: ['198.18.7.100'],
  password: 'labpass1',
}

// Payloads that tcpdump saw keepalived 2.2.7 send with these settings.
const recordedVersion2 = '213396010101d6dcc61207646c61627061737331'
const recordedVersion3 = '313396010032bd7fc6120764'

it('version 2 is what the real one sends', () => {
  const datagram = decodeDatagram(encodeAdvert(advert, '198.18.7.1', '224.0.0.18'))
  expect(datagram).toMatchObject({ source: '198.18.7.1', destination: '224.0.0.18', ttl: 255 })
  expect(datagram?.payload.toString('hex')).toBe(recordedVersion2)
})

it('version 3 covers the addresses of its datagram with its checksum', () => {
  const bytes = encodeAdvert({ ...advert, version: 3, advertIntMs: 500, password: null }, '198.18.7.1', '224.0.0.18')
  const datagram = decodeDatagram(bytes) ?? expect.fail('it is none')
  expect(datagram.payload.toString('hex')).toBe(recordedVersion3)
  expect(checksumHolds(datagram, 3)).toBe(true)
  expect(checksumHolds({ ...datagram, source: '198.18.7.2' }, 3)).toBe(false)
})

it.each<Partial<Advert>>([
  {},
  { priority: 0, addresses: ['198.18.7.100', '198.18.7.101'] },
  { version: 3, advertIntMs: 40_950, password: null },
  { password: null, addresses: [] },
])('what is written is read: %j', (change) => {
  const written = { ...advert, ...change }
  const datagram = decodeDatagram(encodeAdvert(written, '198.18.7.1', '198.18.7.2')) ?? expect.fail('it is none')
  expect(checksumHolds(datagram, written.version)).toBe(true)
  expect(decodeAdvert(datagram.payload)).toMatchObject(written)
})

it('what is no VRRP is none', () => {
  const bytes = encodeAdvert(advert, '198.18.7.1', '224.0.0.18')
  expect(decodeDatagram(bytes.subarray(0, 24))).toBeNull()
  bytes[9] = 17
  expect(decodeDatagram(bytes)).toBeNull()
})
