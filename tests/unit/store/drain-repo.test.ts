import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { DrainId, DrainRecord, NodeId, ServerId } from '#contract'
import { tempStore } from './temp-store.ts'

const before = { pool: 'be', server: 's', adminState: 0, weight: 7, configuredWeight: 10, address: '198.18.0.1:80' }

function drain(id: string, createdAt: number): DrainRecord {
  return {
    id: id as DrainId,
    title: 'Drain be/s on lb1',
    targets: ['edge/haproxy/be/s'],
    owner: 'mk (cli)',
    reason: 'kernel',
    floor: { atLeast: 1, unit: 'servers' },
    floorOverride: null,
    onViolation: 'reassert',
    then: 'nothing',
    unreachable: 'refuse',
    onDeadline: 'wait',
    nodes: null,
    deadlineMs: null,
    expiresMs: null,
    deadlineAt: null,
    deadlinePassed: false,
    expiresAt: null,
    heldSince: null,
    next: [],
    follows: null,
    goal: 'out',
    state: 'starting',
    said: '',
    createdAt,
    emptyAt: null,
    endedAt: null,
    forecast: { emptyInMs: null, shares: [] },
    outcome: null,
    finishing: false,
    cut: 0,
    waves: null,
    unchangeable: 'refuse',
    leftOut: [],
    jobs: [],
    places: [
      {
        serverId: 'edge/haproxy/be/s' as ServerId,
        nodeId: 'lb1' as NodeId,
        balancer: 'haproxy',
        pool: 'be',
        server: 's',
        before,
        phase: 'unset',
        said: '',
        left: null,
        proof: null,
        unreadSince: null,
        violations: 0,
        health: null,
        wasDown: false,
      },
    ],
  }
}

describe('drains', () => {
  it('come back as they were stored, newest first, and leave the list of open ones when they end', () => {
    const { store } = tempStore()
    store.drains.create(drain('1', 1))
    store.drains.create(drain('2', 2))
    expect(store.drains.get('1' as DrainId)).toEqual(drain('1', 1))
    store.drains.save({ ...drain('2', 2), state: 'ended', endedAt: 9 })
    expect(store.drains.list({ open: true, limit: 9 }).map(({ id }) => id)).toEqual(['1'])
    expect(store.drains.list({ open: false, limit: 9 }).map(({ id }) => id)).toEqual(['2', '1'])
    expect(store.drains.get('3' as DrainId)).toBeNull()
  })

  it('keep a pre-image as it was first written; one that is missing can be added', () => {
    const { store } = tempStore()
    const late = drain('1', 1)
    const withBefore = (value: typeof before | null): DrainRecord => ({
      ...late,
      places: late.places.map((place) => ({ ...place, before: value })),
    })
    store.drains.create(withBefore(null))
    store.drains.save(withBefore(before))
    expect(() => store.drains.save(withBefore({ ...before, weight: 1 }))).toThrow('cannot be changed')
    store.drains.save(withBefore(null))
    expect(store.drains.get('1' as DrainId)?.places[0]?.before).toEqual(before)
  })

  it('have a timeline that can only be added to', () => {
    const { store, folder } = tempStore()
    store.drains.create(drain('1', 1))
    const event = { at: 5, kind: 'started', nodeId: null, text: 'begun' } as const
    store.drains.append('1' as DrainId, event)
    store.drains.append('1' as DrainId, { ...event, kind: 'set' })
    expect(store.drains.timeline('1' as DrainId).map(({ kind }) => kind)).toEqual(['started', 'set'])
    const db = new Database(join(folder, 'console.db'))
    expect(() => db.exec('delete from drain_event')).toThrow('append-only')
    expect(() => db.exec("update drain_before set before_json = '{}'")).toThrow('written once')
    db.close()
  })
})
