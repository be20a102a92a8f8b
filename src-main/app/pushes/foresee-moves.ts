import type { ConfigText, NodeId, PushPlan } from '#contract'
import type { InstanceReading, VrrpReading } from '../../domain/fleet/reading.ts'
import { instancesOf, linesOf, type ConfiguredInstance } from '../../domain/keepalived/parse-config.ts'
import { vipMoves, type RouterMember, type RouterSettings } from '../../domain/push/vip-moves.ts'
import type { CallLimits } from '../ports/node-session.ts'
import type { NodeServices } from './parties.ts'

/** A node as keepalived says it stands, and its files of now and then; both empty where it is not changed. */
export interface ConfiguredMember {
  nodeId: NodeId
  /** null: nobody answers there */
  vrrp: VrrpReading | null
  before: readonly ConfigText[]
  after: readonly ConfigText[]
}

/** null: there is no keepalived */
export async function readVrrp({ session, services }: NodeServices, limits: CallLimits): Promise<VrrpReading | null> {
  const reading = await services.find(({ kind }) => kind === 'keepalived')?.observe(session, limits)
  return reading?.kind === 'keepalived' ? reading : null
}

/** The moves of virtual addresses that a push to these members of one pair brings about. */
export function foreseeMoves(members: readonly ConfiguredMember[], waves: PushPlan['waves']): PushPlan['vipMoves'] {
  const running = members.flatMap(({ vrrp }) => (vrrp?.daemonAnswered === true ? vrrp.instances : []))
  const vrids = [...new Set(running.map(({ vrid }) => vrid))]
  return vrids.flatMap((vrid) => {
    const found = members.flatMap((member) => memberOf(member, vrid))
    const name = running.find((each) => each.vrid === vrid)?.name ?? ''
    return vipMoves(name, found, waves)
  })
}

function memberOf({ nodeId, vrrp, before, after }: ConfiguredMember, vrid: number): RouterMember[] {
  const reading = vrrp?.daemonAnswered === true ? vrrp.instances.find((each) => each.vrid === vrid) : undefined
  if (reading === undefined) return []
  const now = settingsOf(reading)
  const { configuredPriority, effectivePriority, state } = reading
  return [
    {
      nodeId,
      isMaster: state === 'MASTER',
      isAble: state === 'MASTER' || state === 'BACKUP',
      tracked: configuredPriority === null || effectivePriority === null ? 0 : effectivePriority - configuredPriority,
      now,
      next: nextSettings(now, inText(before, reading.name), inText(after, reading.name)),
    },
  ]
}

/** What the files change is changed; the rest is as the daemon has it, who knows what `@conditions` and defaults come to. */
function nextSettings(
  now: RouterSettings,
  was: ConfiguredInstance | null,
  is: ConfiguredInstance | null,
): RouterSettings | null {
  if (was === null) return now
  if (is === null) return null
  const same = [...was.addresses].sort().join(' ') === [...is.addresses].sort().join(' ')
  return {
    vrid: was.vrid === is.vrid ? now.vrid : is.vrid,
    interface: was.interface === is.interface ? now.interface : is.interface,
    priority: was.priority === is.priority ? now.priority : (is.priority ?? now.priority),
    nopreempt: was.nopreempt === is.nopreempt ? now.nopreempt : is.nopreempt === true,
    addresses: same ? now.addresses : is.addresses,
  }
}

const settingsOf = (reading: InstanceReading): RouterSettings => ({
  vrid: reading.vrid,
  interface: reading.interface,
  priority: reading.configuredPriority ?? 100,
  nopreempt: reading.nopreempt === true,
  addresses: reading.addresses,
})

const inText = (files: readonly ConfigText[], name: string): ConfiguredInstance | null =>
  instancesOf(files.flatMap(({ path, text }) => linesOf(path, text))).find((each) => each.name === name) ?? null
