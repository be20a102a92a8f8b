import type { Settings } from '../config/settings.ts'

/** `Global definitions`, the first part of the text dump; the parent's own dump is this alone. What 2.2.7 prints of parts not modelled is constant. */
export function globalDump({ global }: Settings, reader: 'parent' | 'vrrp'): string {
  const { garp } = global
  // Only the VRRP process fills these in; elsewhere they are -1, printed as unsigned.
  const unset = 4_294_967_295
  const lower =
    reader === 'vrrp' ? { delay: garp.lowerPriorityDelayS, repeat: garp.lowerPriorityRepeat } : { delay: unset, repeat: unset }
  return `------< Global definitions >------
 Network namespace = (default)
 Network namespace ipvs = (main namespace)
 Router ID = ${global.routerId}
 Default smtp_alert = unset
 Default smtp_alert_vrrp = unset
 Default smtp_alert_checker = unset
 Checkers log all failures = false
 ${global.checksBeforeReload ? 'Test config before reload' : 'No test config before reload'}
 Dynamic interfaces = false
${reader === 'vrrp' ? ' Default interface = eth0\n' : ''} Disable local IGMP = no
 LVS flush = false
 LVS flush on stop = disabled
 FIFO write vrrp states on reload = false
 VRRP notify priority changes = false
 VRRP IPv4 mcast group = 224.0.0.18
 VRRP IPv6 mcast group = ff02::12
 Gratuitous ARP delay = ${garp.delayS}
 Gratuitous ARP repeat = ${garp.repeat}
 Gratuitous ARP refresh timer = ${garp.refreshS}
 Gratuitous ARP refresh repeat = ${garp.refreshRepeat}
 Gratuitous ARP lower priority delay = ${lower.delay}
 Gratuitous ARP lower priority repeat = ${lower.repeat}
 Num adverts before down = 3
 Gratuitous ARP for each secondary VMAC = 0s
 Send advert after receive lower priority advert = ${!global.lowerPriorityNoAdvert}
 Send advert after receive higher priority advert = ${global.higherPrioritySendAdvert}
 Gratuitous ARP interval = 0.000000
 Gratuitous NA interval = 0.000000
 VRRP default protocol version = ${global.version}
 nftables without counters
 libnftnl version 1.2.3
 VRRP check unicast_src = false
 VRRP skip check advert addresses = ${global.skipCheckAdvertAddresses}
 VRRP strict mode = false
 Max auto priority = 0
 Min auto priority delay = 1000000 usecs
 VRRP process priority = 0
 VRRP don't swap = false
 VRRP realtime priority = 0
 VRRP realtime limit = 10000
 Checker process priority = 0
 Checker don't swap = false
 Checker realtime priority = 0
 Checker realtime limit = 10000
 BFD process priority = 0
 BFD don't swap = false
 BFD realtime priority = 0
 BFD realtime limit = 10000
 SNMP vrrp disabled
 SNMP checker disabled
 SNMP RFCv2 disabled
 SNMP RFCv3 disabled
 SNMP traps disabled
 SNMP socket = default (unix:/var/agentx/master)
 DBus disabled
 DBus service name = 
 Script security ${global.scriptSecurity ? 'enabled' : 'disabled'}
 Default script uid:gid 0:0
 vrrp_netlink_cmd_rcv_bufs = 0
 vrrp_netlink_cmd_rcv_bufs_force = 0
 vrrp_netlink_monitor_rcv_bufs = 0
 vrrp_netlink_monitor_rcv_bufs_force = 0
 process_monitor_rcv_bufs = 0
 process_monitor_rcv_bufs_force = 0
 lvs_netlink_cmd_rcv_bufs = 0
 lvs_netlink_cmd_rcv_bufs_force = 0
 lvs_netlink_monitor_rcv_bufs = 0
 lvs_netlink_monitor_rcv_bufs_force = 0
 rs_init_notifies = 0
 no_checker_emails = 0
 rx_bufs_multiples = 3
 umask = 0177
`
}
