/*
 * Handing a virtual address over without stopping anything: its holder says that it is worth less than the member that is to have it, which then
 * takes over from it while it still serves (keepalived 2.2.7: a backup takes over from a lower priority three adverts and its skew later, unless
 * it has `nopreempt`, and never from an equal one).
 */
import type { NodeId, RouterMember, RouterView } from '#contract'

const lowest = 1

/** Who hands over to whom; else why that cannot be, in a sentence. */
export function handoverOf(router: RouterView, wanted?: NodeId): { from: RouterMember; to: RouterMember } | string {
  const { id, holders, verdict, members } = router
  const from = members.find(({ nodeId }) => nodeId === holders[0])
  if (from === undefined || verdict !== 'held')
    return `${id} is not held by exactly one of its members now (${verdict}), so nobody can hand it over.`
  const able = members
    .filter(({ nodeId, state, daemonRunning }) => nodeId !== from.nodeId && state === 'BACKUP' && daemonRunning !== false)
    .sort((one, other) => priorityOf(other) - priorityOf(one))
  const to = wanted === undefined ? able[0] : able.find(({ nodeId }) => nodeId === wanted)
  if (wanted === from.nodeId) return `${wanted} has ${id} already.`
  if (to === undefined) return `${wanted ?? 'No other member'} ${wanted === undefined ? 'is' : 'is not'} a BACKUP of ${id} now.`
  const first = able[0]
  if (first !== undefined && priorityOf(first) > priorityOf(to))
    return `${first.nodeId} has priority ${priorityOf(first)} and would take ${id} over before ${to.nodeId}, which has ${priorityOf(to)}.`
  if (to.nopreempt === true)
    return `${to.nodeId} has \`nopreempt\`: it never takes over from a member that is alive. Stop keepalived on ${from.nodeId}, or take \`nopreempt\` out first.`
  return { from, to }
}

/** The priority that `from` has to be configured with to be worth one less than `to`; else why there is none. */
export function handoverPriority(from: RouterMember, to: RouterMember): number | string {
  const tracked = priorityOf(from) - (from.configuredPriority ?? priorityOf(from))
  const priority = Math.max(lowest, priorityOf(to) - 1 - tracked)
  return Math.max(lowest, priority + tracked) < priorityOf(to)
    ? priority
    : `${to.nodeId} has priority ${priorityOf(to)}: there is none for ${from.nodeId} that is lower. Raise that of ${to.nodeId} first.`
}

const priorityOf = ({ effectivePriority, configuredPriority }: RouterMember): number =>
  effectivePriority ?? configuredPriority ?? 100
