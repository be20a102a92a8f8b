import { afterEach, describe, expect, it } from 'vitest'
import type { CommandRecord } from '#contract'
import type { ConfigFileReading, ServerPreImage } from '../../../../src-main/app/ports/driver.ts'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { createRuntimeSockets } from '../../../../src-main/drivers/haproxy/runtime-socket.ts'
import { createServerAdmin } from '../../../../src-main/drivers/haproxy/server-admin.ts'
import { within } from '../../../contract/local-session.ts'
import { createManualClock } from './manual-clock.ts'
import { openReplay, recorded, type Replay } from './replay-socket.ts'

let replay: Replay | null = null
afterEach(() => replay?.close())

const table = recorded('show-servers-state-one.txt')
/** The recorded table of be_source, with other bits and weight for its only server. */
const tableWith = (adminState: number, weight = 5): string =>
  table.replace(/^(7 be_source 1 s1 \S+ \d+) \d+ \d+ /m, `$1 ${adminState} ${weight} `)
const address = /s1 (\S+) .* - (\d+) - /.exec(table)?.slice(1, 3).join(':') ?? ''
const before: ServerPreImage = { pool: 'be_source', server: 's1', adminState: 0, weight: 5, configuredWeight: 5, address }

/** Answers `show servers state` with the tables in turn, every change with `change`. */
async function rig(tables: string[], change = '\n', files: ConfigFileReading[] = []) {
  replay = await openReplay((line) => (line.startsWith('show') ? (tables.shift() ?? table) : change))
  const clock = createManualClock()
  const sent: Omit<CommandRecord, 'nodeId'>[] = []
  const endpoints = { runtime: null, master: null }
  const target = { path: replay.path, prefix: '', privileged: false }
  const admin = createServerAdmin({
    clock,
    sockets: createRuntimeSockets({ clock }),
    target,
    endpoints,
    readFiles: async () => files,
  })
  return {
    admin,
    sent,
    session: replay.session,
    limits: { ...within(1000), record: (command: (typeof sent)[number]) => sent.push(command) },
  }
}

describe('setState', () => {
  it('is done when the bits say so afterwards, not when the reply is empty', async () => {
    const { admin, session, limits, sent } = await rig([tableWith(8)])
    await admin.setState(session, 'be_source', 's1', 'drain', limits)
    expect(sent.map(({ command, reply }) => [command, reply.slice(0, 1)])).toEqual([
      ['set server be_source/s1 state drain', '\n'],
      ['show servers state be_source', '1'],
    ])
  })

  it.each([
    ['drain', 0],
    ['ready', 8],
    ['ready', 1],
    ['maint', 8],
  ] as const)('%s is not confirmed while the bits say %i: an agent-check may have undone it', async (state, bits) => {
    const { admin, session, limits } = await rig([tableWith(bits)])
    await expect(admin.setState(session, 'be_source', 's1', state, limits)).rejects.toMatchObject({
      code: 'daemon.not-confirmed',
      effect: 'unknown',
    })
  })

  it('takes `ready` as in force on a server that was once declared disabled (bit 0x04 stays)', async () => {
    const { admin, session, limits } = await rig([tableWith(4)])
    await admin.setState(session, 'be_source', 's1', 'ready', limits)
  })

  it.each(['Permission denied\n\n', 'Proxy is disabled.\n\n', 'No such server.\n\n', 'A word of a later version.\n'])(
    'takes the reply %j for a refusal: nothing changed, and nothing more is sent',
    async (reply) => {
      const { admin, session, limits, sent } = await rig([], reply)
      await expect(admin.setState(session, 'be_source', 's1', 'drain', limits)).rejects.toMatchObject({
        code: 'daemon.runtime-rejected',
        effect: 'none',
      })
      expect(sent).toHaveLength(1)
      expect(sent[0]?.reply).toBe(reply)
    },
  )
})

