import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../../src-main/domain/nginx/parse-config.ts'
import { connectionFilter, exactFilter, parseConnections } from '../../../../src-main/domain/nginx/parse-ss.ts'
import { readingFromNginx, type NginxFacts } from '../../../../src-main/domain/nginx/reading.ts'
import { findUpstreams } from '../../../../src-main/domain/nginx/upstreams.ts'
import {
  generationAfter,
  isNewGeneration,
  masterCommandFrom,
  workersOf,
} from '../../../../src-main/domain/nginx/worker-generations.ts'
import { fixture, recordedProcesses } from './fixtures.ts'

const upstreamsOf = (text: string) => findUpstreams(parseConfig([{ path: '/n/nginx.conf', text }]).directives)
const reload = recordedProcesses('titles-reloaded.base64.txt')

const facts = (text: string, change: Partial<NginxFacts> = {}): NginxFacts => ({
  version: '1.22.1',
  masterPid: 10622,
  uptimeS: 7,
  workers: workersOf(10622, reload),
  upstreams: upstreamsOf(text),
  connections: parseConnections(fixture('ss-after-reload.txt')),
  requests: null,
  canSetState: false,
  ...change,
})
const serverOf = (text: string, change: Partial<NginxFacts> = {}) =>
  readingFromNginx(facts(text, change)).pools[0]?.servers[0] ?? expect.fail('no server')

it('means exactly the connections that it is given', () => {
  const [one] = parseConnections('0 0 [::1]:40000 [fe80::2]:80 users:(("nginx",pid=5,fd=3))\n')
  if (one === undefined) throw new Error('not read')
  expect(exactFilter([one, { ...one, local: '10.0.0.1:4', peerAddress: '10.0.0.2', peerPort: 9 }])).toBe(
    '( ( src [::1]:40000 and dst [fe80:0:0:0:0:0:0:2]:80 ) or ( src 10.0.0.1:4 and dst 10.0.0.2:9 ) )\n',
  )
})

describe('worker generations', () => {
  it('sees through the NUL padding of titles which workers are on their way out', () => {
    expect(workersOf(10622, reload).map(({ pid, generation }) => [pid, generation])).toEqual([
      [10623, 'old'],
      [10625, 'old'],
      [11092, 'current'],
      [11093, 'current'],
    ])
  })

  it('belong to one master', () => expect(workersOf(1, reload)).toEqual([]))

  it('change when no known worker is current any more, not when one of them crashed', () => {
    expect(isNewGeneration([10623, 10625], workersOf(10622, reload))).toBe(true)
    expect(isNewGeneration([11092, 99], workersOf(10622, reload))).toBe(false)
    expect(isNewGeneration([1], [])).toBe(false)
  })

  it('are not mixed up while a reload has started new workers and the old ones do not show it yet', () => {
    const worker = (pid: number, generation: 'current' | 'old' = 'current') => ({ pid, generation, uptimeS: 1 })
    const both = [worker(1), worker(2), worker(3), worker(4)]
    expect(isNewGeneration([1, 2], both)).toBe(false)
    expect(generationAfter([1, 2], both)).toEqual([1, 2])
    expect(generationAfter([1, 2], [worker(1, 'old'), worker(2), worker(3)])).toEqual([1, 2])
    expect(isNewGeneration([1, 2], [worker(1, 'old'), worker(2, 'old'), worker(3), worker(4)])).toBe(true)
    // one crashed: first missing, then replaced
    expect(generationAfter([1, 2], [worker(2)])).toEqual([1, 2])
    expect(generationAfter([1, 2], [worker(2), worker(5)])).toEqual([2, 5])
  })

  it.each([
    [
      'nginx: master process nginx -p /run/w/ngx/ -c nginx.conf',
      { binary: 'nginx', prefix: '/run/w/ngx/', config: 'nginx.conf' },
    ],
    [
      'nginx: master process /usr/sbin/nginx -g daemon on; master_process on;',
      { binary: '/usr/sbin/nginx', prefix: null, config: null },
    ],
    [
      'nginx: master process /opt/n -c /etc/my conf/n.conf -q',
      { binary: '/opt/n', prefix: null, config: '/etc/my conf/n.conf' },
    ],
    ['nginx: worker process', null],
  ])('%s', (title, expected) => expect(masterCommandFrom(title)).toEqual(expected))
})

