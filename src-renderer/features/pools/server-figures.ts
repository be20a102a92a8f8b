import type { NodeId, NodeView, ServerOnBalancer, ServerView } from '#contract'

/** Sum of what is known; null when nothing is. A null is not a zero. */
export function sumKnown(values: Iterable<number | null>): number | null {
  let sum: number | null = null
  for (const value of values) if (value !== null) sum = (sum ?? 0) + value
  return sum
}

export function sessionsOf(server: ServerView): number | null {
  return sumKnown(server.on.map((cell) => cell.sessions))
}

export function queueOf(server: ServerView): number | null {
  return sumKnown(server.on.map((cell) => cell.queue))
}

export function errorRateOf(server: ServerView): number | null {
  return sumKnown(server.on.map((cell) => cell.errorRate))
}

/** The weight when every balancer gives the same one, `mixed` when not. */
export function weightOf(server: ServerView): number | 'mixed' | null {
  const weights = new Set(server.on.flatMap((cell) => (cell.weight === null ? [] : [cell.weight])))
  if (weights.size > 1) return 'mixed'
  const [weight] = weights
  return weight ?? null
}

/** The cell whose check says most: a failing one before a passing one. */
export function worstCheck(server: ServerView): ServerOnBalancer | null {
  const checked = server.on.filter((cell) => cell.check !== null && cell.state !== 'unknown')
  return checked.find((cell) => !isPassing(cell)) ?? checked[0] ?? null
}

/** HAProxy's `check_status`: L4OK, L6OK, L7OK, L7OKC pass; a leading `* ` means a check is running now. */
export function isPassing(cell: ServerOnBalancer): boolean {
  return cell.check === null || /^(\* )?(L[467]OKC?|INI|)$/.test(cell.check.status)
}

export interface BalancerTotals {
  readonly sessions: number | null
  /** null when any server is without a limit: the pool then has none either */
  readonly limit: number | null
  readonly queue: number | null
}

/** What one balancer carries for a group of servers. */
export function totalsOn(servers: readonly ServerView[], nodeId: NodeId): BalancerTotals {
  const cells = servers.flatMap((server) => server.on.filter((cell) => cell.nodeId === nodeId && cell.state !== 'unknown'))
  const unlimited = cells.length === 0 || cells.some((cell) => cell.sessionLimit === null)
  return {
    sessions: sumKnown(cells.map((cell) => cell.sessions)),
    limit: unlimited ? null : sumKnown(cells.map((cell) => cell.sessionLimit)),
    queue: sumKnown(cells.map((cell) => cell.queue)),
  }
}

/** When the daemon of this kind on this node was last read; null when it never was. */
export function readAtOf(node: NodeView | undefined, kind: 'haproxy' | 'nginx'): number | null {
  return node?.services.find((service) => service.kind === kind)?.readAt ?? null
}

/** Older than three polls, or never read. */
export function isStale(readAt: number | null, now: number, pollMs: number): boolean {
  return readAt === null || now - readAt > 3 * pollMs
}
