import type { NotifyState, SyncGroupSettings } from '../config/settings.ts'
import type { Instance } from './instance-parts.ts'

/** A vrrp_sync_group: its members change state together, become master only when all want to, and fail when one fails. */
export interface SyncGroup {
  readonly settings: SyncGroupSettings
  readonly members: readonly Instance[]
}

export function joinSyncGroup(
  settings: SyncGroupSettings,
  instances: readonly Instance[],
  host: { log(text: string): void; notify(state: NotifyState): void },
): SyncGroup {
  const members = instances.filter((instance) => settings.members.includes(instance.settings.name))
  for (const member of members) {
    const others = members.filter((other) => other !== member)
    member.join({
      mayBecomeMaster: () => others.every((other) => other.state === 'MASTER' || other.wantState === 'MASTER'),
      isHeldInFault: () => others.some((other) => other.faultCount > 0),
      isWaiting: () => others.some((other) => other.waitingFor > 0),
      changed(state) {
        const lagging = others.filter((other) => other.state !== state)
        if (lagging.length > 0) host.log(`VRRP_Group(${settings.name}) Syncing instances to ${state} state`)
        for (const other of lagging) other.force(state)
        host.notify(state)
      },
    })
  }
  return { settings, members }
}
