/** Configurations to put before both daemons, by what is special about them. `eth0` exists, `eth9` does not. */

interface Parts {
  name?: string
  interface?: string
  state?: string
  vrid?: string
  priority?: string
  interval?: string
  authentication?: string
  addresses?: string
  more?: string
}

const instance = (parts: Parts = {}): string => `vrrp_instance ${parts.name ?? 'VI_1'} {
    ${parts.state ?? 'state BACKUP'}
    ${parts.interface ?? 'interface eth0'}
    ${parts.vrid ?? 'virtual_router_id 51'}
    ${parts.priority ?? 'priority 150'}
    ${parts.interval ?? 'advert_int 1'}
    ${parts.more ?? ''}
    ${parts.authentication ?? 'authentication {\n        auth_type PASS\n        auth_pass labpass1\n    }'}
    ${parts.addresses ?? 'virtual_ipaddress {\n        198.18.7.100/24\n    }'}
}
`
const secure = 'global_defs {\n enable_script_security\n script_user root\n}\n'
const script = (body: string, name = 'chk') => `vrrp_script ${name} {\n ${body}\n}\n`
const tracks = (kind: string, lines: string) => ({ more: `track_${kind} {\n ${lines}\n }` })
const addresses = (lines: string) => ({ addresses: `virtual_ipaddress {\n ${lines}\n }` })

