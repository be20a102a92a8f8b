import type { Machine } from '../../machine/machine.ts'
import type { DraftInstance } from './instance-keywords.ts'
import type { InstanceSettings, Settings, TrackKind, TrackReference } from './settings.ts'

type Say = (text: string) => void

/**
 * What keepalived checks after it has read everything, in its order: instances, groups, scripts. Fills `settings.instances`. True when
 * scripts would run without `enable_script_security`.
 */
export function completeSettings(
  machine: Machine,
  settings: Settings,
  drafts: readonly DraftInstance[],
  report: Say,
  inform: Say,
): boolean {
  settings.instances = drafts.filter((draft) => completeInstance(draft, report))
  for (const [index, instance] of settings.instances.entries()) {
    const twin = settings.instances
      .slice(0, index)
      .find(
        ({ vrid, ipv6, interface: name }) => vrid === instance.vrid && ipv6 === instance.ipv6 && name === instance.interface,
      )
    if (twin === undefined) continue
    report(
      `${twin.name} and ${instance.name} both use VRID ${instance.vrid} with IPv${instance.ipv6 ? 6 : 4} on interface ${instance.interface}`,
    )
    instance.vrid = 0
  }
  settings.instances = settings.instances.filter(({ vrid }) => vrid !== 0)
  completeGroups(settings, report)
  for (const instance of settings.instances) dropWeights(instance, settings, report)
  return checkScripts(machine, settings, report, inform)
}

/** False: the instance is left out. */
function completeInstance(draft: DraftInstance, report: Say): boolean {
  const say = (text: string): void => report(`(${draft.name}) ${text}`)
  if (draft.interface === '') say('Unknown interface!')
  else if (draft.vrid === 0) say('the virtual router id must be set')
  if (draft.interface === '' || draft.vrid === 0) return false
  if (draft.ipv6) draft.version = 3
  if (draft.addresses.length === 0) {
    say('No VIP specified; at least one is sensible')
    say('No VIP specified; at least one is sensible')
  }
  completeAuthentication(draft, say)
  if (draft.hasUnicastKeyword && draft.unicastPeers.length === 0) {
    say(
      'A unicast keyword has been specified without any unicast peers. Defaulting to multicast. This usage is deprecated - please update your configuration.',
    )
  }
  completePreemption(draft, say)
  completeInterval(draft, say)
  draft.tracks = draft.tracks.filter((track) => {
    const isOwn = track.kind === 'interface' && track.name === draft.interface
    if (isOwn) say(`Ignoring track_interface ${track.name} since own interface`)
    return !isOwn
  })
  return true
}

function completeAuthentication(draft: DraftInstance, say: Say): void {
  if (draft.hasAuthentication && draft.version === 3) say('VRRP version 3 does not support authentication. Ignoring.')
  else if (draft.hasAuthentication && draft.password === null) say('Authentication specified but no password given. Ignoring')
  if (!draft.hasAuthentication || draft.version === 3) draft.password = null
}

function completePreemption(draft: DraftInstance, say: Say): void {
  if (draft.initialState === 'MASTER' && draft.nopreempt) {
    say('Warning - nopreempt will not work with initial state MASTER - clearing')
    draft.nopreempt = false
  }
  if (draft.preemptDelayS === 0) return
  if (draft.initialState === 'MASTER') say('Warning - preempt delay will not work with initial state MASTER - clearing')
  else if (draft.nopreempt) say('preempt_delay is incompatible with nopreempt mode - resetting')
  else return
  draft.preemptDelayS = 0
}

/** VRRPv2 has whole seconds, VRRPv3 hundredths. */
function completeInterval(draft: DraftInstance, say: Say): void {
  const seconds = draft.advertIntMs / 1000
  if (draft.version === 2 && !Number.isInteger(seconds)) {
    say(`VRRPv2 advertisement interval ${seconds.toFixed(6)}s must be an integer. rounding`)
    draft.advertIntMs = Math.max(1, Math.round(seconds)) * 1000
  }
  if (draft.version === 3 && seconds >= 40.96) {
    say(`VRRPv3 advertisement interval ${seconds.toFixed(2)}s is out of range. Must be less than 40.96s. Setting to 40.95s`)
    draft.advertIntMs = 40_950
  } else if (draft.version === 3 && draft.advertIntMs % 10 !== 0) {
    say(`VRRPv3 advertisement interval ${seconds.toFixed(6)}s must be in units of 10ms - rounding`)
    draft.advertIntMs = Math.round(draft.advertIntMs / 10) * 10
  }
}

