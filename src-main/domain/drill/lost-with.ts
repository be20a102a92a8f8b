import type { FaultKind, NodeId, NodeView } from '#contract'

/** The other members that a fault takes with it: with `site-loss`, those of the same site. A node without a site is alone. */
export function lostWith(
  fault: FaultKind,
  node: NodeId,
  members: readonly NodeId[],
  nodes: readonly Pick<NodeView, 'id' | 'site'>[],
): NodeId[] {
  if (fault !== 'site-loss') return []
  const siteOf = (nodeId: NodeId): string | null => nodes.find(({ id }) => id === nodeId)?.site ?? null
  const own = siteOf(node)
  return own === null ? [] : members.filter((nodeId) => nodeId !== node && siteOf(nodeId) === own)
}
