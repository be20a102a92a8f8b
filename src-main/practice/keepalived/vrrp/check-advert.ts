import type { InstanceSettings } from '../config/settings.ts'
import { advertBytes, authPass, checksumHolds, decodeAdvert, type Advert, type Datagram } from './packet.ts'

/** What keepalived counts per instance, by the names of its JSON dump. */
export interface Counters {
  advert_rcvd: number
  advert_sent: number
  become_master: number
  release_master: number
  packet_len_err: number
  advert_interval_err: number
  ip_ttl_err: number
  invalid_type_rcvd: number
  addr_list_err: number
  invalid_authtype: number
  authtype_mismatch: number
  auth_failure: number
  pri_zero_rcvd: number
  pri_zero_sent: number
}

export const emptyCounters = (): Counters => ({
  advert_rcvd: 0,
  advert_sent: 0,
  become_master: 0,
  release_master: 0,
  packet_len_err: 0,
  advert_interval_err: 0,
  ip_ttl_err: 0,
  invalid_type_rcvd: 0,
  addr_list_err: 0,
  invalid_authtype: 0,
  authtype_mismatch: 0,
  auth_failure: 0,
  pri_zero_rcvd: 0,
  pri_zero_sent: 0,
})

/**
 * The advert in a datagram, or null when keepalived 2.2.7 rejects it; then it is counted and told. The order of the checks is keepalived's.
 * `checksAddresses`: a list of addresses other than ours is a reason to reject.
 */
export function checkAdvert(
  settings: InstanceSettings,
  datagram: Datagram,
  checksAddresses: boolean,
  counters: Counters,
  log: (text: string) => void,
): Advert | null {
  const { payload, ttl, source } = datagram
  const reject = (counter: keyof Counters | null, text: string): null => {
    if (counter !== null) counters[counter] += 1
    log(`(${settings.name}) ${text}`)
    return null
  }
  const advert = decodeAdvert(payload)
  const isUnicast = settings.unicastPeers.length > 0
  if (!isUnicast && ttl !== 255) return reject('ip_ttl_err', `invalid TTL/HL. Received ${ttl} and expect 255`)
  if (payload.readUInt8(0) >> 4 !== settings.version) {
    return reject(null, `wrong version. Received ${payload.readUInt8(0) >> 4} and expect ${settings.version}`)
  }
  if (advert.type !== 1) return reject('invalid_type_rcvd', `Invalid packet type. ${advert.type} and expect 1`)
  const expectedType = settings.password === null ? 0 : authPass
  if (settings.version === 2 && advert.authType !== expectedType) {
    return reject('authtype_mismatch', `received a ${advert.authType} auth, expecting ${expectedType}!`)
  }
  if (settings.version === 2 && advert.password !== settings.password)
    return reject('auth_failure', 'received an invalid passwd!')
  const expected = settings.addresses.length
  const count = payload.readUInt8(3)
  if (payload.length !== advertBytes(settings.version, count)) {
    const expectedBytes = advertBytes(settings.version, expected)
    return reject(
      'packet_len_err',
      `vrrp packet too ${payload.length > expectedBytes ? 'long' : 'short'}, length ${payload.length} and expect ${expectedBytes}`,
    )
  }
  if (!checksumHolds(datagram, settings.version)) return reject(null, `Invalid VRRPv${settings.version} checksum`)
  if (settings.version === 2 && advert.advertIntMs !== settings.advertIntMs) {
    return reject(
      'advert_interval_err',
      `advertisement interval mismatch mine=${settings.advertIntMs / 1000} sec rcv'd=${advert.advertIntMs / 1000} sec`,
    )
  }
  if (isUnicast && !settings.unicastPeers.includes(source))
    return reject(null, `unicast source address ${source} not a unicast peer`)
  if (checksAddresses && count !== expected) {
    return reject('addr_list_err', `received an unexpected ip number count ${count}, expected ${expected}!`)
  }
  const missing = checksAddresses ? settings.addresses.find(({ address }) => !advert.addresses.includes(address)) : undefined
  if (missing !== undefined) {
    return reject(
      'addr_list_err',
      `ip address associated with VRID ${settings.vrid} not present in MASTER advert: ${missing.address}`,
    )
  }
  counters.advert_rcvd += 1
  if (advert.priority === 0) counters.pri_zero_rcvd += 1
  return advert
}
