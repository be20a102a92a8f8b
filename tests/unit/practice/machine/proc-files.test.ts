import { beforeEach, describe, expect, it } from 'vitest'

import type { Machine, PracticeProcess } from '../../../../src-main/practice/machine/machine.ts'
import type { ManualClock } from '../manual-clock.ts'
import { aMachine } from './a-machine.ts'

describe('/proc', () => {
  let machine: Machine
  let clock: ManualClock
  let daemon: PracticeProcess

  beforeEach(async () => {
    ;({ machine, clock } = await aMachine())
    await clock.advance(12_345)
    daemon = machine.processes.spawn({
      argv: ['/usr/sbin/haproxy', '-Ws', '-f', '/etc/haproxy/haproxy.cfg'],
      exe: '/usr/sbin/haproxy',
      cwd: '/run',
      uid: 101,
      environment: { TMPDIR: '/tmp', LANG: 'C' },
    })
    await clock.advance(1000)
  })

  const read = (path: string, uid?: number): string => machine.files.read(path, uid).toString()

  it('shows what proc(5) shows of a process', () => {
    const at = `/proc/${daemon.pid}`
    expect(read(`${at}/comm`)).toBe('haproxy\n')
    expect(read(`${at}/cmdline`)).toBe('/usr/sbin/haproxy\0-Ws\0-f\0/etc/haproxy/haproxy.cfg\0')
    expect(read(`${at}/environ`)).toBe('TMPDIR=/tmp\0LANG=C\0')
    expect(read(`${at}/status`)).toMatch(
      /^Name:\thaproxy\n[^]*\nState:\tS \(sleeping\)\n[^]*\nPPid:\t1\n[^]*\nUid:\t101\t101\t101\t101\n/,
    )
    expect(machine.files.readLink(`${at}/exe`)).toBe('/usr/sbin/haproxy')
    expect(machine.files.readLink(`${at}/cwd`)).toBe('/run')
    expect(machine.files.readLink(`${at}/ns/pid`)).toBe(machine.files.readLink('/proc/self/ns/pid'))
    const fields = read(`${at}/stat`).trimEnd().split(' ')
    expect(fields).toHaveLength(52)
    expect([fields[0], fields[1], fields[2], fields[3], fields[21]]).toEqual([
      String(daemon.pid),
      '(haproxy)',
      'S',
      '1',
      '1234',
    ])
    expect(read('/proc/uptime')).toMatch(/^13\.35 \d+\.\d\d\n$/)
  })

  it('follows a process: new arguments, stopped, children, gone', () => {
    const child = machine.processes.spawn({ argv: ['worker'], exe: '/usr/sbin/haproxy', parentPid: daemon.pid })
    expect(read(`/proc/${daemon.pid}/task/${daemon.pid}/children`)).toBe(`${child.pid} `)
    child.setArgv(['nginx: worker process is shutting down'])
    expect(read(`/proc/${child.pid}/cmdline`)).toBe('nginx: worker process is shutting down\0')
    machine.processes.signal(child.pid, 'STOP')
    expect(read(`/proc/${child.pid}/stat`)).toMatch(/^\d+ \(haproxy\) T /)
    expect(read(`/proc/${child.pid}/status`)).toContain('\nState:\tT (stopped)\n')
    expect(machine.files.list('/proc')).toContain(String(child.pid))
    child.exit(0)
    expect(machine.files.list('/proc')).not.toContain(String(child.pid))
    expect(() => read(`/proc/${child.pid}/comm`)).toThrow('No such file or directory')
  })

  it('keeps a process to its account', () => {
    const at = `/proc/${daemon.pid}`
    expect(read(`${at}/status`, 1000)).toContain('haproxy')
    expect(() => read(`${at}/environ`, 1000)).toThrow('Permission denied')
    expect(() => machine.files.readLink(`${at}/exe`, 1000)).toThrow('Permission denied')
    expect(() => machine.files.readLink(`${at}/ns/pid`, 1000)).toThrow('Permission denied')
    expect(machine.files.readLink(`${at}/exe`, 101)).toBe('/usr/sbin/haproxy')
    expect(() => machine.files.write(`${at}/comm`, 'x')).toThrow('Operation not permitted')
  })

  it('leads through root and exe to the files of the machine', () => {
    machine.programs.install('/usr/sbin/haproxy', () => 0)
    machine.files.write(`/proc/${daemon.pid}/root/tmp/dump`, 'through')
    expect(read('/tmp/dump')).toBe('through')
    expect(machine.programs.find(`/proc/${daemon.pid}/exe`)).not.toBeNull()
  })
})
