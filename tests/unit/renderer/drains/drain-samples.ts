import * as v from 'valibot'
import { DrainShare, DrainView, type DrainEvent, type DrainLeft, type DrainPlace } from '#contract'

/** Drains for tests of the window. Parsed by the contract, so that they cannot drift from it. */
export const startedAt = 1_700_000_000_000

export function left(sessions: number, more: Partial<DrainLeft> = {}): DrainLeft {
  return {
    at: startedAt,
    sessions,
    oldSessions: 0,
    queue: 0,
    idle: null,
    lastRequestS: null,
    stuck: null,
    clients: [],
    ...more,
  }
}

type Loose<T> = { [K in keyof T]?: unknown }

export function place(serverId: string, nodeId: string, more: Loose<DrainPlace> = {}): unknown {
  const [, , pool, server] = serverId.split('/')
  return {
    ...{ serverId, nodeId, pool, server, before: null, phase: 'in-force', said: '' },
    ...{ left: left(3), proof: null, unreadSince: null, violations: 0 },
    ...more,
  }
}

export function share(server: string, more: Loose<DrainShare> = {}): DrainShare {
  return v.parse(DrainShare, {
    ...{ pool: 'edge/haproxy/web', nodeId: 'lb1', server, before: 0.5, after: 1 },
    ...{ rateBefore: 10, rateAfter: 20, sessionsBefore: 4, sessionsAfter: 8, sessionLimit: 10 },
    ...more,
  })
}

export const event = (kind: DrainEvent['kind'], at: number): DrainEvent => ({ at, kind, nodeId: null, text: `${kind} ${at}` })

export function drain(id: string, more: Loose<DrainView> = {}): DrainView {
  return v.parse(DrainView, {
    ...{ id, title: 'Drain web/web1 on lb1, lb2', targets: ['edge/haproxy/web/web1'], owner: 'osamu', reason: 'kernel' },
    ...{ floor: { atLeast: 1, unit: 'servers' }, floorOverride: null, onViolation: 'reassert', then: 'nothing' },
    ...{ unreachable: 'refuse', onDeadline: 'wait', nodes: null, deadlineMs: null, expiresMs: null, deadlineAt: null },
    ...{ deadlinePassed: false, expiresAt: null, heldSince: null, next: [], follows: null, goal: 'out', state: 'draining' },
    ...{ said: '', createdAt: startedAt, emptyAt: null, endedAt: null, forecast: { emptyInMs: 10_000, shares: [] } },
    ...{ outcome: null, finishing: false, cut: 0, jobs: [], timeline: [] },
    places: [place('edge/haproxy/web/web1', 'lb1'), place('edge/haproxy/web/web1', 'lb2')],
    ...more,
  })
}
