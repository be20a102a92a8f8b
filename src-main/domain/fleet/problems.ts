import { FLAPPING, type NodeView, type PoolView, type Problem, type RouterView, type ServerView } from '#contract'
import type { PoolsView } from './pools.ts'
import { takesTraffic } from './state.ts'

/** A problem before its beginning and what preceded it are known. `since` is null where the facts do not say. */
export type Finding = Omit<Problem, 'since' | 'changedBefore'> & { since: number | null }

/** An operation that ended; the newest one shortly before a problem is shown beside it. */
export interface EndedOperation {
  jobId: string
  title: string
  endedAt: number
}

/** An operation that ended longer than this before a problem began is not named as what changed just before. */
export const changedBeforeMs = 15 * 60_000

const severityRank = { critical: 0, warning: 1, info: 2 } as const
const kindRank = [
  'split-brain',
  'no-owner',
  'duplicate-address',
  'pool-empty',
  'zombie-vip',
  'host-key',
  'node-unreachable',
  'vip-flapping',
  'servers-down',
  'service-unreadable',
  'balancers-disagree',
  'server-degraded',
]

/** Worst first; what began later comes first among equals. A problem that goes on keeps its beginning. */
export function problemsFrom(
  findings: readonly Finding[],
  previous: readonly Problem[],
  operations: readonly EndedOperation[],
  now: number,
): Problem[] {
  const before = new Map(previous.map((problem) => [problem.id, problem]))
  return findings
    .map((finding) => {
      const since = before.get(finding.id)?.since ?? finding.since ?? now
      return { ...finding, since, changedBefore: changedBefore(since, operations) }
    })
    .sort(
      (a, b) =>
        severityRank[a.severity] - severityRank[b.severity] ||
        kindRank.indexOf(a.kind) - kindRank.indexOf(b.kind) ||
        b.since - a.since ||
        (a.id < b.id ? -1 : 1),
    )
}

function changedBefore(since: number, operations: readonly EndedOperation[]): Problem['changedBefore'] {
  let newest: EndedOperation | null = null
  for (const operation of operations) {
    if (operation.endedAt > since || operation.endedAt < since - changedBeforeMs) continue
    if (newest === null || operation.endedAt > newest.endedAt) newest = operation
  }
  return newest === null ? null : { jobId: newest.jobId, title: newest.title, at: newest.endedAt }
}

export function nodeFindings(node: NodeView): Finding[] {
  const { state, error, since } = node.connection
  const common = { nodes: [node.id], pool: null, router: null }
  if (error !== null && error.code.startsWith('ssh.host-key-')) {
    const data = { node: node.name, code: error.code, message: error.message }
    return [{ ...common, id: `host-key:${node.id}`, severity: 'critical', kind: 'host-key', data, since }]
  }
  if (error !== null && state !== 'connected') {
    const data = { node: node.name, code: error.code, message: error.message }
    return [{ ...common, id: `node-unreachable:${node.id}`, severity: 'critical', kind: 'node-unreachable', data, since }]
  }
  return node.services.flatMap((service) => {
    if (service.error === null) return []
    const data = { node: node.name, service: service.kind, code: service.error.code, message: service.error.message }
    const id = `service-unreadable:${node.id}/${service.kind}`
    return [{ ...common, id, severity: 'warning', kind: 'service-unreadable', data, since: service.error.since }]
  })
}

const verdictKinds = {
  'split-brain': 'split-brain',
  'no-owner': 'no-owner',
  duplicate: 'duplicate-address',
  zombie: 'zombie-vip',
  held: null,
  unknown: null,
} as const

