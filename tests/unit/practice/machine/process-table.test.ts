import { beforeEach, describe, expect, it } from 'vitest'

import type { Machine, ProcessSpec, SignalName } from '../../../../src-main/practice/machine/machine.ts'
import type { ManualClock } from '../manual-clock.ts'
import { aMachine } from './a-machine.ts'

describe('the process table', () => {
  let machine: Machine
  let clock: ManualClock
  let ends: unknown[]

  beforeEach(async () => {
    ;({ machine, clock } = await aMachine())
    ends = []
  })

  const spawn = (spec: Partial<ProcessSpec> = {}) =>
    machine.processes.spawn({ argv: ['daemon'], exe: '/usr/sbin/daemon', onExit: (end) => ends.push(end), ...spec })

  it('numbers processes upwards below init', () => {
    const one = spawn()
    const two = spawn({ parentPid: one.pid })
    expect(two.pid).toBeGreaterThan(one.pid)
    expect(machine.processes.list().map(({ pid, parentPid }) => [pid, parentPid])).toEqual([
      [1, 0],
      [one.pid, 1],
      [two.pid, one.pid],
    ])
  })

  it('takes the default action where nobody handles a signal', () => {
    for (const signal of ['TERM', 'HUP', 'INT', 'USR1', 'RTMIN+2', 'KILL'] as const) {
      const { pid } = spawn()
      machine.processes.signal(pid, signal)
      expect(machine.processes.get(pid)).toBeNull()
      expect(ends.pop()).toEqual({ code: null, signal })
    }
    const { pid } = spawn()
    for (const signal of ['CHLD', 'WINCH', 'CONT'] as const) machine.processes.signal(pid, signal)
    expect(machine.processes.get(pid)?.state).toBe('running')
  })

  it('hands signals to the handler, but never KILL', () => {
    const got: SignalName[] = []
    const { pid } = spawn({ onSignal: (signal) => got.push(signal) })
    machine.processes.signal(pid, 'HUP')
    machine.processes.signal(pid, 'TERM')
    machine.processes.signal(pid, 'KILL')
    expect(got).toEqual(['HUP', 'TERM'])
    expect(ends).toEqual([{ code: null, signal: 'KILL' }])
  })

  it('holds signals of a stopped process until it continues; ordinary ones once each', async () => {
    const got: SignalName[] = []
    const daemon = spawn({ onSignal: (signal) => got.push(signal) })
    machine.processes.signal(daemon.pid, 'STOP')
    expect(daemon.state).toBe('stopped')
    let isRunning = false
    const running = daemon.running().then(() => (isRunning = true))
    for (const signal of ['USR1', 'USR1', 'HUP', 'RTMIN+2', 'RTMIN+2'] as const) machine.processes.signal(daemon.pid, signal)
    await clock.advance(1000)
    expect([got, isRunning]).toEqual([[], false])
    machine.processes.signal(daemon.pid, 'CONT')
    await running
    expect(got).toEqual(['USR1', 'HUP', 'RTMIN+2', 'RTMIN+2'])
  })

  it('can kill a stopped process; who waited for it learns of it', async () => {
    const daemon = spawn()
    machine.processes.signal(daemon.pid, 'STOP')
    const running = daemon.running()
    machine.processes.signal(daemon.pid, 'KILL')
    await expect(running).rejects.toMatchObject({ code: 'ESRCH' })
    await expect(daemon.running()).rejects.toMatchObject({ code: 'ESRCH' })
  })

  it('ends once, and leaves its children to init', () => {
    const parent = spawn()
    const child = spawn({ parentPid: parent.pid })
    parent.exit(3)
    parent.exit(4)
    expect(() => machine.processes.signal(parent.pid, 'KILL')).toThrow('No such process')
    expect(ends).toEqual([{ code: 3, signal: null }])
    expect(child.parentPid).toBe(1)
    expect(parent.state).toBe('ended')
  })

  it('lets accounts signal their own processes only', () => {
    const { pid } = spawn({ uid: 101 })
    const roots = spawn()
    expect(() => machine.processes.signal(roots.pid, 'TERM', 101)).toThrow('Operation not permitted')
    expect(() => machine.processes.signal(roots.pid, null, 101)).toThrow('Operation not permitted')
    machine.processes.signal(pid, null, 101)
    machine.processes.signal(pid, 'TERM', 101)
    expect(machine.processes.get(pid)).toBeNull()
    machine.processes.signal(1, 'KILL')
    expect(machine.processes.get(1)?.state).toBe('running')
  })

  it('ends everything without a signal when the power goes, and boots again', async () => {
    const got: SignalName[] = []
    const master = spawn({ onSignal: (signal) => got.push(signal) })
    spawn({ parentPid: master.pid, onExit: () => ends.push(master.state) })
    await machine.powerOff()
    expect([got, ends]).toEqual([[], [{ code: null, signal: null }, 'ended']])
    expect(machine.processes.list()).toEqual([])
    expect(() => spawn()).toThrow('No such process')
    await clock.advance(60_000)
    machine.powerOn()
    expect(machine.processes.list().map(({ pid }) => pid)).toEqual([1])
    expect(machine.files.read('/proc/uptime').toString()).toMatch(/^0\.00 /)
    await clock.advance(1000)
    machine.powerOn()
    expect(machine.files.read('/proc/uptime').toString()).toMatch(/^1\.00 /)
  })
})
