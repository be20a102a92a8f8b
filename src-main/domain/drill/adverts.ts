/** What the adverts that came to a member say of when it was to take over. */
import type { NodeId } from '#contract'
import { advertMsFor, type VrrpMember } from './prediction.ts'
import { masterDownMs, skewMs } from './vrrp-timers.ts'

export interface HeardAdvert {
  readonly at: number
  /** 0: a farewell */
  readonly priority: number
}

export interface DueTakeover {
  /** of the last advert that kept the member waiting, or of the farewell */
  readonly heardAt: number
  readonly farewell: boolean
  /** it was told, or all adverts were missing that may be: from then on it waits for its turn alone */
  readonly knownAt: number
  readonly dueAt: number
}

/**
 * When `successor` was to take over from `owner`, by what came to it before it did. Null where nothing came, or where it takes lower adverts
 * for a while (`preempt_delay`), which is counted from a moment that cannot be seen.
 */
export function dueTakeover(
  members: readonly VrrpMember[],
  owner: NodeId,
  successor: NodeId,
  heard: readonly HeardAdvert[],
  takenAt: number,
): DueTakeover | null {
  const [from, to] = [owner, successor].map((nodeId) => members.find((member) => member.nodeId === nodeId))
  if (from === undefined || to === undefined) return null
  const timers = { ...to, advertMs: advertMsFor(to, from) }
  const before = heard.filter(({ at }) => at < takenAt).sort((one, other) => one.at - other.at)
  const isTaken = ({ priority }: HeardAdvert): boolean => priority >= to.priority || (to.nopreempt && priority > 0)
  const last = before.findLast(isTaken)
  const later = before.filter(({ at }) => at > (last?.at ?? -Infinity))
  const farewell = later.find(({ priority }) => priority === 0)
  if (farewell !== undefined) {
    const { at } = farewell
    return { heardAt: at, farewell: true, knownAt: at, dueAt: at + skewMs(timers) }
  }
  if (last === undefined || (to.preemptDelayMs > 0 && later.length > 0)) return null
  const dueAt = last.at + masterDownMs(timers)
  return { heardAt: last.at, farewell: false, knownAt: dueAt - skewMs(timers), dueAt }
}
