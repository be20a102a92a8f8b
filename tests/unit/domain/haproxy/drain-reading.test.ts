import { expect, it } from 'vitest'
import { countStuck, parsePlace, undecidedIn } from '../../../../src-main/domain/haproxy/drain-reading.ts'
import { parseSessions } from '../../../../src-main/domain/haproxy/parse-sessions.ts'

const rest = 'ts=00 epoch=0'
const sessions = `0x55c3a354edf0: proto=tcpv4 src=127.0.0.1:54800 fe=f be=be srv=s2 ${rest} age=1s calls=3 rate=0
0x55c3a366bd40: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ${rest} age=0s calls=1 rate=1
0x7efef8042150: proto=tcpv6 src=[::1]:54816 fe=f be=be srv=s1 ${rest} age=1h2m calls=3 rate=0
0x7efef8042151: proto=tcpv4 src=127.0.0.1:1 fe=f be=be srv=s11 ${rest} age=4s calls=3 rate=0

`

it('finds the sessions of one server among all', () => {
  expect(parseSessions(sessions, 'be', 's1')).toEqual([
    { pointer: '0x7efef8042150', source: '[::1]:54816', frontend: 'f', ageMs: 3_720_000 },
  ])
  expect(parseSessions(sessions, 'other', 's1')).toEqual([])
})

const info = 'Name: HAProxy\nVersion: 2.6.12\nPid: 712\nUptime_sec: 9\nCurrConns: 2\nStopping: 0\n\n'
const stat =
  '# pxname,svname,qcur,scur,stot,lastsess,agent_status,idle_conn_cur,check_status,cookie,\nbe,s1,1,2,30,4,L4OK,3,L7OK,c1,\nbe,s2,0,0,0,-1,,,,,\nbe,s4,0,0,0,-1,,,L4CON,,\nbe,s5,0,0,0,-1,,,L4CON,,\n\n'
const state = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_check_result srv_fqdn srv_port
3 be 1 s1 198.18.0.21 2 8 5 10 3 - 8000
3 be 2 s2 198.18.0.22 2 0 10 10 3 - 8000
3 be 4 s4 198.18.0.24 0 8 10 10 2 - 8000
3 be 5 s5 198.18.0.25 0 1 10 10 2 - 8000

`

it('puts together what the current worker says of one server', () => {
  expect(parsePlace(info + stat + state, { pool: 'be', server: 's1' }).place).toEqual({
    ...{ pool: 'be', server: 's1', adminState: 8, weight: 5, configuredWeight: 10, address: '198.18.0.21:8000' },
    ...{ worker: 712, sessions: 2, queue: 1, idle: 3, lastRequestS: 4, totalSessions: 30, agentCheck: true },
    health: 'up',
    stickyBy: ['the cookie c1'],
  })
  expect(parsePlace(info + stat + state, { pool: 'be', server: 's2' }).place).toMatchObject({
    lastRequestS: null,
    agentCheck: false,
    idle: null,
    stickyBy: [],
  })
})

it('says what the checks say of a server that is out, and nothing where none are made', () => {
  const healthOf = (server: string) => parsePlace(info + stat + state, { pool: 'be', server }).place?.health
  expect(['s1', 's2', 's4', 's5'].map(healthOf)).toEqual(['up', null, 'down', null])
})

it('knows a server and a backend that are not there', () => {
  expect(parsePlace(info + stat + state, { pool: 'be', server: 's3' }).place).toBeNull()
  const gone = `${info}No such proxy.\n\nCan't find backend.\n\n`
  expect(parsePlace(gone, { pool: 'nope', server: 's1' }).place).toBeNull()
})

it('takes a reply that breaks off for no reply', () => {
  expect(() => parsePlace(info + stat + state.slice(0, -30), { pool: 'be', server: 's2' })).toThrow(
    'before its reply was complete',
  )
})

// HAProxy 2.6.12: a download, a TCP session, a connection that is being opened, the command line's own session; a fifth client has sent nothing.
const end = 'rq[f=49c40000h,i=0,an=8000h,rx=,wx=,ax=] rp[f=80400000h,i=0,an=1400000h,rx=57s,wx=,ax=] scf=[8,80h,fd=15]'
const oldSessions = `0x5594736032c0: proto=tcpv4 src=198.18.0.100:33902 fe=f be=be srv=s2 ${rest} age=3s ${end} scb=[8,11h,fd=16] exp=57s
0x5594735e1a50: proto=tcpv4 src=198.18.0.100:55954 fe=t be=be_db srv=db1 ${rest} age=3s ${end} scb=[8,1h,fd=18] exp=59m
0x5594735e1b00: proto=tcpv4 src=198.18.0.100:55960 fe=f be=be srv=s2 ${rest} age=1s ${end} scb=[5,1h,fd=19] exp=1s
0x5594735e1b60: proto=tcpv4 src=198.18.0.100:55966 fe=f be=be srv=<none> ${rest} age=1s ${end} scb=[0,1h,fd=-1] exp=1s
0x7f704c046fb0: proto=sockpair src=unix:2 fe=GLOBAL be=<NONE> srv=<none> ${rest} age=0s ${end} scb=[8,1h,fd=-1] exp=

`
const oldInfo = info.replace('CurrConns: 2\nStopping: 0', 'CurrConns: 5\nStopping: 1')
const s1 = { pool: 'be', server: 's1' }
const ready = state.replace(' 2 8 5 ', ' 2 0 5 ')

it('counts whom an old worker may still send to a server that is in service there', () => {
  expect(undecidedIn(oldInfo + ready + oldSessions, s1, false), 'five, of whom two have their server').toBe(3)
})

it('knows that nobody comes to a server that is out on the old worker too, unless he sticks to it', () => {
  expect(undecidedIn(oldInfo + state + oldSessions, s1, false)).toBe(0)
  expect(undecidedIn(oldInfo + state + oldSessions, s1, true)).toBe(3)
  expect(undecidedIn(oldInfo + state.replace(' 2 8 5 ', ' 0 1 5 ') + oldSessions, s1, true), 'in maintenance').toBe(0)
  expect(undecidedIn(`${oldInfo}Can't find backend.\n\n${oldSessions}`, s1, true), 'unknown to it').toBe(0)
})

it('does not take half a reply of an old worker for nobody', () => {
  expect(() => undecidedIn((oldInfo + ready + oldSessions).slice(0, -1), s1, false)).toThrow('before its reply was complete')
})

it('counts the entries of a stick table, and none where there is no such table', () => {
  const table = '# table: be, type: ip, size:10240, used:1\n'
  expect(countStuck(`${table}0x55cc9f361b00: key=198.18.0.100 use=0 exp=1799935 server_id=1 server_key=s1\n\n`)).toBe(1)
  expect(countStuck(`${table}\n`)).toBe(0)
  expect(countStuck('No such table\n\n')).toBe(0)
})