function completeGroups(settings: Settings, report: Say): void {
  const taken = new Set<string>()
  settings.groups = settings.groups.filter((group) => {
    const members: string[] = []
    for (const name of group.members) {
      if (!settings.instances.some((instance) => instance.name === name)) {
        report(`Virtual router ${name} specified in sync group ${group.name} doesn't exist - ignoring`)
      } else if (taken.has(name)) {
        report(`Virtual router ${name} cannot exist in more than one sync group; ignoring ${group.name}`)
      } else {
        taken.add(name)
        members.push(name)
      }
    }
    if (members.length === 0) report(`Sync group ${group.name} has no virtual router(s). removing`)
    if (members.length === 1)
      report(`Sync group ${group.name} has only 1 virtual router(s) - this probably isn't what you want`)
    group.members = members
    return members.length > 0
  })
}

/** The priorities of a sync group's members and of an address owner do not change: weights are ignored, and so are scripts that have one. */
function dropWeights(instance: InstanceSettings, settings: Settings, report: Say): void {
  const isOwner = instance.priority === 255
  if (!isOwner && !settings.groups.some(({ members }) => members.includes(instance.name))) return
  const say = (text: string): void => report(`(${instance.name}) ignoring ${text}`)
  const why = isOwner ? 'address_owner' : 'SYNC group'
  const weighted = (kind: TrackKind): TrackReference[] =>
    instance.tracks.filter((track) => track.kind === kind && track.weight !== 0)
  const dropped = new Set<TrackReference>()
  for (const track of weighted('interface')) {
    say(`${track.name} tracked interface ${isOwner ? 'due to address owner' : 'weight due to SYNC group'}`)
    if (isOwner) dropped.add(track)
    track.weight = 0
  }
  for (const track of weighted('script')) {
    say(`tracked script ${track.name} with weights due to ${why}`)
    dropped.add(track)
  }
  for (const track of weighted('file')) {
    say(`weight from tracked file ${track.name} due to ${why}. specify weight 0`)
    track.weight = 0
  }
  instance.tracks = instance.tracks.filter((track) => !dropped.has(track))
}

type Verdict = 'fine' | 'missing' | 'insecure'

function checkScripts(machine: Machine, settings: Settings, report: Say, inform: Say): boolean {
  const { scriptSecurity } = settings.global
  let runs = false
  let insecure = false
  const usable = (argv: readonly string[]): boolean => {
    const verdict = judgeScript(machine, argv[0] ?? '')
    runs ||= verdict !== 'missing'
    insecure ||= verdict === 'insecure'
    return verdict === 'fine' || (verdict === 'insecure' && !scriptSecurity)
  }
  settings.scripts = settings.scripts.filter((script) => {
    if (usable(script.argv)) return true
    const why = judgeScript(machine, script.argv[0] ?? '') === 'missing' ? 'since not found/accessible' : 'due to insecure'
    report(`Disabling track script ${script.name} ${why}`)
    for (const instance of settings.instances) {
      instance.tracks = instance.tracks.filter(({ kind, name }) => kind !== 'script' || name !== script.name)
    }
    return false
  })
  for (const { notify } of [...settings.instances, ...settings.groups]) {
    for (const [event, argv] of Object.entries(notify)) {
      if (usable(argv)) continue
      inform(
        `WARNING - script '${argv[0] ?? ''}' is not ${machine.files.exists(argv[0] ?? '') ? 'executable for uid:gid 0:0' : 'found'} - disabling.`,
      )
      Reflect.deleteProperty(notify, event)
    }
  }
  const used = new Set(
    settings.instances.flatMap(({ tracks }) => tracks.flatMap(({ kind, name }) => (kind === 'script' ? [name] : []))),
  )
  for (const { name } of settings.scripts) if (!used.has(name)) inform(`Warning - script ${name} is not used`)
  settings.scripts = settings.scripts.filter(({ name }) => used.has(name))
  if (scriptSecurity || !runs) return false
  report(
    `SECURITY VIOLATION - scripts are being executed but script_security not enabled.${insecure ? ' There are insecure scripts.' : ''}`,
  )
  return true
}

/** A script is insecure when anyone but root could change it, or a folder on the way to it. */
function judgeScript({ files, programs }: Machine, name: string): Verdict {
  const path = name.startsWith('/') ? name : programs.find(name)?.path
  if (path === undefined || !files.exists(path)) return 'missing'
  const { kind, mode } = files.stat(path)
  if (kind !== 'file') return 'insecure'
  if ((mode & 0o111) === 0) return 'missing'
  const parts = path.split('/').slice(1)
  const ancestors = parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
  return ancestors.some((ancestor) => isOpenToOthers(files.stat(ancestor))) ? 'insecure' : 'fine'
}

const isOpenToOthers = ({ uid, mode }: { uid: number; mode: number }): boolean => uid !== 0 || (mode & 0o022) !== 0
