import { describe, expect, it } from 'vitest'
import type { DrainBefore } from '#contract'
import {
  evidenceOf,
  isPlaceEmpty,
  isPlaceQuiet,
  judgePlace,
  verdictWhenSet,
} from '../../../../src-main/domain/drain/judge-place.ts'
import type { PlaceReading } from '../../../../src-main/domain/drain/place-reading.ts'

const before: DrainBefore = {
  pool: 'be',
  server: 's',
  adminState: 0,
  weight: 10,
  configuredWeight: 10,
  address: '198.18.0.1:80',
}
const reading = (over: Partial<PlaceReading> = {}): PlaceReading => ({
  ...before,
  worker: 100,
  sessions: 0,
  oldSessions: 0,
  oldWorkers: [],
  queue: 0,
  idle: 0,
  lastRequestS: null,
  totalSessions: 5,
  agentCheck: false,
  health: 'up',
  stickyBy: [],
  clients: [],
  ...over,
})

describe('judgePlace, wanted out', () => {
  it.each([
    ['not set yet', 'unset', 0, 'unset', 'drain'],
    ['set', 'unset', 8, 'in-force', null],
    ['drained by what it tracks', 'unset', 0x10, 'in-force', null],
    ['undone by a reload', 'in-force', 0, 'returned', 'drain'],
    ['undone, and the file said disabled once', 'in-force', 4, 'returned', 'drain'],
    ['put into maintenance by somebody', 'in-force', 1, 'taken', null],
    ['put into maintenance by its DNS', 'in-force', 0x20, 'taken', null],
    ['back in force', 'returned', 8, 'in-force', null],
    ['back in the configuration', 'gone', 0, 'returned', 'drain'],
  ] as const)('%s', (_what, last, adminState, phase, needs) => {
    expect(judgePlace('out', before, last, reading({ adminState }))).toMatchObject({ phase, needs })
  })

  it.each([
    [7, false, 'a hand command undid'],
    [7, true, 'its agent-check or a hand command undid'],
    [6, true, 'a reload or a restart (with load-server-state-from-file'],
    [null, false, 'a hand command, or a reload or a restart'],
  ])('that has come back says by what: the worker before was %s, an agent %s', (lastWorker, agentCheck, said) => {
    const verdict = judgePlace('out', before, 'in-force', reading({ worker: 7, agentCheck }), lastWorker)
    expect(verdict).toMatchObject({ phase: 'returned', needs: 'drain', said: expect.stringContaining(said) as string })
  })

  it('leaves a server alone that was in maintenance before', () => {
    const was = { ...before, adminState: 5 }
    expect(judgePlace('out', was, 'unset', reading({ adminState: 5 }))).toMatchObject({ phase: 'already-out', needs: null })
    expect(verdictWhenSet('out', was)).toMatchObject({ phase: 'already-out' })
    expect(verdictWhenSet('maintenance', was)).toMatchObject({ phase: 'in-force' })
    expect(verdictWhenSet('out', before)).toMatchObject({ phase: 'in-force' })
  })

  it('takes weight 0 for the state before, not for a drain', () => {
    expect(judgePlace('out', { ...before, weight: 0 }, 'unset', reading({ weight: 0 }))).toMatchObject({ needs: 'drain' })
  })

  it('does not touch a server that is gone or has become another', () => {
    expect(judgePlace('out', before, 'in-force', null)).toMatchObject({ phase: 'gone', needs: null })
    const other = judgePlace('back', before, 'in-force', reading({ address: '198.18.0.2:80' }))
    expect(other).toMatchObject({ phase: 'gone', needs: null })
    expect(other.said).toContain('198.18.0.2:80')
  })
})

describe('judgePlace, wanted in maintenance or back', () => {
  it('a drained server goes one step further', () => {
    expect(judgePlace('maintenance', before, 'in-force', reading({ adminState: 8 }))).toMatchObject({
      phase: 'in-force',
      needs: 'maint',
    })
    expect(judgePlace('maintenance', before, 'in-force', reading({ adminState: 1 }))).toMatchObject({ needs: null })
    expect(judgePlace('maintenance', before, 'in-force', reading())).toMatchObject({ phase: 'returned', needs: 'maint' })
  })

  it('is back only when state and weight are those of before', () => {
    expect(judgePlace('back', before, 'in-force', reading({ weight: 3 }))).toMatchObject({ needs: 'restore' })
    expect(judgePlace('back', before, 'in-force', reading({ adminState: 1 }))).toMatchObject({ needs: 'restore' })
    expect(judgePlace('back', before, 'in-force', reading())).toMatchObject({ phase: 'restored', needs: null })
  })
})

