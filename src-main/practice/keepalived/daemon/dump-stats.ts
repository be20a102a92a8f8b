import type { Instance } from '../vrrp/instance-parts.ts'

/** keepalived.stats */
export const dumpStats = (instances: readonly Instance[]): string => instances.map(statsOf).join('')

const statsOf = ({ settings: { name }, counters: c }: Instance): string => `VRRP Instance: ${name}
  Advertisements:
    Received: ${c.advert_rcvd}
    Sent: ${c.advert_sent}
  Became master: ${c.become_master}
  Released master: ${c.release_master}
  Packet Errors:
    Length: ${c.packet_len_err}
    TTL: ${c.ip_ttl_err}
    Invalid Type: ${c.invalid_type_rcvd}
    Advertisement Interval: ${c.advert_interval_err}
    Address List: ${c.addr_list_err}
  Authentication Errors:
    Invalid Type: ${c.invalid_authtype}
    Type Mismatch: ${c.authtype_mismatch}
    Failure: ${c.auth_failure}
  Priority Zero:
    Received: ${c.pri_zero_rcvd}
    Sent: ${c.pri_zero_sent}
`
