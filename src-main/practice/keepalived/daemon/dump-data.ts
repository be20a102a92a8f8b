import type { Machine } from '../../machine/machine.ts'
import type { Settings, TrackReference } from '../config/settings.ts'
import type { Instance } from '../vrrp/instance-parts.ts'
import type { SyncGroup } from '../vrrp/sync-group.ts'
import { instanceLines, notifyLines } from './dump-instance.ts'
import { globalDump } from './dump-global.ts'
import { quoteCommand } from './quote-command.ts'
import type { TrackerStatus } from './trackers.ts'

interface DumpParts {
  machine: Machine
  settings: Settings
  instances: readonly Instance[]
  groups: readonly SyncGroup[]
  status: TrackerStatus
}

/** keepalived.data, as 2.2.7 writes it, with the VRRP password in clear. */
export function dumpData(parts: DumpParts): string {
  const { machine, settings, instances, groups } = parts
  const ownAddress = machine.network.addresses()[0]?.address ?? ''
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`------< ${title} >------`, ...lines]
  const lines = [
    ...section(
      'VRRP Topology',
      instances.flatMap((instance) => instanceLines(instance, groups, ownAddress)),
    ),
    ...section('VRRP Sockpool', socketLines(parts)),
    ...section('VRRP Sync groups', groups.flatMap(groupLines)),
    ...section(
      'VRRP Scripts',
      settings.scripts.flatMap((script) => scriptLines(parts, script)),
    ),
    ...section(
      'VRRP Track files',
      settings.files.flatMap((file) => fileLines(parts, file)),
    ),
    ...section(
      'VRRP Track processes',
      settings.processes.flatMap((process) => processLines(parts, process)),
    ),
    ...section('Interfaces', interfaceLines(parts)),
  ]
  return `${globalDump(settings, 'vrrp')}${lines.join('\n')}\n`
}

function socketLines({ machine, instances }: DumpParts): string[] {
  return [false, true].flatMap((isUnicast) => {
    const own = instances.filter(({ settings }) => settings.unicastPeers.length > 0 === isUnicast)
    if (own.length === 0) return []
    return [
      ' fd_in 14 fd_out = 15',
      `   Interface = ${machine.network.interfaceName}`,
      '   Family = IPv4',
      '   Protocol = VRRP',
      `   Type = ${isUnicast ? 'Unicast' : 'Multicast'}`,
      ...(isUnicast ? [`   Address = ${machine.network.addresses()[0]?.address ?? ''}`] : []),
      '   Rx buf size = 0',
      '   VRRP instances',
      ...own.map(({ settings }) => `     ${settings.name} vrid ${settings.vrid}`),
    ]
  })
}

function groupLines({ settings, members }: SyncGroup): string[] {
  const count = (of: (member: Instance) => boolean): number => members.filter(of).length
  return [
    ` VRRP Sync Group = ${settings.name}, ${members[0]?.state ?? 'INIT'}`,
    `   Num member fault ${count(({ faultCount }) => faultCount > 0)}, num member init ${count(({ waitingFor }) => waitingFor > 0)}`,
    '   VRRP member instances :',
    ...settings.members.map((name) => `     ${name}`),
    '   Using smtp notification = no',
    ...notifyLines(settings.notify),
  ]
}

/** `Tracking instances :` and who tracks it. */
function trackingLines({ instances }: DumpParts, kind: TrackReference['kind'], name: string): string[] {
  const lines = instances.flatMap(({ settings }) =>
    settings.tracks
      .filter((track) => track.kind === kind && track.name === name)
      .map(({ weight, reverse }) => `     ${settings.name}, weight ${weight}${reverse ? ' reverse' : ''}`),
  )
  return ['   Tracking instances :', ...lines]
}