describe('restore', () => {
  it('puts the weight back before it makes the server ready', async () => {
    const { admin, session, limits, sent } = await rig([tableWith(1, 3), tableWith(0)])
    await admin.restore(session, before, limits)
    expect(sent.map(({ command }) => command)).toEqual([
      'show servers state be_source',
      'set server be_source/s1 weight 100%',
      'set server be_source/s1 state ready',
      'show servers state be_source',
    ])
  })

  it('is not confirmed when the weight is another one afterwards', async () => {
    const { admin, session, limits } = await rig([tableWith(8), tableWith(0, 4)])
    await expect(admin.restore(session, before, limits)).rejects.toThrow('with weight 4 instead of ready, weight 5')
  })

  it('sends nothing when the server has another address now, or is gone', async () => {
    const moved = await rig([table])
    await expect(moved.admin.restore(moved.session, { ...before, address: '192.0.2.1:80' }, moved.limits)).rejects.toThrow(
      '192.0.2.1:80',
    )
    expect(moved.sent).toHaveLength(1)
    await replay?.close()
    const gone = await rig(["Can't find backend.\n\n"])
    await expect(gone.admin.restore(gone.session, before, gone.limits)).rejects.toThrow('is no longer there')
    expect(gone.sent).toHaveLength(1)
  })

  it('stands for the state that was commanded, whatever was inherited or configured', () => {
    const admin = createServerAdmin({
      clock: createManualClock(),
      sockets: createRuntimeSockets({ clock: createManualClock() }),
      target: { path: '/s', prefix: '@1 ', privileged: false },
      endpoints: { runtime: null, master: null },
      readFiles: async () => [],
    })
    expect(admin.undoCommandsFor({ ...before, adminState: 12, weight: 2 })).toEqual([
      '@1 set server be_source/s1 weight 2',
      '@1 set server be_source/s1 state drain',
    ])
    expect(admin.isIn({ ...before, adminState: 4 }, 'ready')).toBe(true)
    expect(admin.isIn({ ...before, adminState: 5 }, 'maint')).toBe(true)
    expect(admin.via).toBe('socket /s')
  })
})

describe('who sticks to a server', () => {
  const info = 'Name: HAProxy\nVersion: 2.6.12\nPid: 712\nUptime_sec: 9\nCurrConns: 2\nStopping: 0\n\n'
  const columns = '# pxname,svname,qcur,scur,stot,lastsess,agent_status,idle_conn_cur,check_status,cookie,'
  const place = `${info}${columns}\nbe_source,s1,0,0,30,4,,3,L7OK,,\n\n${table.trimEnd()}\n\n`
  const text = 'backend be_source\n  stick on src table t\n  stick on src table gone\n  server s1 10.0.0.1:80\n'
  const config: ConfigFileReading = {
    ...{ path: '/h.cfg', sha256: 'x', modifiedAt: 0, owner: 'root', mode: '0644', loaded: 'loaded', error: null },
    bytes: Buffer.from(text),
  }

  it('is counted in the tables that the files name, by the server’s number; what cannot be counted is unknown', async () => {
    const entries = '# table: t, type: ip, size:1024, used:2\n0x1: key=10.0.0.9 server_id=1\n0x2: key=10.0.0.8 server_id=1\n\n'
    const { admin, session, limits } = await rig([place, entries, 'No such table\n\n'], '', [config])
    const found = await admin.watch.stickiness(session, 'be_source', 's1', limits)
    expect(found.map(({ name, entries: count }) => [name, count])).toEqual([
      ['t', 2],
      ['gone', null],
    ])
    expect(replay?.lines.slice(1).map((line) => line.trim())).toEqual([
      'show table t data.server_id eq 1',
      'show table gone data.server_id eq 1',
    ])
  })

  it('is not known when a file cannot be read', async () => {
    const error = new AppError('exec.not-permitted', 'not for you')
    const { admin, session, limits } = await rig([place], '', [{ ...config, bytes: null, error }])
    await expect(admin.watch.stickiness(session, 'be_source', 's1', limits)).rejects.toBe(error)
  })
})
