import type { NodeId, PairId } from '#contract'

export interface PushTarget {
  nodeId: NodeId
  pair: PairId | null
  holdsVip: boolean
  /** a difference between the members of its pair would make both of them master */
  withPartner: boolean
}

/**
 * Who is changed when: in each wave groups side by side, in each group one node, or both members of a pair whose change must not be seen
 * by one alone. The canary is alone in the first wave; standbys come before holders of virtual addresses; two groups of one pair are never
 * in one wave.
 */
export function orderPush(
  targets: readonly PushTarget[],
  { canary, waveSize }: { canary: NodeId | undefined; waveSize: number },
): NodeId[][][] {
  const groups: PushTarget[][] = []
  for (const target of targets) {
    const partner = groups.find(([first]) => target.pair !== null && first?.pair === target.pair && first.withPartner)
    if (target.withPartner && partner !== undefined) partner.push(target)
    else groups.push([target])
  }
  const rank = (group: readonly PushTarget[]): number =>
    group.some(({ nodeId }) => nodeId === canary) ? 0 : group.some(({ holdsVip }) => holdsVip) ? 2 : 1
  // sort is stable: as they were asked for within each rank
  const [first, ...rest] = [...groups].sort((one, other) => rank(one) - rank(other))
  if (first === undefined) return []
  const waves: PushTarget[][][] = []
  for (const group of rest) {
    const pair = group[0]?.pair ?? null
    const wave = waves.find(
      (each) =>
        each.length < waveSize &&
        each.every((other) => rank(other) === rank(group) && (pair === null || other[0]?.pair !== pair)),
    )
    if (wave === undefined) waves.push([group])
    else wave.push(group)
  }
  return [[first], ...waves].map((wave) => wave.map((group) => group.map(({ nodeId }) => nodeId)))
}
