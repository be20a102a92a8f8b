import { describeAddress, type Settings, type VirtualAddress } from '../config/settings.ts'
import type { Instance } from '../vrrp/instance-parts.ts'
import { quoteCommand } from './quote-command.ts'

const stateNumbers = { INIT: 0, BACKUP: 1, MASTER: 2, FAULT: 3 }

/** keepalived.json, with the VRRP password in clear as `auth_data`, as the real one has it. */
export function dumpJson(settings: Settings, instances: readonly Instance[]): string {
  const text = JSON.stringify(instances.map((instance) => ({ data: dataOf(settings, instance), stats: instance.counters })))
  return `${text.replaceAll('/', '\\/')}\n`
}

function dataOf({ scripts }: Settings, instance: Instance): Record<string, unknown> {
  const { settings, state } = instance
  const { garp } = settings
  const describe = (address: VirtualAddress): string => describeAddress(address) + (state === 'MASTER' ? ' set' : '')
  const tracked = (kind: 'script' | 'interface'): string[] =>
    settings.tracks.filter((track) => track.kind === kind).map(({ name }) => name)
  const commands = tracked('script').map((name) => quoteCommand(scripts.find((script) => script.name === name)?.argv ?? []))
  const script = (argv: readonly string[] | undefined): string | undefined =>
    argv === undefined ? undefined : quoteCommand(argv)
  const list = <T>(items: readonly T[]): readonly T[] | undefined => (items.length === 0 ? undefined : items)
  return {
    iname: settings.name,
    dont_track_primary: 0,
    skip_check_adv_addr: Number(settings.skipCheckAdvertAddresses),
    strict_mode: 0,
    vmac_ifname: '',
    ifp_ifname: settings.interface,
    master_priority: instance.masterPriority,
    last_transition: instance.lastTransition / 1000,
    garp_delay: garp.delayS,
    garp_refresh: garp.refreshS,
    garp_rep: garp.repeat,
    garp_refresh_rep: garp.refreshRepeat,
    garp_lower_prio_delay: garp.lowerPriorityDelayS,
    garp_lower_prio_rep: garp.lowerPriorityRepeat,
    lower_prio_no_advert: Number(settings.lowerPriorityNoAdvert),
    higher_prio_send_advert: Number(settings.higherPrioritySendAdvert),
    vrid: settings.vrid,
    base_priority: settings.priority,
    effective_priority: instance.effectivePriority,
    vipset: state === 'MASTER',
    promote_secondaries: false,
    adver_int: settings.advertIntMs / 1000,
    master_adver_int: instance.masterAdvertIntMs / 1000,
    accept: 1,
    nopreempt: settings.nopreempt,
    preempt_delay: settings.preemptDelayS,
    state: stateNumbers[state],
    wantstate: stateNumbers[instance.wantState],
    version: settings.version,
    smtp_alert: false,
    notify_deleted: false,
    script_backup: script(settings.notify.BACKUP),
    script_master: script(settings.notify.MASTER),
    script_fault: script(settings.notify.FAULT),
    script_stop: script(settings.notify.STOP),
    script: script(settings.notify.any),
    vips: list(settings.addresses.map(describe)),
    evips: list(settings.excluded.map(describe)),
    track_ifp: list(tracked('interface')),
    track_script: list(commands),
    auth_type: settings.password === null ? 0 : 1,
    ...(settings.password === null ? {} : { auth_data: settings.password }),
  }
}