export const configs: Readonly<Record<string, string>> = {
  'a good one': instance(),
  'an empty file': '',
  'braces on lines of their own':
    'vrrp_instance VI_1\n{\n interface eth0\n virtual_router_id 3\n virtual_ipaddress { 198.18.7.100/24 }\n}\n',
  'a brace behind a value':
    'vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 3\n virtual_ipaddress {\n 198.18.7.100/24 }\n}\n',
  'an unknown keyword': instance({ more: 'advrt_int 1' }),
  'an unknown keyword at the top': `${instance()}frobnicate 1\n`,
  'an unknown block': instance({ more: 'foo {\n bar {\n  x\n }\n}' }),
  'an unknown block at the top': `foo {\n bar {\n  x\n }\n}\n${instance()}`,
  'a missing brace': instance().replace(/}\n$/, ''),
  'an extra brace': `${instance()}}\n`,
  'no opening brace':
    'vrrp_instance VI_1 \n state BACKUP\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n 198.18.7.1 \n}\n}\n',
  'an open quote': 'vrrp_instance VI_1 {\n state "BACKUP\n interface eth0\n virtual_router_id 3\n}\n',
  'a missing parameter': instance({ priority: 'priority' }),
  'an interval without a value': instance({ interval: 'advert_int' }),
  'priority 300': instance({ priority: 'priority 300' }),
  'priority abc': instance({ priority: 'priority abc' }),
  'priority 0': instance({ priority: 'priority 0' }),
  'no priority': instance({ priority: '' }),
  'the owner': instance({ priority: 'priority 255' }),
  'no virtual router id': instance({ vrid: '' }),
  'virtual router id 0': instance({ vrid: 'virtual_router_id 0' }),
  'virtual router id 256': instance({ vrid: 'virtual_router_id 256' }),
  'the same virtual router id twice': instance() + instance({ name: 'VI_2' }),
  'no name': 'vrrp_instance {\n interface eth0\n virtual_router_id 3\n}\n',
  'an unknown state': instance({ state: 'state FOO' }),
  'no state': instance({ state: '' }),
  'an interface that does not exist': instance({ interface: 'interface eth9' }),
  'no interface': instance({ interface: '' }),
  'no address': instance({ addresses: '' }),
  'a malformed address': instance(addresses('198.18.7.300/24')),
  'a prefix that is too long': instance(addresses('198.18.7.100/40')),
  'an address on an interface that does not exist': instance(addresses('198.18.7.100/24 dev eth9')),
  'the same address twice': instance(addresses('198.18.7.100/24\n 198.18.7.100/24')),
  'options of addresses': instance(
    addresses('198.18.7.100/24 foo eth0\n 198.18.7.101/24 dev\n 198.18.7.102/24 label eth0:123456789012345\n fe80::1'),
  ),
  'IPv6 alone': instance(addresses('fe80::1')),
  'a long password': instance({ authentication: 'authentication {\n auth_type PASS\n auth_pass longpassword\n }' }),
  'an unknown authentication': instance({ authentication: 'authentication {\n auth_type NONE\n auth_pass labpass1\n }' }),
  'a password without a type': instance({ authentication: 'authentication {\n auth_pass labpass1\n }' }),
  'a type without a password': instance({ authentication: 'authentication {\n auth_type PASS\n }' }),
  'nopreempt as MASTER': instance({ state: 'state MASTER', more: 'nopreempt' }),
  'preempt_delay as MASTER': instance({ state: 'state MASTER', more: 'preempt_delay 5' }),
  'preempt_delay and nopreempt': instance({ more: 'preempt_delay 5\nnopreempt' }),
  'preempt_delay out of range': instance({ more: 'preempt_delay 2000' }),
  'preempt_delay x': instance({ more: 'preempt_delay x' }),
  'half a second in version 2': instance({ interval: 'advert_int 0.5' }),
  'half a second in version 3': instance({ interval: 'advert_int 0.5', more: 'version 3', authentication: '' }),
  'a password in version 3': instance({ more: 'version 3' }),
  'interval 0': instance({ interval: 'advert_int 0' }),
  'interval abc': instance({ interval: 'advert_int abc' }),
  'interval 300': instance({ interval: 'advert_int 300' }),
  'version 4': instance({ more: 'version 4' }),
  'garp settings': instance({ more: 'garp_master_delay x\n garp_master_refresh 10\n garp_master_repeat 0' }),
  'a switch that is neither': instance({ more: 'higher_prio_send_advert maybe' }),
  'an unknown script': instance(tracks('script', 'nochk')),
  'a script that is missing': secure + script('script "/nonexistent/x"') + instance(tracks('script', 'chk')),
  'a script without a command': secure + script('interval 1') + instance(tracks('script', 'chk')),
  'weights out of range':
    secure + script('script "/usr/bin/test -e /x"\n weight 300\n fooo 1') + instance(tracks('script', 'chk weight -500')),
  'a good script':
    secure +
    script('script "/usr/bin/test -e /x"\n interval 2\n fall 2\n rise 3\n weight -60') +
    instance(tracks('script', 'chk')),
  'scripts without security': script('script "/usr/bin/test -e /x"') + instance(tracks('script', 'chk')),
  'scripts without an account':
    'global_defs {\n enable_script_security\n}\n' + script('script "/usr/bin/true"') + instance(tracks('script', 'chk')),
  'script numbers':
    secure + script('script /usr/bin/true\n interval 0\n timeout x\n rise 0\n fall x') + instance(tracks('script', 'chk')),
  'an unknown track file': instance(tracks('file', 'nof')),
  'a track file without a file': `track_file adj {\n weight 1\n}\n${instance(tracks('file', 'adj'))}`,
  'a track file with wrong options': `track_file adj {\n file /run/adj\n weight 300\n init_file x\n frob\n}\n${instance(tracks('file', 'adj weight 2 reverse\n adj'))}`,
  'an unknown track process': instance(tracks('process', 'nop')),
  'track processes': `vrrp_track_process px {\n process sleep\n quorum x\n weight 400\n}\nvrrp_track_process py {\n weight 400\n}\n${instance()}`,
  'a tracked interface that does not exist': instance(tracks('interface', 'eth9')),
  'tracked interfaces': instance(tracks('interface', 'eth0 weight x\n lo weight 300\n lo wght 3')),
  'a sync group with a stranger': `vrrp_sync_group G {\n group {\n VI_1\n VI_9\n }\n}\n${instance()}`,
  'a sync group of one': `vrrp_sync_group G {\n group {\n VI_1\n }\n}\n${instance()}`,
  'sync groups of all kinds': `vrrp_sync_group G {\n group {\n VI_1\n VI_1\n }\n foo\n}\nvrrp_sync_group {\n}\nvrrp_sync_group H {\n}\n${instance()}`,
  'weights in a sync group': `${secure}${script('script "/usr/bin/test -e /x"\n weight -60')}track_file adj {\n file /run/adj\n}\nvrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n${instance({ more: `${tracks('script', 'chk').more}\n${tracks('file', 'adj').more}\n${tracks('interface', 'lo weight 10').more}` })}${instance({ name: 'VI_2', vrid: 'virtual_router_id 52' })}`,
  'weights of an address owner': `${secure}${script('script "/usr/bin/test -e /x"\n weight -60')}${instance({ priority: 'priority 255', more: `${tracks('script', 'chk').more}\n${tracks('interface', 'lo weight 10').more}` })}`,
  'track_process at the top': 'track_process px {\n process sleep\n}\n',
  'unicast from another address': instance({ more: 'unicast_src_ip 198.18.7.9\n unicast_peer {\n 198.18.7.2\n }' }),
  'a malformed peer': instance({ more: 'unicast_peer {\n foo\n }' }),
  'a source without peers': instance({ more: 'unicast_src_ip 198.18.7.1' }),
  'a malformed source': instance({ more: 'unicast_src_ip 198.18.7.x\n unicast_peer {\n 198.18.7.2\n }' }),
  'global settings': `global_defs {\n fooo 1\n router_id\n vrrp_garp_master_refresh x\n vrrp_version 5\n}\n${instance()}`,
  'more global settings': `global_defs {\n vrrp_version 3\n vrrp_higher_prio_send_advert true\n vrrp_lower_prio_no_advert x\n vrrp_garp_master_refresh 10\n vrrp_garp_master_repeat 0\n vrrp_garp_master_delay -1\n reload_check_config\n}\n${instance()}`,
  'an unknown account': `global_defs {\n script_user nobodyxx\n}\n${instance()}`,
  'a missing include': `include none.conf\n${instance()}`,
  'an include with a fault': 'include part/*.conf\nfoo\n',
  'a Windows file': instance().replaceAll('\n', '\r\n'),
}