describe('isPlaceEmpty', () => {
  it.each<[string, Partial<PlaceReading>, boolean]>([
    ['nobody, and nobody can come', { lastRequestS: 0 }, true],
    ['nobody, ever', {}, true],
    ['a session', { sessions: 1 }, false],
    ['somebody queued, or undecided on an old worker', { queue: 1 }, false],
    ['a session on an old worker', { oldSessions: 1 }, false],
    ['old workers that cannot be counted', { oldSessions: null }, false],
    ['a cookie that brings clients back, however long they stayed away', { stickyBy: ['c'], lastRequestS: 3600 }, false],
    ['a cookie that maintenance makes void', { stickyBy: ['c'], adminState: 1, lastRequestS: 0 }, true],
    ['an old worker in maintenance', { stickyBy: ['c'], adminState: 1, oldSessions: 1 }, false],
    ['a cookie of nginx, which has no maintenance', { stickyBy: ['c'], lines: [], lastRequestS: 10 }, true],
    ['a cookie of nginx, a moment ago', { stickyBy: ['c'], lines: [], lastRequestS: 9 }, false],
    ['pooled connections without a client', { idle: 4 }, true],
  ])('%s', (_what, over, empty) => {
    expect(isPlaceEmpty(reading(over))).toBe(empty)
  })

  it('asks for quiet before clients that stick to it are turned away', () => {
    const sticky = { stickyBy: ['c'], adminState: 8 }
    expect(isPlaceQuiet(reading({ ...sticky, lastRequestS: 9 }))).toBe(false)
    expect(isPlaceQuiet(reading({ ...sticky, lastRequestS: 10, sessions: 1 }))).toBe(false)
    expect(isPlaceQuiet(reading({ ...sticky, lastRequestS: 10 }))).toBe(true)
    expect(isPlaceQuiet(reading({ ...sticky, lastRequestS: null })), 'never by this worker').toBe(true)
  })

  it('is shown with the figures it was judged by', () => {
    expect(evidenceOf(reading({ adminState: 8, lastRequestS: 12, oldWorkers: [99] }))).toEqual([
      'show servers state: srv_admin_state=8 srv_uweight=10',
      'show stat, worker 100: scur=0 qcur=0 stot=5 lastsess=12',
      'old workers: 99: 0 sessions, 0 clients without a server',
    ])
  })
})

describe('a member of nginx', () => {
  const line = (written: string) => ({ file: '/etc/nginx/a.conf', line: 3, written, sha256: 'x', word: 'down' as const })
  const was: DrainBefore = { ...before, lines: [line('server 198.18.0.1:80')] }
  const out = { adminState: 8, lines: [line('server 198.18.0.1:80 down')] }

  it('is as far out as it gets once it is out, also for maintenance', () => {
    expect(judgePlace('out', was, 'unset', reading(out))).toMatchObject({ phase: 'in-force', needs: null })
    expect(judgePlace('maintenance', was, 'in-force', reading(out))).toMatchObject({ phase: 'in-force', needs: null })
    expect(judgePlace('maintenance', was, 'in-force', reading({ ...was }))).toMatchObject({ phase: 'returned', needs: 'maint' })
  })

  it('has returned when its line was edited, and says so', () => {
    const verdict = judgePlace('out', was, 'in-force', reading({ ...was }))
    expect(verdict).toMatchObject({ phase: 'returned', needs: 'drain' })
    expect(verdict.said).toContain('edited its line')
  })

  it('is restored only when its lines are as they were written', () => {
    expect(judgePlace('back', was, 'in-force', reading({ ...was }))).toMatchObject({ phase: 'restored' })
    const edited = reading({ lines: [line('server 198.18.0.1:80 max_fails=3')] })
    expect(judgePlace('back', was, 'in-force', edited)).toMatchObject({ phase: 'in-force', needs: 'restore' })
  })

  it('is proved empty by its line and the connections', () => {
    const evidence = evidenceOf(reading({ ...out, worker: 7, oldWorkers: [5] }))
    expect(evidence).toEqual([
      '/etc/nginx/a.conf:3: server 198.18.0.1:80 down;',
      'ss: 0 connections to 198.18.0.1:80 from worker 7 and its generation',
      'old workers: 5: 0 connections, 0 clients without a server',
    ])
  })
})
