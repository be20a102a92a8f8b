/*
 * Where virtual addresses go when the members of a virtual router are given new settings, one wave after the other. What is decided as
 * keepalived 2.2.7 decides it, measured: a backup takes over from a lower priority unless it has `nopreempt`, and not from an equal one;
 * a reload keeps an instance in its state unless its interface or its id is another; one that goes gives its addresses up.
 */
import type { NodeId, PushPlan } from '#contract'

export interface RouterSettings {
  vrid: number
  interface: string
  priority: number
  nopreempt: boolean
  addresses: readonly string[]
}

export interface RouterMember {
  nodeId: NodeId
  isMaster: boolean
  /** may become master: it runs, and nothing that it tracks has put it into FAULT */
  isAble: boolean
  /** what it tracks adds to its priority now */
  tracked: number
  now: RouterSettings
  /** null: it has no such instance any more */
  next: RouterSettings | null
}

type VipMove = PushPlan['vipMoves'][number]

interface Standing {
  member: RouterMember
  settings: RouterSettings | null
}

/** What moves, or is without an owner for a while or for good; `waves` as in orderPush. */
export function vipMoves(name: string, members: readonly RouterMember[], waves: readonly NodeId[][][]): VipMove[] {
  const standing: Standing[] = members.map((member) => ({ member, settings: member.now }))
  let master = standing.find(({ member }) => member.isMaster) ?? null
  const moves: VipMove[] = []
  for (const wave of waves) {
    const had = master?.settings
    let isNew = false
    for (const each of standing) {
      if (!wave.flat().includes(each.member.nodeId)) continue
      const { now, next } = each.member
      each.settings = next
      if (each === master) isNew = next === null || next.vrid !== now.vrid || next.interface !== now.interface
    }
    if (master === null || had == null) break
    const was = master
    const rivals = standing.filter((each) => each !== was && each.member.isAble && each.settings !== null)
    const [best] = rivals
      .filter(({ settings }) => isNew || settings?.nopreempt === false)
      .sort((one, other) => priorityOf(other) - priorityOf(one))
    if (best !== undefined && (was.settings === null || priorityOf(best) > priorityOf(was))) master = best
    else if (was.settings === null) master = null
    moves.push(...movesBetween(name, had, was, master, isNew))
  }
  return moves
}

function movesBetween(name: string, had: RouterSettings, was: Standing, now: Standing | null, isNew: boolean): VipMove[] {
  const from = was.member.nodeId
  return had.addresses.flatMap((address): VipMove[] => {
    const to = now?.settings?.addresses.includes(address) === true ? now.member.nodeId : null
    if (to === from && !isNew) return []
    return [{ router: name, address, from, to, text: `${where(address, from, to)}${why(name, was, now)}` }]
  })
}

function where(address: string, from: NodeId, to: NodeId | null): string {
  if (to === null) return `${address} goes from ${from}, and no node has it then: `
  return to === from
    ? `${address} is on no node for about three adverts, then on ${from} again: `
    : `${address} moves from ${from} to ${to}: `
}

function why(name: string, was: Standing, now: Standing | null): string {
  const from = was.member.nodeId
  if (was.settings === null) return `${name} is not in the new configuration of ${from}.`
  if (now !== null && now !== was)
    return `${name} has priority ${priorityOf(was)} on ${from} and ${priorityOf(now)} on ${now.member.nodeId}.`
  const { now: before, next } = was.member
  return before.vrid !== next?.vrid || before.interface !== next.interface
    ? `${name} begins anew, with another id or interface.`
    : `${name} does not have it any more.`
}

/** as it counts in adverts; keepalived keeps it between 1 and 254 */
const priorityOf = ({ member, settings }: Standing): number =>
  Math.min(254, Math.max(1, (settings?.priority ?? 0) + member.tracked))