/** what `part/*.conf` is */
export const included = instance({ more: 'advrt_int 1' })

/** command lines, besides `-t`; the last word of a path is in the folder of the configurations */
export const commandLines: readonly (readonly string[])[] = [
  ['--bogus'],
  ['-Z'],
  ['--signum=FOO'],
  ['--signum=json'],
  ...['JSON', 'DATA', 'STATS', 'STATS_CLEAR', 'RELOAD', 'STOP'].map((name) => [`--signum=${name}`]),
  ['-f'],
  ['-p'],
  ['-h'],
  ['-t', '-f', 'nofile.conf'],
  ['-t', '-f', 'part'],
  ['-t', 'extra', '-f', 'nofile.conf'],
  ['--config-tes', '-f', 'nofile.conf'],
  ['--config-test=/run/test.log', '-f', 'nofile.conf'],
]

/** Not in a sync group, where weights are ignored; VI_3 and VI_4 are. */
export const runningConfig = `${secure}${script('script "/usr/bin/test -e /etc/passwd"\n interval 1\n weight -60')}track_file adj {
 file /run/adj
 weight 1
 init_file 0
}
vrrp_sync_group G {
 group {
 VI_3
 VI_4
 }
 notify /usr/bin/true
}
${instance({ more: 'track_script {\n chk\n }\n track_file {\n adj\n }\n notify /usr/bin/true\n virtual_ipaddress_excluded {\n 198.18.7.150\n }' })}
${instance({ name: 'VI_2', vrid: 'virtual_router_id 52', interval: 'advert_int 0.5', authentication: '', addresses: 'virtual_ipaddress {\n 198.18.7.101 dev eth0 label eth0:1\n }', more: 'version 3\n nopreempt\n track_interface {\n lo weight 10\n }' })}
${instance({ name: 'VI_3', vrid: 'virtual_router_id 53', authentication: '', addresses: 'virtual_ipaddress {\n 198.18.7.103\n }' })}
${instance({ name: 'VI_4', vrid: 'virtual_router_id 54', authentication: '', addresses: 'virtual_ipaddress {\n 198.18.7.104\n }' })}`
