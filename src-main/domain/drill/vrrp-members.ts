/*
 * A virtual router's members with all that the arithmetic needs: what the daemons say now, and from their files what they do not say
 * (keepalived.conf(5), 2.2.7: `version`, `preempt_delay`, `down_timer_adverts`, `vrrp_script`).
 */
import type { NodeId, RouterView } from '#contract'
import { blockOf, trackedBy, valueOf, valuesOf, type Instance, type KeepalivedFile } from '../keepalived/config-view.ts'
import type { BalancerCheck, VrrpMember } from './prediction.ts'
import { roundAdvertMs } from './vrrp-timers.ts'

/** `files`: those of keepalived on each member; a member without them is taken to have the daemon's defaults. */
export function membersOf(
  { name, vrid, members, holders }: RouterView,
  files: ReadonlyMap<NodeId, readonly KeepalivedFile[]>,
): VrrpMember[] {
  return members.map((member) => {
    const own = files.get(member.nodeId) ?? []
    const instance = instanceOf(own, name, vrid)
    const version = versionOf(own, instance)
    const basePriority = member.configuredPriority ?? 100
    return {
      nodeId: member.nodeId,
      version,
      advertMs: roundAdvertMs(version, member.advertIntMs ?? 1000),
      downAdverts: Number(word(instance, 'down_timer_adverts') ?? 3),
      priority: member.effectivePriority ?? basePriority,
      basePriority,
      nopreempt: member.nopreempt ?? false,
      preemptDelayMs: Math.round(Number(word(instance, 'preempt_delay') ?? 0) * 1000),
      holds: holders.includes(member.nodeId),
      out: member.state === 'FAULT' || member.daemonRunning === false,
      check: checkOf(own, instance),
    }
  })
}

const word = (instance: Instance | null, keyword: string): string | undefined =>
  instance === null ? undefined : valueOf(instance, keyword)

/** The instance of that name, or else of that number. */
export function instanceOf(files: readonly KeepalivedFile[], name: string, vrid: number): Instance | null {
  const instances = files.flatMap((file) => file.instances)
  return (
    instances.find((each) => each.name === name) ??
    instances.find((each) => Number(valueOf(each, 'virtual_router_id')) === vrid) ??
    null
  )
}

/** An address of IPv6 takes version 3 whatever is configured. */
function versionOf(files: readonly KeepalivedFile[], instance: Instance | null): 2 | 3 {
  const [first] = instance === null ? [] : blockOf(instance.statements, 'virtual_ipaddress')
  if (first?.words[0].value.includes(':') === true) return 3
  const global = files.map(({ statements }) => valuesOf(blockOf(statements, 'global_defs'), 'vrrp_version')[0])
  return Number(word(instance, 'version') ?? global.find((each) => each !== undefined) ?? 2) === 3 ? 3 : 2
}

const balancers = /haproxy|nginx/
const asking = /curl|wget|\bnc\b|socat|\/dev\/tcp|nmap|check_http|check_tcp/

/** The tracked check that is about the balancer: it names it, or asks for an answer. */
function checkOf(files: readonly KeepalivedFile[], instance: Instance | null): BalancerCheck | null {
  if (instance === null) return null
  const scripts = files.flatMap((file) => file.scripts.map((script) => ({ script, file })))
  for (const track of trackedBy(instance, 'track_script')) {
    const found = scripts.find(({ script }) => script.name === track.name)
    if (found === undefined) continue
    const { script, file } = found
    const text = `${script.name} ${script.command}`
    if (!balancers.test(text) && !asking.test(text)) continue
    const body = blockOf(
      file.statements.filter(({ words }) => words[1]?.value === script.name),
      'vrrp_script',
    )
    return {
      name: script.name,
      intervalMs: script.intervalS * 1000,
      fall: Number(valuesOf(body, 'fall')[0] ?? 1),
      weight: track.weight ?? script.weight,
      asksForAnswer: asking.test(script.command),
    }
  }
  return null
}
