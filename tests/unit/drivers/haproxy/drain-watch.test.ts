import { afterEach, expect, it } from 'vitest'
import type { ConfigFileReading } from '../../../../src-main/app/ports/driver.ts'
import { AppError } from '../../../../src-main/app/app-error.ts'
import { createDrainWatch } from '../../../../src-main/drivers/haproxy/drain-watch.ts'
import { createRuntimeSockets } from '../../../../src-main/drivers/haproxy/runtime-socket.ts'
import { within } from '../../../contract/local-session.ts'
import { createManualClock } from './manual-clock.ts'
import { openReplay, type Replay } from './replay-socket.ts'

let replay: Replay | null = null
afterEach(() => replay?.close())

const info = (pid: number, connections: number): string =>
  `Name: HAProxy\nVersion: 2.6.12\nPid: ${pid}\nUptime_sec: 9\nCurrConns: ${connections}\nStopping: ${pid === 99 ? 1 : 0}\n\n`
const states = (adminState: number): string => `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_check_result srv_fqdn srv_port
3 be 1 s1 198.18.0.21 2 ${adminState} 5 10 3 - 8000\n\n`
const stat = (cookie: string): string =>
  `# pxname,svname,qcur,scur,stot,lastsess,agent_status,idle_conn_cur,check_status,cookie,\nbe,s1,0,0,30,4,,3,L7OK,${cookie},\n\n`
const oldStat = `# pxname,svname,type,iid,sid,status,mode,algo,act,bck,qcur,scur,slim,stot,rate,req_tot,econ,eresp,rtime,lastchg,lastsess,addr,check_status,check_code,check_duration,last_chk,check_desc,agent_status,
be,s1,2,3,1,UP,http,,1,0,0,0,,30,0,,0,0,0,9,4,198.18.0.21:8000,L7OK,200,1,,,,\n\n`
const processes = `#<PID> <type> <reloads> <uptime> <version>
15 master 1 [failed: 0] 0d00h04m25s 2.6.12
# workers
712 worker 0 0d00h00m00s 2.6.12
`
const entry = (key: string): string => `0x55cc9f361b00: key=${key} use=0 exp=1799935 server_id=1 server_key=s1\n`

interface Site {
  cookie?: string
  adminState?: number
  /** of a worker of before a reload, in which s1 is in service; absent = there is none */
  oldConnections?: number
  tables?: Record<string, string>
  files?: string
}

/** What `left` says of be/s1, on which nobody is. */
async function left({ cookie = '', adminState = 8, oldConnections, tables = {}, files }: Site) {
  await replay?.close()
  replay = await openReplay((line) => {
    if (line === 'show proc')
      return `${processes}${oldConnections === undefined ? '' : '# old workers\n99 worker 1 0d00h04m25s 2.6.12\n'}\n`
    const table = /^show table (\S+) data.server_id eq 1$/.exec(line)?.[1]
    if (table !== undefined) return tables[table] === undefined ? 'No such table\n\n' : `# table: ${table}\n${tables[table]}\n`
    if (line.startsWith('@!99 show info;@!99 show servers')) return `${info(99, oldConnections ?? 0)}${states(0)}\n`
    if (line.startsWith('@!99 ')) return info(99, oldConnections ?? 0) + oldStat
    return info(712, 2) + stat(cookie) + states(adminState)
  })
  const clock = createManualClock()
  const target = { path: replay.path, prefix: '', privileged: false }
  const unreadable = new AppError('exec.not-permitted', 'not for you')
  const watch = createDrainWatch({
    clock,
    sockets: createRuntimeSockets({ clock }),
    target,
    endpoints: { runtime: target, master: target },
    readFiles: async () => {
      if (files === undefined) throw unreadable
      const file = {
        path: '/h.cfg',
        sha256: 'x',
        modifiedAt: 0,
        owner: 'root',
        mode: '0644',
        loaded: 'loaded',
        error: null,
      } as const
      return [{ ...file, bytes: Buffer.from(files) } satisfies ConfigFileReading]
    },
  })
  const limits = within(1000)
  await watch.left(replay.session, 'be', 's1', limits)
  return watch.left(replay.session, 'be', 's1', limits)
}

it('knows when nobody is on a server and nobody can come', async () => {
  expect(await left({})).toMatchObject({ sessions: 0, oldSessions: 0, queue: 0, stickyBy: [] })
  expect(replay?.lines.some((line) => line.includes('show sess'))).toBe(false)
})

it('counts the clients of an old worker who have no server yet, among those who wait', async () => {
  expect(await left({ oldConnections: 3 })).toMatchObject({ sessions: 0, oldSessions: 0, queue: 3, oldWorkers: [99] })
  expect(await left({ oldConnections: 0 })).toMatchObject({ queue: 0 })
})

it('does not list so many sessions of an old worker: they are not counted, and nothing is called empty', async () => {
  expect(await left({ oldConnections: 5001 })).toMatchObject({ oldSessions: null })
})

it('names what brings clients back: its cookie, its own stick table, and those that the files name', async () => {
  const files = 'backend be\n  stick on src table other\n  server s1 198.18.0.21:8000\n'
  const tables = { be: entry('198.18.0.100'), other: entry('198.18.0.100') + entry('198.18.0.101') }
  expect((await left({ cookie: 'c1', tables, files }))?.stickyBy).toEqual([
    'the cookie c1',
    '1 entry of the stick table be',
    '2 entries of the stick table other',
  ])
  expect((await left({ tables }))?.stickyBy, 'without the files').toEqual(['1 entry of the stick table be'])
})

it('asks no table about a server in maintenance', async () => {
  await left({ adminState: 1, tables: { be: entry('198.18.0.100') } })
  expect(replay?.lines.some((line) => line.startsWith('show table'))).toBe(false)
})
