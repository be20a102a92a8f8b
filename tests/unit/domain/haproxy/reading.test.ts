import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseServersState } from '../../../../src-main/domain/haproxy/parse-servers-state.ts'
import { parseShowProc } from '../../../../src-main/domain/haproxy/parse-show-proc.ts'
import {
  balancerReadingFrom,
  parseOldWorker,
  parseRound,
  type OldSessions,
} from '../../../../src-main/domain/haproxy/reading.ts'

const recorded = (name: string): string => readFileSync(new URL(`../../../fixtures/haproxy/${name}`, import.meta.url), 'utf8')
const readingOf = (name: string, old: OldSessions = new Map()) => balancerReadingFrom(parseRound(recorded(name)), [], old)
const statesOf = (name: string, old?: OldSessions): Record<string, string> =>
  Object.fromEntries(
    readingOf(name, old).pools.flatMap((pool) =>
      pool.servers.map(({ name: server, state }) => [`${pool.name}/${server}`, state]),
    ),
  )

describe('a recorded round of HAProxy 2.6.12', () => {
  it('says of every server what it is, whatever the daemon calls it', () => {
    expect(statesOf('round.txt')).toEqual({
      'be_app/w1': 'up',
      'be_app/w2': 'up',
      'be_app/w3': 'up',
      'be_states/unchecked': 'unchecked',
      'be_states/disabled': 'maintenance',
      'be_states/refused': 'down',
      'be_states/drained': 'drained',
      'be_states/drained_down': 'drained',
      'be_states/in_maint': 'maintenance',
      'be_states/weightless': 'drained',
      'be_states/tracking': 'maintenance',
      'be_states/disabled_then_ready': 'up',
      'be_states/slow': 'warming',
      'be_states/unresolved': 'maintenance',
      'be_states/six': 'unchecked',
      'be_states/local': 'unchecked',
      'be_stopping/stopping': 'drained',
      'be_agent/says_drain': 'drained',
      'be_source/s1': 'unchecked',
      'be_tcp/t1': 'up',
    })
  })

  it('follows a check that fails, has failed and recovers', () => {
    expect(statesOf('round-falling.txt')['be_app/w1']).toBe('degraded')
    expect(statesOf('round-down.txt')['be_app/w1']).toBe('down')
    expect(statesOf('round-rising.txt')['be_app/w1']).toBe('down')
    expect(statesOf('round-after-reload.txt')['be_app/w1']).toBe('up')
  })

  it("keeps the daemon's own words, figures and pools", () => {
    const reading = readingOf('round.txt')
    const app = reading.pools[0]
    expect(reading).toMatchObject({ kind: 'haproxy', version: '2.6.12-1+deb12u4', canSetState: true })
    expect(app).toMatchObject({
      name: 'be_app',
      mode: 'http',
      algorithm: 'roundrobin',
      usable: 3,
      requests: 0,
      errors: 0,
      sessions: 0,
    })
    expect(
      app?.servers.map(({ weight, backup, sessionLimit, responseMs }) => ({ weight, backup, sessionLimit, responseMs })),
    ).toEqual([
      { weight: 10, backup: false, sessionLimit: null, responseMs: null },
      { weight: 10, backup: false, sessionLimit: 200, responseMs: null },
      { weight: 1, backup: true, sessionLimit: null, responseMs: null },
    ])
    const server = (name: string) => reading.pools.flatMap((pool) => pool.servers).find((one) => one.name === name)
    expect(server('refused')).toMatchObject({
      word: 'DOWN',
      check: { status: 'L4CON', code: null, text: 'Connection refused' },
    })
    expect(server('drained_down')).toMatchObject({ word: 'DOWN', adminState: 8 })
    expect(server('weightless')).toMatchObject({ word: 'UP', weight: 0 })
    expect(server('says_drain')).toMatchObject({ agentCheck: true, word: 'DRAIN (agent)' })
    expect(server('six')?.address).toMatch(/^\[::1\]:\d+$/)
    expect(server('unresolved')?.address).toBe('nosuch.invalid:80')
    expect(reading.pools.at(-1)).toMatchObject({ name: 'be_tcp', mode: 'tcp', algorithm: 'leastconn' })
  })

  it('leaves out a listener without servers: it is not a pool', () => {
    expect(readingOf('round.txt').pools.map(({ name }) => name)).not.toContain('without_servers')
  })

  it('reads the same through the master socket', () => {
    expect(statesOf('round-master.txt')).toEqual(statesOf('round.txt'))
  })

  it('reads with less than admin level too, without what that level hides', () => {
    expect(statesOf('round-user.txt')).toEqual(statesOf('round.txt'))
    expect(readingOf('round-user.txt')).toMatchObject({ canSetState: false, pools: [{ algorithm: '' }, {}, {}, {}, {}, {}] })
    expect(readingOf('round-operator.txt').canSetState).toBe(false)
    expect(readingOf('round-user.txt').pools[0]?.servers[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  it('refuses a figure that is none instead of reading it as nothing', () => {
    const broken = recorded('round.txt').replace(/^(be_app,w1,)0,/m, '$1many,')
    expect(() => balancerReadingFrom(parseRound(broken), [], new Map())).toThrow('"many" for a number in "qcur"')
  })

  it('reads names and texts that are not ASCII', () => {
    const renamed = recorded('round.txt')
      .replaceAll('Layer7 check passed', 'Größe, „gut“ ☃')
      .replaceAll(',Größe, „gut“ ☃,', ',"Größe, „gut“ ☃",')
    const app = balancerReadingFrom(parseRound(renamed), [], new Map()).pools[0]
    expect(app?.servers[0]?.check?.text).toBe('Größe, „gut“ ☃')
    expect({ ...app?.servers[0], check: null }).toEqual({ ...readingOf('round.txt').pools[0]?.servers[0], check: null })
  })

  it('refuses a reply that stopped in the middle, wherever it stopped', () => {
    const whole = recorded('round.txt')
    for (let length = 0; length < whole.length; length += 97) {
      expect(() => parseRound(whole.slice(0, length)), `the first ${length} characters`).toThrow()
    }
  })
})

describe('after a reload', () => {
  it('counts sessions that only an old worker still has, which the stats socket does not show', () => {
    const old = parseOldWorker(recorded('old-worker.txt'))
    expect(old.info).toMatchObject({ stopping: true, connections: 1 })
    const [busy] = [...old.sessions].filter(([, count]) => count > 0)
    expect(busy?.[1]).toBe(1)
    const [pool, server] = (busy?.[0] ?? '').split('/')
    const sessions = (counted: OldSessions) =>
      readingOf('round-after-reload.txt', counted)
        .pools.find(({ name }) => name === pool)
        ?.servers.find(({ name }) => name === server)?.sessions
    expect(sessions(new Map())).toBe(0)
    expect(sessions(old.sessions)).toBe(1)
  })

  it('takes nothing for drained while old workers could not be counted', () => {
    expect(statesOf('round.txt', null)['be_states/drained']).toBe('draining')
    expect(statesOf('round.txt', null)['be_app/w1']).toBe('up')
  })

  it('lists workers and old workers, and tells them apart', () => {
    expect(parseShowProc(recorded('show-proc.txt')).map(({ generation }) => generation)).toEqual(['current'])
    const [current, old] = parseShowProc(recorded('show-proc-old.txt'))
    expect(current).toMatchObject({ generation: 'current', uptimeS: 0 })
    expect(old).toMatchObject({ generation: 'old' })
    expect(old?.uptimeS).toBeGreaterThan(0)
    expect(old?.pid).toBe(parseOldWorker(recorded('old-worker.txt')).info.pid)
    expect(() => parseShowProc('Permission denied\n')).toThrow('no header line')
  })
})

describe('parseServersState', () => {
  it('reads admin bits as decimal', () => {
    const row = (bits: string) =>
      recorded('show-servers-state-one.txt').replace(/^(7 be_source 1 s1 \S+ \d+) \d+ /m, `$1 ${bits} `)
    expect(parseServersState(row('12'))[0]?.adminState).toBe(12)
    expect(() => parseServersState(row('0x0c'))).toThrow('srv_admin_state')
  })

  it('finds columns by name and refuses a table without them', () => {
    expect(() => parseServersState('1\n# be_id be_name\n1 be\n\n')).toThrow('no column')
    expect(() => parseServersState("Can't find backend.\n\n")).toThrow('format version 1')
  })
})
