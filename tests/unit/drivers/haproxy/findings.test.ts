import { describe, expect, it } from 'vitest'
import type { NodeFacts } from '../../../../src-main/app/ports/driver.ts'
import * as finding from '../../../../src-main/drivers/haproxy/findings.ts'
import type { LocatedSocket } from '../../../../src-main/drivers/haproxy/read-config.ts'

const facts: NodeFacts = { hostName: 'lb1', os: 'Debian', user: 'ops', initSystem: 'systemd', sudo: 'absent' }
const line = (text: string, rest: Partial<LocatedSocket> = {}): LocatedSocket => ({
  path: '/run/a.sock',
  level: 'operator',
  group: null,
  mode: null,
  file: '/etc/haproxy/haproxy.cfg',
  line: 7,
  text,
  ...rest,
})
const reached = (level: 'user' | 'operator') => ({
  target: { path: '/run/a.sock', prefix: '', privileged: false },
  level,
  version: '2.6.12',
  pid: 1,
})

describe('what a probe finds missing, and the exact line that fixes it', () => {
  it('no stats socket', () => {
    expect(finding.socketMissing('/etc/haproxy/haproxy.cfg').fix).toEqual({
      where: '/etc/haproxy/haproxy.cfg, section global',
      line: 'stats socket /run/haproxy/admin.sock mode 660 level admin',
    })
  })

  it.each([
    ['stats socket /run/a.sock level user expose-fd listeners', 'stats socket /run/a.sock level admin expose-fd listeners'],
    ['stats socket /run/a.sock mode 660', 'stats socket /run/a.sock mode 660 level admin'],
  ])('a level that is too low: %s', (text, fixed) => {
    expect(finding.levelTooLow(reached('operator'), line(text), '/x').fix).toEqual({
      where: '/etc/haproxy/haproxy.cfg:7',
      line: fixed,
    })
  })

  it('a socket that belongs to a group the account is not in', () => {
    const why = { kind: 'not-permitted', message: '' } as const
    expect(finding.socketNotUsable(why, facts, line('…', { group: 'haproxy' }), '/run/a.sock').fix?.line).toBe(
      'usermod -aG haproxy ops',
    )
  })

  it('a socket without a group: member of "haproxy" or not, only root may open it', () => {
    const why = { kind: 'not-permitted', message: '' } as const
    const fix = (text: string) => finding.socketNotUsable(why, facts, line(text), '/run/a.sock').fix?.line
    expect(fix('stats socket /run/a.sock mode 600 level admin')).toBe(
      'stats socket /run/a.sock mode 660 level admin group haproxy',
    )
    expect(fix('stats socket /run/a.sock level admin')).toBe('stats socket /run/a.sock level admin group haproxy mode 660')
  })

  it('no master socket, with systemd and without', () => {
    expect(finding.masterSocketMissing(facts, true).fix?.line).toBe('EXTRAOPTS="-S /run/haproxy-master.sock"')
    const other = { ...facts, initSystem: 'other' } as const
    expect(finding.masterSocketMissing(other, true).fix?.line).toBe('-S /run/haproxy-master.sock')
    expect(finding.masterSocketMissing(other, false).fix?.line).toBe('-W -S /run/haproxy-master.sock')
  })

  it('HAProxy does not run', () => {
    expect(finding.notRunning(facts).fix?.line).toBe('systemctl start haproxy')
    expect(finding.notRunning({ ...facts, initSystem: 'other' }).fix).toBeNull()
  })

  it('tells a socket that is not there from one that does not answer', () => {
    expect(finding.socketNotUsable({ kind: 'missing', message: '' }, facts, undefined, '/s').rule).toBe(
      'haproxy.socket-not-found',
    )
    expect(finding.socketNotUsable({ kind: 'silent', message: '' }, facts, undefined, '/s').rule).toBe('haproxy.socket-silent')
    expect(finding.socketNotUsable({ kind: 'not-permitted', message: '' }, facts, undefined, '/s').fix).toBeNull()
  })
})
