import { describe, expect, it } from 'vitest'
import type { ConfigChange, ConfigText } from '#contract'
import { commandsOf, runtimeSteps, wantedAfter } from '../../../../src-main/domain/haproxy/runtime-changes.ts'

const change = (what: ConfigChange['what'], after: string | null, more: Partial<ConfigChange> = {}): ConfigChange => ({
  ...{ kind: 'haproxy', what, subject: 'be/web:1', before: '1', after, impact: 'runtime', perNode: false },
  at: { before: null, after: null },
  ...more,
})
const file = (server: string, backend = '', defaults = ''): ConfigText[] => [
  {
    kind: 'haproxy',
    path: '/h',
    text: `defaults\n${defaults}\nbackend be\n${backend}\n  server a 10.0.0.1:80 check\n  ${server}\n`,
  },
]
const added = change('server.added', '10.0.0.2:80', { subject: 'be/b', before: null, impact: 'reload' })
const removed = change('server.removed', null, { subject: 'be/b', before: '10.0.0.2:80', impact: 'reload' })

describe('changes that a running HAProxy can be told', () => {
  it.each<[ConfigChange, string]>([
    [change('server.weight', '0'), 'set server be/web:1 weight 0%'],
    [change('server.weight', '256'), 'set server be/web:1 weight 256'],
    [change('server.disabled', 'yes'), 'set server be/web:1 state maint'],
    [change('server.disabled', 'no'), 'set server be/web:1 state ready'],
  ])('are commands: %o', (each, command) => {
    expect(runtimeSteps([each], [])?.flatMap(commandsOf)).toEqual([command])
  })

  it('are a server that comes, with its checks, and one that goes, after whatever else there is', () => {
    const steps = runtimeSteps([removed, change('server.weight', '3')], file(''))
    expect(steps?.flatMap(commandsOf)).toEqual([
      'set server be/web:1 weight 3',
      'set server be/b state maint',
      'del server be/b',
    ])
    expect(steps?.map(wantedAfter)).toEqual([{ weight: 3 }, null])
    const more = runtimeSteps([added], file('server b 10.0.0.2:80 check inter 1s weight 7'))
    expect(more?.flatMap(commandsOf)).toEqual([
      'add server be/b 10.0.0.2:80 check inter 1s weight 7',
      'enable health be/b',
      'set server be/b state ready',
    ])
    const defaults = '  default-server inter 1s fall 2'
    expect(runtimeSteps([added], file('server b 10.0.0.2:80 check fall 3', '', defaults))?.[0]).toEqual({ pool: 'be', server: 'b', add: '10.0.0.2:80 inter 1s fall 3 check' }) // prettier-ignore
    const out = runtimeSteps([added], file('server b [fd00::2]:80 disabled'))
    expect(out?.flatMap(commandsOf)).toEqual(['add server be/b [fd00::2]:80 disabled'])
    expect(out?.map(wantedAfter)).toEqual([{ state: 'maint' }])
  })

  it.each<[why: string, changes: ConfigChange[], after?: ConfigText[]]>([
    ['there is none', []],
    ['one needs a reload', [change('server.weight', '3'), change('server.address', '198.18.0.9:1', { impact: 'reload' })]],
    ['the backend takes no weights', [change('server.weight', '3', { impact: 'reload' })]],
    ['a name would end the command', [change('server.weight', '3', { subject: 'be/web;1' })]],
    ['a name has no pool', [change('server.weight', '3', { subject: 'web1' })]],
    ['a server has to be looked up by its name', [added], file('server b app.example:80')],
    ['its backend says of all servers what none can be told', [added], file('server b 10.0.0.2:80', '  default-server ssl')],
    ['clients stick by cookie', [added], file('server b 10.0.0.2:80', '  cookie S insert')],
    ['a server speaks TLS', [added], file('server b 10.0.0.2:80 ssl verify none')],
    ['an option cannot be sent', [added], file('server b 10.0.0.2:80 check addr "10.0.0.2; help"')],
    ['one line makes several servers', [added], file('server-template b 1-3 10.0.0.2:80')],
    ['the algorithm is fixed by the file', [added], file('server b 10.0.0.2:80', '  balance source')],
    ['a server goes where the algorithm is fixed', [removed], file('', '  balance uri')],
    ['it is nginx', [{ ...added, kind: 'nginx' }], file('server b 10.0.0.2:80')],
  ])('are none when %s', (_why, changes, after = []) => {
    expect(runtimeSteps(changes, after)).toBeNull()
  })
})
