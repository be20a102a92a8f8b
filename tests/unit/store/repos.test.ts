import { join } from 'node:path'
import Database from 'better-sqlite3'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { type HistoryEntry, JobId, NodeId } from '#contract'
import type { JobRow } from '../../../src-main/app/ports/store.ts'
import { tempStore } from './temp-store.ts'

const nodeId = (id: string) => v.parse(NodeId, id)
const jobId = (id: string) => v.parse(JobId, id)

function job(id: string, node: string, more: Partial<JobRow> = {}): JobRow {
  return {
    id: jobId(id),
    kind: 'k',
    defVersion: 1,
    title: `Job ${id}`,
    input: { a: [1, null] },
    planSha256: 'x',
    state: 'running',
    outcome: null,
    requestedBy: 'mk',
    reason: null,
    createdAt: 1000,
    endedAt: null,
    cancelReason: null,
    undoes: null,
    error: null,
    steps: [
      {
        ordinal: 0,
        key: 's',
        nodeId: nodeId(node),
        title: 'Step',
        state: 'pending',
        attempt: 0,
        intent: null,
        error: null,
        startedAt: null,
        endedAt: null,
      },
    ],
    ...more,
  }
}

describe('jobs', () => {
  it('come back as they were stored', () => {
    const { store } = tempStore()
    store.jobs.create(job('1', 'a'), [nodeId('a')])
    const error = { code: 'job.step-failed' as const, message: 'm', effect: 'none' as const, details: { x: 1 } }
    store.jobs.updateStep(jobId('1'), 0, {
      state: 'failed',
      intent: { before: 3 },
      error,
      attempt: 2,
      startedAt: 5,
      endedAt: 6,
    })
    store.jobs.updateJob(jobId('1'), { cancelReason: 'operator', error })
    const expected = job('1', 'a', { cancelReason: 'operator', error })
    expect(store.jobs.get(jobId('1'))).toEqual({
      ...expected,
      steps: [{ ...expected.steps[0], state: 'failed', intent: { before: 3 }, error, attempt: 2, startedAt: 5, endedAt: 6 }],
    })
    expect(store.jobs.get(jobId('2'))).toBeNull()
  })

  it('leave nothing behind when a lock is taken, and give locks up at their end', () => {
    const { store } = tempStore()
    store.jobs.create(job('1', 'a'), [nodeId('a')])
    const second = () => store.jobs.create(job('2', 'b'), [nodeId('b'), nodeId('a')])
    expect(second).toThrow(expect.objectContaining({ code: 'job.conflict', details: { node: 'a', job: '1', title: 'Job 1' } }))
    expect(store.jobs.get(jobId('2'))).toBeNull()
    store.jobs.create(job('3', 'b'), [nodeId('b')])
    store.jobs.updateJob(jobId('1'), { state: 'paused' })
    expect(second).toThrow(expect.objectContaining({ code: 'job.conflict' }))
    for (const id of ['1', '3']) store.jobs.updateJob(jobId(id), { state: 'ended', outcome: 'succeeded', endedAt: 9 })
    second()
    expect(store.jobs.unfinished().map(({ id }) => id)).toEqual(['2'])
  })

  it('are listed newest first, by pages', () => {
    const { store } = tempStore()
    for (let i = 1; i <= 5; i += 1) store.jobs.create(job(String(i), 'a', { createdAt: i }), [])
    expect(store.jobs.list({ limit: 2 }).map(({ id }) => id)).toEqual(['5', '4'])
    expect(store.jobs.list({ limit: 2, before: 4 }).map(({ id }) => id)).toEqual(['3', '2'])
  })

  it('know what undid them, unless that did not work', () => {
    const { store } = tempStore()
    store.jobs.create(job('1', 'a'), [])
    store.jobs.create(job('2', 'a', { undoes: jobId('1') }), [])
    expect(store.jobs.undoneBy(jobId('1'))).toBe('2')
    store.jobs.updateJob(jobId('2'), { state: 'ended', outcome: 'rolled-back' })
    expect(store.jobs.undoneBy(jobId('1'))).toBeNull()
  })

  it('with a step that does not parse are left out as a whole and reported', () => {
    const { store, folder } = tempStore()
    store.jobs.create(job('1', 'a'), [nodeId('a')])
    const db = new Database(join(folder, 'console.db'))
    db.exec(`update job_step set state = 'sideways'`)
    db.close()
    expect(store.jobs.unfinished()).toEqual([])
    expect(store.quarantined()).toEqual([{ table: 'job_step', key: '1 0', why: expect.stringContaining('state') }])
  })

  it('keep their commands in order', () => {
    const { store } = tempStore()
    store.jobs.create(job('1', 'a'), [])
    const record = (command: string) => ({ nodeId: nodeId('a'), at: 1, via: 'ssh', command, exitCode: null, reply: '' })
    for (const command of ['one', 'two']) store.jobs.appendCommand(jobId('1'), 0, record(command))
    expect(store.jobs.commands(jobId('1'))).toEqual([
      { ordinal: 0, record: record('one') },
      { ordinal: 0, record: record('two') },
    ])
  })
})

