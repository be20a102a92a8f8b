import { describe, expect, it } from 'vitest'
import type { ConfigChange } from '#contract'
import { commandOf, runtimeSteps } from '../../../../src-main/domain/haproxy/runtime-changes.ts'

const change = (what: ConfigChange['what'], after: string | null, more: Partial<ConfigChange> = {}): ConfigChange => ({
  ...{ kind: 'haproxy', what, subject: 'be/web:1', before: '1', after, impact: 'runtime', perNode: false },
  at: { before: null, after: null },
  ...more,
})

describe('changes that a running HAProxy can be told', () => {
  it.each<[ConfigChange, string]>([
    [change('server.weight', '0'), 'set server be/web:1 weight 0%'],
    [change('server.weight', '256'), 'set server be/web:1 weight 256'],
    [change('server.disabled', 'yes'), 'set server be/web:1 state maint'],
    [change('server.disabled', 'no'), 'set server be/web:1 state ready'],
  ])('are commands: %o', (each, command) => {
    expect(runtimeSteps([each])?.map(commandOf)).toEqual([command])
  })

  it.each<[why: string, changes: ConfigChange[]]>([
    ['there is none', []],
    ['one needs a reload', [change('server.weight', '3'), change('server.address', '198.18.0.9:1', { impact: 'reload' })]],
    ['the backend takes no weights', [change('server.weight', '3', { impact: 'reload' })]],
    ['a name would end the command', [change('server.weight', '3', { subject: 'be/web;1' })]],
    ['a name has no pool', [change('server.weight', '3', { subject: 'web1' })]],
  ])('are none when %s', (_why, changes) => {
    expect(runtimeSteps(changes)).toBeNull()
  })
})