function scriptLines(parts: DumpParts, script: Settings['scripts'][number]): string[] {
  const status = parts.status.scripts.get(script.name)
  return [
    ` VRRP Script = ${script.name}`,
    `   Command = ${quoteCommand(script.argv)}`,
    `   Interval = ${script.intervalS} sec`,
    `   Timeout = ${script.timeoutS} sec`,
    `   Weight = ${script.weight}${script.reverse ? ' reverse' : ''}`,
    `   Rise = ${script.rise}`,
    `   Fall = ${script.fall}`,
    `   Result = ${status?.result ?? 0}`,
    '   Insecure = no',
    '   Init state = unknown',
    `   Status = ${status?.isGood === false ? 'BAD' : 'GOOD'}`,
    '   Script uid:gid = 0:0',
    '   VRRP instances :',
    ...trackingLines(parts, 'script', script.name),
    `   State = ${status?.isRunning === true ? 'running' : 'idle'}`,
  ]
}

const fileLines = (parts: DumpParts, file: Settings['files'][number]): string[] => [
  ` Track file = ${file.name}`,
  `   File = ${file.path}`,
  `   Status = ${parts.status.files.get(file.name) ?? 0}`,
  `   Weight = ${file.weight}${file.reverse ? ' reverse' : ''}`,
  ...trackingLines(parts, 'file', file.name),
]

function processLines(parts: DumpParts, tracked: Settings['processes'][number]): string[] {
  const count = parts.status.processes.get(tracked.name) ?? 0
  return [
    ` VRRP Track process = ${tracked.name}`,
    `   Process = ${tracked.command.join(' ')}`,
    `   Min processes = ${tracked.quorum}`,
    `   Current processes = ${count}`,
    `   Have quorum = ${count >= tracked.quorum}`,
    `   Weight = ${tracked.weight}${tracked.reverse ? ' reverse' : ''}`,
    '   Terminate delay = 0.000000s',
    '   Fork delay = 0.000000s',
    '   Fork delay timer not running',
    '   Terminate delay timer not running',
    '   Full command = false',
    ...trackingLines(parts, 'process', tracked.name),
  ]
}

function interfaceLines({ machine, instances, status }: DumpParts): string[] {
  const { network } = machine
  const address = network.addresses()[0]?.address ?? '(none)'
  const tracking = (name: string): string[] => {
    const lines = instances.flatMap(({ settings }) => {
      const track = settings.tracks.find(({ kind, name: tracked }) => kind === 'interface' && tracked === name)
      if (track !== undefined) return [`     ${settings.name}, weight ${track.weight}`]
      return settings.interface === name ? [`     ${settings.name}, weight 0`] : []
    })
    return lines.length === 0 ? [] : ['   Tracking VRRP instances :', ...lines]
  }
  const common = [
    '   Seen up = 1',
    '   Delayed state change running = false',
    '   Up debounce timer = 0us',
    '   Down debounce timer = 0us',
  ]
  const counters = [
    '   NIC netlink status update',
    '   Reset ARP config counter 0',
    '   Original arp_ignore 0',
    '   Original arp_filter 0',
    '   Original promote_secondaries 0',
    '   Reset promote_secondaries counter 0',
  ]
  return [
    ' Name = lo',
    '   index = 1',
    '   IPv4 address = 127.0.0.1',
    '   IPv6 address = (none)',
    '   State = UP, RUNNING, no broadcast, loopback, no multicast',
    ...common,
    '   MTU = 65536',
    '   HW Type = LOOPBACK',
    ...counters,
    ...tracking('lo'),
    ` Name = ${network.interfaceName}`,
    '   index = 2',
    `   IPv4 address = ${address}`,
    '   IPv6 address = (none)',
    `   MAC = ${macOf(address)}`,
    '   MAC broadcast = ff:ff:ff:ff:ff:ff',
    `   State = ${status.linkUp ? 'UP, RUNNING' : 'DOWN'}`,
    ...common,
    '   MTU = 1500',
    '   HW Type = ETHERNET',
    ...counters,
    ...tracking(network.interfaceName),
  ]
}

/** A locally administered address made of the IPv4 one. */
const macOf = (address: string): string =>
  ['02', '00', ...address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))].join(':')