describe('history', () => {
  const entry = (at: number, subject: string, kind: HistoryEntry['kind']): Omit<HistoryEntry, 'id'> => ({
    at,
    kind,
    nodeId: null,
    subject,
    data: { at },
  })

  it('is read newest first, by subject, by kind and by page', () => {
    const { store } = tempStore()
    const added = store.history.append([
      entry(1, 's', 'server.state'),
      entry(2, 't', 'node.connection'),
      entry(3, 's', 'router.holder'),
    ])
    expect(added.map(({ id }) => id)).toEqual([1, 2, 3])
    const at = (query: Parameters<typeof store.history.list>[0]) => store.history.list(query).map((line) => line.at)
    expect(at({ limit: 10 })).toEqual([3, 2, 1])
    expect(at({ limit: 1, before: 3 })).toEqual([2])
    expect(at({ limit: 10, subject: 's' })).toEqual([3, 1])
    expect(at({ limit: 10, subject: 's', before: 3 })).toEqual([1])
    expect(at({ limit: 10, kinds: ['server.state', 'node.connection'] })).toEqual([2, 1])
    expect(at({ limit: 10, kinds: [] })).toEqual([])
    expect(store.history.list({ limit: 10 })[2]).toEqual(added[0])
  })
})

describe('states', () => {
  const seen = (node: string, state: 'up' | 'down', at: number, word = state.toUpperCase()) => ({
    key: `web/app@1@${node}`,
    nodeId: nodeId(node),
    state,
    word,
    at,
  })

  it('are spans that touch, one open per balancer', () => {
    const { store } = tempStore()
    store.states.observe([seen('a', 'up', 10), seen('b', 'up', 10)])
    store.states.observe([seen('a', 'up', 20, 'UP 1/3'), seen('b', 'down', 20)])
    store.states.observe([seen('a', 'down', 30)])
    expect(store.states.spans('web/app@1', 0, 100)).toEqual([
      { nodeId: 'a', state: 'up', word: 'UP', from: 10, to: 30 },
      { nodeId: 'b', state: 'up', word: 'UP', from: 10, to: 20 },
      { nodeId: 'b', state: 'down', word: 'DOWN', from: 20, to: null },
      { nodeId: 'a', state: 'down', word: 'DOWN', from: 30, to: null },
    ])
    expect(store.states.spans('web/app@1', 21, 25).map(({ nodeId: id, state }) => [id, state])).toEqual([
      ['a', 'up'],
      ['b', 'down'],
    ])
  })

  it('never end before they began, when the clock is set back', () => {
    const { store } = tempStore()
    store.states.observe([seen('a', 'up', 100)])
    store.states.observe([seen('a', 'down', 50)])
    for (const { from, to } of store.states.spans('web/app@1', 0, 200)) expect(to === null || to >= from).toBe(true)
  })

  it('are not written twice by two processes or twice in one round', () => {
    const { store, folder } = tempStore()
    const other = tempStore(folder).store
    store.states.observe([seen('a', 'up', 10)])
    other.states.observe([seen('a', 'up', 11)])
    other.states.observe([seen('a', 'down', 12)])
    store.states.observe([seen('a', 'down', 13), seen('a', 'down', 14)])
    expect(store.states.spans('web/app@1', 0, 100)).toHaveLength(2)
  })

  it('that ended long ago are deleted', () => {
    const { store } = tempStore()
    const day = 86_400_000
    store.states.observe([seen('a', 'up', day)])
    store.states.observe([seen('a', 'down', 2 * day)])
    const settings = { ...store.settings.load(), keepHourDays: 10 }
    store.samples.maintain(11 * day, settings)
    expect(store.states.spans('web/app@1', 0, 100 * day)).toHaveLength(2)
    store.samples.maintain(13 * day, settings)
    expect(store.states.spans('web/app@1', 0, 100 * day).map(({ state }) => state)).toEqual(['down'])
  })
})

describe('host keys', () => {
  it('are kept per host and port, and forgotten by fingerprint', () => {
    const { store } = tempStore()
    const key = Buffer.from('a key')
    const entry = { host: '198.18.0.1', port: 22, key, trustedAt: 1, trustedBy: 'mk' }
    store.hostKeys.trust(entry)
    store.hostKeys.trust({ ...entry, trustedAt: 2 })
    store.hostKeys.trust({ ...entry, port: 2222 })
    expect(store.hostKeys.list()).toEqual([
      { ...entry, trustedAt: 2 },
      { ...entry, port: 2222 },
    ])
    const fingerprint = 'SHA256:j6Oqsvqpt54KA5jaW1q9B4AUJEKlvoC5pkYI1xjLH80'
    expect(store.hostKeys.forget({ host: '198.18.0.1', port: 22, fingerprint: 'SHA256:other' })).toBe(false)
    expect(store.hostKeys.forget({ host: '198.18.0.1', port: 22, fingerprint })).toBe(true)
    expect(store.hostKeys.list()).toEqual([{ ...entry, port: 2222 }])
  })
})

describe('the inventory', () => {
  it('keeps a probe as long as its node', () => {
    const { store } = tempStore()
    const node = { id: nodeId('a'), name: 'a', ssh: { host: 'a' } }
    const report = {
      nodeId: nodeId('a'),
      at: 1,
      durationMs: 2,
      hostName: 'h',
      os: 'o',
      user: 'u',
      initSystem: 'systemd' as const,
      sudo: 'root' as const,
      services: [],
      findings: [],
    }
    store.inventory.saveProbe(report)
    expect(store.inventory.probe(nodeId('a'))).toBeNull()
    store.inventory.save({ version: 1, fleet: 'f', sites: [], nodes: [node], pairs: [] })
    store.inventory.saveProbe(report)
    store.inventory.save({ version: 1, fleet: 'f', sites: [], nodes: [{ ...node, name: 'renamed' }], pairs: [] })
    expect(store.inventory.probe(nodeId('a'))).toEqual(report)
    store.inventory.save({ version: 1, fleet: 'f', sites: [], nodes: [], pairs: [] })
    expect(store.inventory.probe(nodeId('a'))).toBeNull()
  })
})
