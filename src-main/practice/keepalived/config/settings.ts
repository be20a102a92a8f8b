/** What a keepalived.conf means to the practice daemon: the part of keepalived 2.2.7 that concerns VRRP over IPv4. */
export interface Settings {
  global: GlobalSettings
  scripts: TrackScript[]
  files: TrackFile[]
  processes: TrackProcess[]
  groups: SyncGroupSettings[]
  instances: InstanceSettings[]
}

export interface GlobalSettings {
  routerId: string
  version: 2 | 3
  /** `script_user`; null: not given */
  scriptUser: string | null
  scriptSecurity: boolean
  /** `reload_check_config`: a reload that does not pass `-t` is ignored */
  checksBeforeReload: boolean
  garp: GarpSettings
  lowerPriorityNoAdvert: boolean
  higherPrioritySendAdvert: boolean
  skipCheckAdvertAddresses: boolean
}

/** Gratuitous ARP after becoming master, once more `delayS` later, and every `refreshS` (0: never). */
export interface GarpSettings {
  delayS: number
  repeat: number
  refreshS: number
  refreshRepeat: number
  lowerPriorityDelayS: number
  lowerPriorityRepeat: number
}

export interface VirtualAddress {
  address: string
  /** null: as written without one, which the kernel takes as /32 */
  prefixLength: number | null
  device: string
  label: string | null
}

export type NotifyState = 'MASTER' | 'BACKUP' | 'FAULT' | 'STOP'
/** argv by event; `any` is `notify`, which is told type, name, state and priority */
export type NotifyScripts = Partial<Record<NotifyState | 'any', string[]>>

export type TrackKind = 'script' | 'file' | 'process' | 'interface'
export interface TrackReference {
  kind: TrackKind
  name: string
  /** 0: a failure means FAULT */
  weight: number
  reverse: boolean
}

export interface InstanceSettings {
  name: string
  interface: string
  vrid: number
  priority: number
  version: 2 | 3
  ipv6: boolean
  advertIntMs: number
  initialState: 'MASTER' | 'BACKUP'
  nopreempt: boolean
  preemptDelayS: number
  /** null: no authentication (VRRPv2 only) */
  password: string | null
  addresses: VirtualAddress[]
  excluded: VirtualAddress[]
  unicastSource: string | null
  unicastPeers: string[]
  garp: GarpSettings
  lowerPriorityNoAdvert: boolean
  higherPrioritySendAdvert: boolean
  skipCheckAdvertAddresses: boolean
  tracks: TrackReference[]
  notify: NotifyScripts
}

export interface SyncGroupSettings {
  name: string
  members: string[]
  notify: NotifyScripts
}

export interface TrackScript {
  name: string
  argv: string[]
  intervalS: number
  timeoutS: number
  weight: number
  reverse: boolean
  rise: number
  fall: number
}

export interface TrackFile {
  name: string
  path: string
  weight: number
  reverse: boolean
  /** `init_file`: the value to create the file with */
  init: { value: number; overwrite: boolean } | null
}

export interface TrackProcess {
  name: string
  /** path or base name, then parameters */
  command: string[]
  quorum: number
  weight: number
  reverse: boolean
}

export const emptySettings = (hostName: string): Settings => ({
  global: {
    routerId: hostName,
    version: 2,
    scriptUser: null,
    scriptSecurity: false,
    checksBeforeReload: false,
    garp: { delayS: 5, repeat: 5, refreshS: 0, refreshRepeat: 1, lowerPriorityDelayS: 5, lowerPriorityRepeat: 5 },
    lowerPriorityNoAdvert: false,
    higherPrioritySendAdvert: false,
    skipCheckAdvertAddresses: false,
  },
  scripts: [],
  files: [],
  processes: [],
  groups: [],
  instances: [],
})

/** `198.18.7.100/24 dev eth0 scope global label eth0:1`, as keepalived's logs and dumps write it. */
export const describeAddress = ({ address, prefixLength, device, label }: VirtualAddress): string =>
  `${address}${prefixLength === null || prefixLength === 32 ? '' : `/${prefixLength}`} dev ${device} scope global${label === null ? '' : ` label ${label}`}`
