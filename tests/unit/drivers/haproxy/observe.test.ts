import { afterEach, describe, expect, it } from 'vitest'
import type { BalancerReading } from '../../../../src-main/domain/fleet/reading.ts'
import { createObserver } from '../../../../src-main/drivers/haproxy/observe.ts'
import { createRuntimeSockets } from '../../../../src-main/drivers/haproxy/runtime-socket.ts'
import { within } from '../../../contract/local-session.ts'
import { createManualClock } from './manual-clock.ts'
import { openReplay, recorded, type Replay } from './replay-socket.ts'

let replay: Replay | null = null
afterEach(() => replay?.close())

const beforeReload = recorded('round.txt')
const afterReload = recorded('round-after-reload.txt')
const oldPid = /^Pid: (\d+)$/m.exec(beforeReload)?.[1] ?? ''
const newPid = /^Pid: (\d+)$/m.exec(afterReload)?.[1] ?? ''

/** One socket plays both the stats socket and the master's. `now` may be changed between rounds. */
async function rig(options: { master?: boolean; processes?: string } = {}) {
  const now = { round: beforeReload, proc: recorded('show-proc.txt'), old: recorded('old-worker.txt') }
  replay = await openReplay((line) => {
    if (line === 'show proc') return now.proc
    return line.startsWith('@!') ? now.old : now.round
  }, options.processes)
  const { path, session, lines } = replay
  const clock = createManualClock()
  const target = { path, prefix: '', privileged: false }
  const endpoints = { runtime: target, master: options.master === false ? null : target }
  const observer = createObserver({ clock, sockets: createRuntimeSockets({ clock }), endpoints })
  return {
    now,
    observe: () => observer(session, within(1000)),
    asked: () => lines.splice(0).map((line) => line.split(' ')[0] + (line.includes('proc') ? ' proc' : '')),
  }
}
const serverOf = (reading: BalancerReading, name: string) =>
  reading.pools.flatMap((pool) => pool.servers).find((server) => server.name === name)

describe('a round', () => {
  it('is one line on one connection as long as nothing was reloaded', async () => {
    const { observe, asked } = await rig()
    await observe()
    expect(asked()).toEqual(['show', 'show proc'])
    await observe()
    await observe()
    expect(asked()).toEqual(['show', 'show'])
  })

  it('finds the old worker when the pid has changed, and asks about it until it is gone', async () => {
    const { now, observe, asked } = await rig()
    await observe()
    Object.assign(now, { round: afterReload, proc: recorded('show-proc-old.txt') })
    asked()
    const reading = await observe()
    expect(asked()).toEqual(['show', 'show proc', `@!${oldPid}`])
    expect(reading.workers).toEqual([
      { pid: Number(newPid), generation: 'current', sessions: 0, uptimeS: expect.any(Number) },
      { pid: Number(oldPid), generation: 'old', sessions: 1, uptimeS: expect.any(Number) },
    ])
    await observe()
    expect(asked()).toEqual(['show', 'show proc', `@!${oldPid}`])
    now.proc = recorded('show-proc.txt').replaceAll(oldPid, newPid)
    await observe()
    await observe()
    expect(asked()).toEqual(['show', 'show proc', 'show'])
  })

  it('has no old worker that ended between two questions', async () => {
    const { now, observe } = await rig()
    Object.assign(now, {
      round: afterReload,
      proc: recorded('show-proc-old.txt'),
      old: `Can't find the target PID matching the prefix '@!${oldPid}'\n`,
    })
    expect((await observe()).workers).toHaveLength(1)
  })

  it('stands while the master resets its connections during a reload, but takes nothing for drained, and asks again', async () => {
    const { now, observe, asked } = await rig()
    now.proc = ''
    const reading = await observe()
    expect(reading.workers).toHaveLength(1)
    expect(serverOf(reading, 'drained')?.state).toBe('draining')
    now.proc = recorded('show-proc.txt')
    asked()
    expect(serverOf(await observe(), 'drained')?.state).toBe('drained')
    expect(asked()).toEqual(['show', 'show proc'])
  })

  it('looks at the processes where there is no master socket', async () => {
    const process = (pid: string, parent: string, argv: string) =>
      [pid, parent, '0', '/usr/sbin/haproxy', '/', argv, ''].join('\0')
    const alone = process('7', '1', 'haproxy\n-W\n-f\n/a.cfg') + process(oldPid, '7', 'haproxy\n-W\n-f\n/a.cfg')
    const quiet = await rig({ master: false, processes: alone })
    expect(serverOf(await quiet.observe(), 'drained')?.state).toBe('drained')
    await replay?.close()
    const busy = await rig({ master: false, processes: alone + process('5', '7', 'haproxy\n-W\n-f\n/a.cfg') })
    const reading = await busy.observe()
    expect(reading.workers[1]).toEqual({ pid: 5, generation: 'old', sessions: null, uptimeS: null })
    expect(serverOf(reading, 'drained')?.state).toBe('draining')
  })

  it('says that HAProxy does not run only when no process of it is there', async () => {
    const { now, observe } = await rig({ processes: '' })
    now.round = ''
    await expect(observe()).rejects.toMatchObject({ code: 'daemon.unexpected-reply' })
    await replay?.close()
    await expect(observe()).rejects.toMatchObject({ code: 'daemon.not-running' })
    replay = null
  })
})