export function routerFindings(router: RouterView): Finding[] {
  const common = { pool: null, router: router.id }
  const members = router.members.map((member) => member.nodeId)
  const data = { router: router.name, addresses: router.addresses, holders: router.holders }
  const found: Finding[] = []
  const kind = verdictKinds[router.verdict]
  if (kind !== null) {
    found.push({
      ...common,
      id: `${kind}:${router.id}`,
      severity: 'critical',
      kind,
      data: { ...data, outsiders: router.outsiders.map(({ nodeId, mac }) => nodeId ?? mac ?? '') },
      nodes: kind === 'no-owner' || router.holders.length === 0 ? members : router.holders,
      since: router.verdictSince,
    })
  }
  if (router.moves.length >= FLAPPING.moves) {
    found.push({
      ...common,
      id: `vip-flapping:${router.id}`,
      severity: 'warning',
      kind: 'vip-flapping',
      data: { ...data, moves: router.moves.length },
      nodes: members,
      since: router.moves[0] ?? null,
    })
  }
  return found
}

/** One line per pool and kind, however many servers are concerned. */
export function poolFindings({ pools, servers }: PoolsView): Finding[] {
  const byPool = new Map<string, ServerView[]>()
  for (const server of servers) {
    const members = byPool.get(server.poolId)
    if (members === undefined) byPool.set(server.poolId, [server])
    else members.push(server)
  }
  return pools.flatMap((pool) => findingsOfPool(pool, byPool.get(pool.id) ?? []))
}

function findingsOfPool(pool: PoolView, servers: readonly ServerView[]): Finding[] {
  const finding = (
    kind: Finding['kind'],
    severity: Finding['severity'],
    nodes: Finding['nodes'],
    concerned: readonly ServerView[],
  ) => ({
    id: `${kind}:${pool.id}`,
    severity,
    kind,
    data: {
      pool: pool.name,
      servers: concerned.map((server) => server.name),
      total: servers.length,
      left: servers.filter((server) => takesTraffic(server.state)).length,
      check: commonestCheck(concerned),
    },
    nodes,
    pool: pool.id,
    router: null,
    since: beginningOf(concerned),
  })
  const found: Finding[] = []
  const emptyOn = pool.nodes.filter((nodeId) => isEmptyOn(nodeId, servers))
  const down = servers.filter((server) => server.state === 'down')
  if (emptyOn.length > 0) found.push({ ...finding('pool-empty', 'critical', emptyOn, down), since: latestOn(emptyOn, servers) })
  else if (down.length > 0) found.push(finding('servers-down', 'warning', pool.nodes, down))
  const apart = servers.filter((server) => server.disagrees)
  if (apart.length > 0) found.push(finding('balancers-disagree', 'warning', pool.nodes, apart))
  const degraded = servers.filter((server) => server.state === 'degraded')
  if (degraded.length > 0) found.push(finding('server-degraded', 'info', pool.nodes, degraded))
  return found
}

/** What most of the failing checks of these servers say, e.g. `L4CON Connection refused`; empty where no check failed. */
function commonestCheck(servers: readonly ServerView[]): string {
  const counts = new Map<string, number>()
  for (const server of servers) {
    for (const { check, state } of server.on) {
      if (check === null || state !== server.state) continue
      const said = `${check.status} ${check.text}`.trim()
      counts.set(said, (counts.get(said) ?? 0) + 1)
    }
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? ''
}

/** Does this balancer have the pool, can it be read, and is there no server left that it would send a session to? */
function isEmptyOn(nodeId: string, servers: readonly ServerView[]): boolean {
  let known = false
  for (const server of servers) {
    const cell = server.on.find((each) => each.nodeId === nodeId)
    if (cell === undefined) continue
    if (cell.state === 'unknown' || takesTraffic(cell.state)) return false
    known = true
  }
  return known
}

/** When the first of these servers got into the state it is in now. */
function beginningOf(servers: readonly ServerView[]): number | null {
  const times = servers.flatMap((server) =>
    server.on.flatMap((cell) => (cell.since !== null && cell.state === server.state ? [cell.since] : [])),
  )
  return times.length === 0 ? null : Math.min(...times)
}

/** A pool is empty since its last server left. */
function latestOn(nodes: readonly string[], servers: readonly ServerView[]): number | null {
  const times = servers.flatMap((server) =>
    server.on.flatMap((cell) => (cell.since !== null && nodes.includes(cell.nodeId) ? [cell.since] : [])),
  )
  return times.length === 0 ? null : Math.max(...times)
}