describe('connections', () => {
  it('are read with their processes; those of others have none of nginx', () => {
    const all = parseConnections(fixture('ss-established.txt'))
    expect(all).toHaveLength(32)
    expect(all.filter(({ peerPort }) => peerPort === 9004)).toEqual([
      { pids: [10625], local: expect.any(String) as string, peerAddress: '127.0.0.1', peerPort: 9004 },
    ])
    expect(all.filter(({ peerPort }) => peerPort === 9003)[0]?.peerAddress).toBe('0:0:0:0:0:0:0:1')
  })

  it.each([
    ['0 0 198.18.0.1:1 198.18.0.2:80', []],
    ['', []],
    ['Cannot open netlink socket: Operation not permitted', []],
    [
      '0 0 [fe80::1]%eth0:1 [fe80::2]%eth0:80 users:(("nginx",pid=5,fd=3),("nginx",pid=6,fd=3))',
      [{ pids: [5, 6], local: expect.any(String) as string, peerAddress: 'fe80:0:0:0:0:0:0:2', peerPort: 80 }],
    ],
  ])('%j', (line, expected) => expect(parseConnections(line)).toEqual(expected))

  it('are filtered by endpoint, each named once', () => {
    const endpoint = { address: '0:0:0:0:0:0:0:1', port: 80 }
    expect(connectionFilter([endpoint, endpoint, { address: '198.18.0.1', port: 1 }])).toBe(
      '( dst [0:0:0:0:0:0:0:1]:80 or dst 198.18.0.1:1 )\n',
    )
  })
})

describe('readingFromNginx', () => {
  it('counts the connections of all generations', () => {
    expect(serverOf('http { upstream a { server 127.0.0.1:9001 weight=5 max_conns=9; } }')).toMatchObject({
      name: '127.0.0.1:9001',
      state: 'unchecked',
      word: 'server',
      sessions: 6,
      sessionLimit: 9,
      weight: 5,
    })
    expect(readingFromNginx(facts('')).workers.map(({ sessions }) => sessions)).toEqual([2, 6, 0, 0])
  })

  it('counts no connection of another process to the same server', () => {
    const connections = [{ pids: [4711], local: '127.0.0.1:1', peerAddress: '127.0.0.1', peerPort: 9001 }]
    expect(serverOf('http { upstream a { server 127.0.0.1:9001; } }', { connections }).sessions).toBe(0)
  })

  it('calls a server that is down draining while an old worker still has a connection to it', () => {
    const down = 'http { upstream a { server 127.0.0.1:9001 down; } }'
    expect(serverOf(down)).toMatchObject({ state: 'draining', word: 'down', sessions: 6 })
    expect(serverOf(down, { connections: [] })).toMatchObject({ state: 'drained', sessions: 0 })
    const workers = workersOf(10622, reload).filter(({ generation }) => generation === 'current')
    expect(serverOf(down, { connections: [], workers })).toMatchObject({ state: 'maintenance', sessions: 0 })
    expect(serverOf(down, { connections: null })).toMatchObject({ state: 'maintenance', sessions: null })
  })

  it('gives a connection to nobody when several pools have its address', () => {
    const shared = 'http { upstream a { server 127.0.0.1:9001 down; } } stream { upstream a { server 127.0.0.1:9001; } }'
    expect(readingFromNginx(facts(shared)).pools.map(({ mode, name, sessions }) => [mode, name, sessions])).toEqual([
      ['http', 'a', null],
      ['tcp', 'a', null],
    ])
    expect(serverOf(shared).state).toBe('maintenance')
    expect(serverOf(shared, { connections: [] }).sessions).toBe(0)
    expect(serverOf(shared.replace('9001; } }', '9001 down; } }')).state).toBe('draining')
  })

  it('does not guess what a host name or a unix socket has', () => {
    expect(serverOf('http { upstream a { server localhost:9001; } }').sessions).toBeNull()
    expect(serverOf('http { upstream a { server unix:/run/a; } }').sessions).toBeNull()
  })

  it('offers no change of state', () => expect(readingFromNginx(facts('')).canSetState).toBe(false))
})
