import type {
  DrainClient,
  DrainEvent,
  DrainLeft,
  DrainPlan,
  DrainShare,
  DrainState,
  DrainSticky,
  DrainView,
  NodeId,
  ServerState,
} from '#contract'

/** The console's nine states are drawn everywhere; a drain borrows the glyph and hue of the one it is most like. */
export const pillOf: Record<DrainState, ServerState> = {
  starting: 'warming',
  draining: 'draining',
  held: 'maintenance',
  empty: 'drained',
  violated: 'down',
  'waiting-for-node': 'unknown',
  'put-back': 'warming',
  ended: 'up',
  failed: 'down',
}

/** What is drained, without the verb and the balancers that the title has. */
export function whatOf({ places, title }: Pick<DrainView, 'places' | 'title'>): string {
  const names = [...new Set(places.map(({ pool, server }) => `${pool}/${server}`))]
  return names.length === 0 ? title : names.join(', ')
}

/** Sessions on present and old workers; null as soon as one place cannot be counted. */
export function sessionsOf(lefts: readonly (DrainLeft | null)[]): number | null {
  let total = 0
  for (const left of lefts) {
    if (left === null || left.oldSessions === null) return null
    total += left.sessions + left.oldSessions
  }
  return total
}

export interface Connected extends DrainClient {
  readonly nodeId: NodeId
}

/** Everybody who is still connected, longest first; null when a balancer has too many to list them. */
export function connectedOf(places: readonly { nodeId: NodeId; left: DrainLeft | null }[]): Connected[] | null {
  const all: Connected[] = []
  for (const { nodeId, left } of places) {
    if (left === null) continue
    if (left.clients === null) return null
    for (const client of left.clients) all.push({ ...client, nodeId })
  }
  return all.sort((a, b) => b.ageMs - a.ageMs)
}

/**
 * How long it may still take: in a steady stream the time that a session still has is distributed like its age, so the oldest age is
 * the best guess at the longest rest, as main foretells it at the start. Null when nobody is listed.
 */
export const restOf = (connected: readonly Connected[] | null): number | null => connected?.[0]?.ageMs ?? null

/** Nobody can be cut, put back or held any more. */
export const isOver = ({ endedAt }: Pick<DrainView, 'endedAt'>): boolean => endedAt !== null

/** It can be held, finished or put back: not over, not on its way back, not given up. */
export const isKept = ({ endedAt, goal, state }: Pick<DrainView, 'endedAt' | 'goal' | 'state'>): boolean =>
  endedAt === null && goal !== 'back' && state !== 'failed'

/** A drain that did not go through can still be put back. */
export const canPutBack = ({ endedAt, goal, state }: Pick<DrainView, 'endedAt' | 'goal' | 'state'>): boolean =>
  endedAt === null && (goal !== 'back' || state === 'failed')

/** Servers that go on taking traffic, the fullest first: those are where it would hurt. */
export function survivorsOf(shares: readonly DrainShare[]): DrainShare[] {
  const fullness = ({ sessionsAfter, sessionLimit }: DrainShare) =>
    sessionsAfter === null || sessionLimit === null || sessionLimit === 0 ? -1 : sessionsAfter / sessionLimit
  return shares.filter(({ after }) => after > 0).sort((a, b) => fullness(b) - fullness(a) || b.after - a.after)
}

/** Part of the limit that would be in use, 0 to 1 and above; null without a limit or a figure. */
export function fullnessOf({ sessionsAfter, sessionLimit }: DrainShare): number | null {
  return sessionsAfter === null || sessionLimit === null || sessionLimit === 0 ? null : sessionsAfter / sessionLimit
}

export interface PredictionError {
  readonly predictedMs: number | null
  readonly tookMs: number | null
  /** the largest difference of a survivor's share, in points of a hundred; null when there was no work to compare */
  readonly worstPoints: number | null
}

