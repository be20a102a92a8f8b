import { describeAddress, type NotifyScripts, type TrackReference, type VirtualAddress } from '../config/settings.ts'
import type { Instance } from '../vrrp/instance-parts.ts'
import { multicastGroup } from '../vrrp/packet.ts'
import type { SyncGroup } from '../vrrp/sync-group.ts'
import { formatTime } from './daemon-log.ts'
import { quoteCommand } from './quote-command.ts'

/** `VRRP Instance = …` */
export function instanceLines(instance: Instance, groups: readonly SyncGroup[], ownAddress: string): string[] {
  const { settings, state } = instance
  const { name, garp, version, unicastPeers } = settings
  const group = groups.find(({ members }) => members.includes(instance))
  const isUnicast = unicastPeers.length > 0
  const addresses = (title: string, list: readonly VirtualAddress[], isCounted: boolean): string[] =>
    list.length === 0
      ? []
      : [
          `   ${title}${isCounted ? ` (${list.length})` : ' '}:`,
          ...list.map((address) => `     ${describeAddress(address)}${state === 'MASTER' ? ' set' : ''}`),
        ]
  const source = settings.unicastSource === null ? ownAddress : `${settings.unicastSource} (from configuration)`
  const seconds = settings.advertIntMs / 1000
  const lines = [
    ` VRRP Instance = ${name}`,
    `   VRRP Version = ${version}`,
    ...(group === undefined ? [] : [`   Sync group = ${group.settings.name}`]),
    `   State = ${state}`,
    // 2.2.7 counts nopreempt as a flag and has no line for it
    ...(isUnicast ? ['   Flags:', '     Using unicast'] : [settings.nopreempt ? '   Flags:' : '   Flags: none']),
    `   Wantstate = ${instance.wantState}`,
    '   Number of config faults = 0',
    `   Number of interface and track script faults = ${instance.faultCount}`,
    `   Number of track scripts init = ${instance.waitingFor}`,
    `   Last transition = ${moment(instance.lastTransition)}`,
    `   Read timeout = ${instance.deadline === null ? 'DISABLED' : moment(instance.deadline)}`,
    `   Master down timer = ${Math.floor(instance.masterDownMs * 1000)} usecs`,
    `   Interface = ${settings.interface}`,
    `   Using src_ip = ${source}`,
    ...(isUnicast ? [] : [`   Multicast address ${multicastGroup}`]),
    `   Gratuitous ARP delay = ${garp.delayS}`,
    `   Gratuitous ARP repeat = ${garp.repeat}`,
    `   Gratuitous ARP refresh = ${garp.refreshS}`,
    `   Gratuitous ARP refresh repeat = ${garp.refreshRepeat}`,
    `   Gratuitous ARP lower priority delay = ${garp.lowerPriorityDelayS}`,
    `   Gratuitous ARP lower priority repeat = ${garp.lowerPriorityRepeat}`,
    '   Down timer adverts = 3',
    `   Send advert after receive lower priority advert = ${!settings.lowerPriorityNoAdvert}`,
    `   Send advert after receive higher priority advert = ${settings.higherPrioritySendAdvert}`,
    `   Virtual Router ID = ${settings.vrid}`,
    `   Priority = ${settings.priority}`,
    `   Effective priority = ${instance.effectivePriority}`,
    `   Total priority = ${instance.totalPriority}`,
    `   Advert interval = ${version === 2 ? `${seconds} sec` : `${settings.advertIntMs} milli-sec`}`,
    '   Accept = enabled',
    `   Preempt = ${settings.nopreempt ? 'disabled' : 'enabled'}`,
    ...(settings.preemptDelayS > 0 ? [`   Preempt delay = ${settings.preemptDelayS} secs`] : []),
    '   Promote_secondaries = disabled',
    ...(version === 3
      ? []
      : settings.password === null
        ? ['   Authentication type = none']
        : ['   Authentication type = SIMPLE_PASSWORD', `   Password = ${settings.password}`]),
    ...addresses('Virtual IP', settings.addresses, true),
    ...addresses('Virtual IP Excluded', settings.excluded, false),
    ...(isUnicast
      ? [
          '   Unicast TTL = 255',
          '   Check unicast src : no',
          '   Unicast Peer :',
          ...unicastPeers.map((peer) => `     ${peer} min_ttl 0 max_ttl 255`),
          '   Unicast checksum compatibility = no',
        ]
      : []),
    '   fd_in 14, fd_out 15',
    ...tracked('Tracked interfaces', settings.tracks, 'interface', ' weight '),
    ...tracked('Tracked scripts', settings.tracks, 'script', ' weight '),
    ...tracked('Tracked files', settings.tracks, 'file', ', weight '),
    ...tracked('Tracked processes', settings.tracks, 'process', ', weight '),
    '   Using smtp notification = no',
    '   Notify deleted = Fault',
    ...notifyLines(settings.notify),
    '   Notify priority changes = false',
  ]
  return lines
}

const tracked = (
  title: string,
  tracks: readonly TrackReference[],
  kind: TrackReference['kind'],
  separator: string,
): string[] => {
  const own = tracks.filter((track) => track.kind === kind)
  const line = ({ name, weight, reverse }: TrackReference): string =>
    `     ${name}${separator}${weight}${reverse ? ' reverse' : ''}`
  return own.length === 0 ? [] : [`   ${title} :`, ...own.map(line)]
}

const notifyTitles = {
  BACKUP: 'Backup state transition script',
  MASTER: 'Master state transition script',
  FAULT: 'Fault state transition script',
  STOP: 'Stop state transition script',
  any: 'Generic state transition script',
} as const

export const notifyLines = (notify: NotifyScripts): string[] =>
  (Object.keys(notifyTitles) as (keyof typeof notifyTitles)[]).flatMap((event) => {
    const argv = notify[event]
    return argv === undefined ? [] : [`   ${notifyTitles[event]} = ${quoteCommand(argv)}, uid:gid 0:0`]
  })

/** `1795384160.067833 (Sun Nov 22 21:49:20.067833 2026)` */
function moment(ms: number): string {
  const micros = String(Math.round((ms % 1000) * 1000)).padStart(6, '0')
  return `${Math.floor(ms / 1000)}.${micros} (${formatTime(ms).replace(/ (\d{4})$/, `.${micros} $1`)})`
}
