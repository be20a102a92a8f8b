import type { NodeView } from '#contract'

export type Freshness = 'fresh' | 'stale' | 'unreachable'

/** `unreachable`: no connection now, and there was a failure; `stale`: connected, but some daemon's facts are old or none were read. */
export function freshnessOf(node: NodeView, isStale: (readAt: number | null) => boolean): Freshness {
  const { state, error } = node.connection
  if (state === 'waiting' || state === 'refused' || (state === 'connecting' && error !== null)) return 'unreachable'
  if (node.services.length === 0 || node.services.some((service) => isStale(service.readAt))) return 'stale'
  return 'fresh'
}

/** Time of the oldest of the newest reads of a node's daemons; null when one of them was never read. */
export function readAtOf(node: NodeView): number | null {
  const times = node.services.map((service) => service.readAt)
  if (times.length === 0 || times.includes(null)) return null
  return Math.min(...times.filter((time) => time !== null))
}
