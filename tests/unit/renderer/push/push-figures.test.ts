import { describe, expect, it } from 'vitest'
import type { ConfigChange, NodeId, PushPhase, PushPlan } from '#contract'
import {
  guardLeftMs,
  impactOf,
  scriptOf,
  stagesOf,
  takesServersAway,
  waveOf,
  wavesOf,
} from '../../../../src-renderer/features/push/push-figures.ts'

const [lb1, lb2, lb3] = ['lb1', 'lb2', 'lb3'] as [NodeId, NodeId, NodeId]
const trail = (...phases: PushPhase[]) => phases.map((phase, index) => ({ phase, at: index * 100 }))
const said = (...phases: PushPhase[]) =>
  stagesOf({ trail: trail(...phases) }, 1000)
    .map(({ state, ms }) => `${state} ${ms ?? '–'}`)
    .join(', ')
const change = (what: ConfigChange['what'], impact: ConfigChange['impact'], after: string | null = null): ConfigChange => ({
  ...{ kind: 'haproxy', what, subject: 'be/web1', before: null, after, impact, perNode: false },
  at: { before: null, after: null },
})
const target = (nodeId: NodeId, kind: 'haproxy' | 'keepalived' = 'haproxy'): PushPlan['targets'][number] => ({
  ...{ nodeId, kind, files: [], holdsVip: false, merged: false, runtime: null },
  diff: { changes: [], files: [] },
  commands: [`reload ${kind}`],
})
const plan: PushPlan = {
  title: 'Push a to lb1',
  waves: [[[lb3]], [[lb2, lb1]]],
  targets: [target(lb1), target(lb1, 'keepalived'), target(lb2), target(lb3)],
  vipMoves: [],
  unchanged: [],
  refusals: [],
}

describe('how far a node has come in a push', () => {
  it('a stage is done when the next begins, and is under way until then', () => {
    expect(said()).toBe('pending –, pending –, pending –, pending –, pending –, pending –')
    expect(said('checking', 'arming', 'replacing')).toBe('done 100, done 100, running 800, pending –, pending –, pending –')
    const all = said('checking', 'arming', 'replacing', 'reloading', 'watching', 'confirming', 'done')
    expect(all).toBe(Array.from({ length: 6 }, () => 'done 100').join(', '))
  })

  it.each<PushPhase>(['restoring', 'restored', 'failed'])('a stage that leads to %s has failed', (phase) => {
    expect(said('checking', 'arming', 'replacing', 'reloading', phase)).toContain('done 100, failed 100, pending –, pending –')
  })

  it('the guard runs from when it was armed, as long as the node is not confirmed', () => {
    const at = (phase: PushPhase, ...before: PushPhase[]) => guardLeftMs({ phase, trail: trail(...before, phase) }, 5000, 1000)
    expect(at('checking')).toBeNull()
    expect(at('watching', 'checking', 'arming')).toBe(4100)
    expect(at('restoring', 'checking', 'arming')).toBe(4100)
    expect(at('done', 'checking', 'arming')).toBeNull()
  })
})

describe('a plan of a push', () => {
  it('is shown in the order in which it is carried out', () => {
    const shown = wavesOf(plan).map(({ number, groups }) => [
      number,
      ...groups.map(({ targets }) => targets.map(({ nodeId, kind }) => `${nodeId} ${kind}`)),
    ])
    expect(shown).toEqual([
      [1, ['lb3 haproxy']],
      [2, ['lb2 haproxy', 'lb1 haproxy', 'lb1 keepalived']],
    ])
    expect([lb1, lb2, lb3].map((node) => waveOf(plan.waves, node))).toEqual([2, 2, 1])
  })

  it('takes the most that one of its changes takes', () => {
    expect(impactOf([])).toBe('none')
    expect(impactOf([change('server.weight', 'runtime'), change('server.removed', 'reload')])).toBe('reload')
    expect(impactOf([change('router.advert', 'both-members'), change('setting.value', 'restart')])).toBe('both-members')
  })

  it('asks whether fewer servers are meant only where there are fewer', () => {
    expect(takesServersAway([change('server.added', 'reload'), change('server.disabled', 'reload')])).toBe(false)
    expect(takesServersAway([change('server.disabled', 'reload', 'disabled')])).toBe(true)
    expect(takesServersAway([change('pool.removed', 'reload')])).toBe(true)
  })

  it('is a script in which only commands are no comments', () => {
    const script = scriptOf(plan, (id) => id.toUpperCase())
    expect(script.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
      'reload haproxy',
      'reload haproxy',
      'reload haproxy',
      'reload keepalived',
    ])
    expect(script).toMatch(/# wave 1 of 2\n# on LB3: haproxy\nreload haproxy\n\n# wave 2 of 2\n/)
  })
})
