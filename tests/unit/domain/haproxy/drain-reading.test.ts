import { expect, it } from 'vitest'
import { parsePlace } from '../../../../src-main/domain/haproxy/drain-reading.ts'
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
  '# pxname,svname,qcur,scur,stot,lastsess,agent_status,idle_conn_cur,\nbe,s1,1,2,30,4,L4OK,3,\nbe,s2,0,0,0,-1,,,\n\n'
const state = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_check_result srv_fqdn srv_port
3 be 1 s1 198.18.0.21 2 8 5 10 3 - 8000
3 be 2 s2 198.18.0.22 2 0 10 10 3 - 8000

`

it('puts together what the current worker says of one server', () => {
  expect(parsePlace(info + stat + state, { pool: 'be', server: 's1' }).place).toEqual({
    ...{ pool: 'be', server: 's1', adminState: 8, weight: 5, configuredWeight: 10, address: '198.18.0.21:8000' },
    ...{ worker: 712, sessions: 2, queue: 1, idle: 3, lastRequestS: 4, totalSessions: 30, agentCheck: true },
  })
  expect(parsePlace(info + stat + state, { pool: 'be', server: 's2' }).place).toMatchObject({
    lastRequestS: null,
    agentCheck: false,
    idle: null,
  })
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