/** What was foretold beside what came of it; null until it was empty once. */
export function predictionErrorOf({ forecast, outcome }: Pick<DrainView, 'forecast' | 'outcome'>): PredictionError | null {
  if (outcome === null) return null
  const keyOf = ({ pool, nodeId, server }: DrainShare) => `${pool} ${nodeId} ${server}`
  const seen = new Map(outcome.shares.map((share) => [keyOf(share), share]))
  // A balancer that was given nothing shares nothing: zero there is not a wrong prediction.
  const busy = new Set(outcome.shares.filter(({ after }) => after > 0).map(({ pool, nodeId }) => `${pool} ${nodeId}`))
  const differences = forecast.shares.flatMap((share) => {
    const real = seen.get(keyOf(share))
    return real === undefined || !busy.has(`${share.pool} ${share.nodeId}`) ? [] : [Math.abs(real.after - share.after) * 100]
  })
  return {
    predictedMs: forecast.emptyInMs,
    tookMs: outcome.emptyInMs,
    worstPoints: differences.length === 0 ? null : Math.max(...differences),
  }
}

export interface Violations {
  readonly count: number
  readonly last: DrainEvent
  /** when it was set again after the last one; null = it was not (yet) */
  readonly setAgainAt: number | null
}

/** How often something brought the server back, and what was done about the last time. */
export function violationsOf(timeline: readonly DrainEvent[]): Violations | null {
  const all = timeline.filter(({ kind }) => kind === 'violated')
  const last = all.at(-1)
  if (last === undefined) return null
  const again = timeline.find(({ kind, at }) => kind === 'reasserted' && at >= last.at)
  return { count: all.length, last, setAgainAt: again?.at ?? null }
}

type PlannedPlace = DrainPlan['places'][number]
/** Balancers of a pair are usually sent the same, the same way. */
export function groupCommands(places: readonly PlannedPlace[]): (PlannedPlace & { nodes: NodeId[] })[] {
  const groups = new Map<string, PlannedPlace & { nodes: NodeId[] }>()
  for (const place of places) {
    const key = [place.via, ...place.commands, '', ...place.undoCommands].join('\n')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { ...place, nodes: [place.nodeId] })
    else if (!group.nodes.includes(place.nodeId)) group.nodes.push(place.nodeId)
  }
  return [...groups.values()]
}

export interface StickyGroup extends DrainSticky {
  readonly servers: string[]
  readonly nodes: NodeId[]
}
/**
 * One line of the configuration usually stands for all servers of a pool, on both balancers of a pair. Balancers may share their tables, so
 * what one server has in them is the most that one balancer counts.
 */
export function groupSticky(places: readonly PlannedPlace[]): StickyGroup[] {
  const groups = new Map<string, StickyGroup & { counts: Map<string, number> }>()
  for (const { server, nodeId, sticky: all } of places) {
    for (const sticky of all ?? []) {
      const key = [sticky.kind, sticky.written, sticky.file, sticky.line].join('\n')
      const group = groups.get(key) ?? { ...sticky, servers: [], nodes: [], counts: new Map<string, number>() }
      groups.set(key, group)
      if (!group.servers.includes(server)) group.servers.push(server)
      if (!group.nodes.includes(nodeId)) group.nodes.push(nodeId)
      if (sticky.entries !== null) group.counts.set(server, Math.max(group.counts.get(server) ?? 0, sticky.entries))
    }
  }
  return [...groups.values()].map(({ counts, ...group }) => ({
    ...group,
    // of a cookie each server has a value of its own
    name: group.servers.length > 1 ? (group.name.split('=')[0] ?? group.name) : group.name,
    entries: counts.size === 0 ? null : [...counts.values()].reduce((total, count) => total + count, 0),
  }))
}

type FloorCheck = DrainPlan['floor'][number]
/** Balancers of a pair usually agree, and so do waves: one line for all of them that do. */
export function groupFloor(floor: readonly FloorCheck[]): (FloorCheck & { nodes: NodeId[] })[] {
  const groups = new Map<string, FloorCheck & { nodes: NodeId[] }>()
  for (const check of floor) {
    const key = [check.pool, check.healthy, check.remaining, check.total, check.needed].join(' ')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { ...check, nodes: [check.nodeId] })
    else if (!group.nodes.includes(check.nodeId)) group.nodes.push(check.nodeId)
  }
  return [...groups.values()].sort((a, b) => Number(a.holds) - Number(b.holds))
}
