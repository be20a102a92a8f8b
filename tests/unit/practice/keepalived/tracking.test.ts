import { beforeEach, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../manual-clock.ts'
import { aSite, instanceText, type Member } from './vrrp-site.ts'

const definitions = `global_defs {
    enable_script_security
    script_user root
}
vrrp_script chk {
    script "/usr/bin/test -e /run/ok"
    interval 1
    fall 2
    rise 2
    weight -60
}
vrrp_script must {
    script "/usr/bin/test -e /run/must"
    interval 1
}
track_file adjust {
    file /run/adjust
    weight 1
    init_file 0
}
vrrp_track_process sleeper {
    process sleeper
    weight 10
}
`
const tracks = (kind: string, name: string): string => `track_${kind} {\n ${name}\n }`

let clock: ManualClock
let one: Member
let two: Member

async function start(more: string): Promise<void> {
  one.configure(definitions + instanceText({ priority: 150, more }))
  two.configure(instanceText({ priority: 100 }))
  await one.run('keepalived', '-D')
  await two.run('keepalived', '-D')
  await clock.advance(8000)
}
const instance = async (): Promise<Record<string, unknown>> => (await one.dump())['VI_1'] ?? {}

beforeEach(async () => {
  clock = createManualClock()
  ;[one, two] = (await aSite(clock, 2)) as [Member, Member]
  for (const path of ['/run/ok', '/run/must']) one.machine.files.write(path, '')
})

it('a failed script with a weight lowers the priority, and the other takes over', async () => {
  await start(tracks('script', 'chk'))
  one.machine.files.remove('/run/ok')
  await clock.advance(3000)
  expect(await instance()).toMatchObject({ effective_priority: 90 })
  await clock.advance(3600)
  expect([one.holds(), two.holds()]).toEqual([false, true])
  one.machine.files.write('/run/ok', '')
  await clock.advance(6600)
  expect([one.holds(), two.holds()]).toEqual([true, false])
  const said = one.log().filter((line) => /chk|effective/.test(line))
  expect(said).toEqual([
    'VRRP_Script(chk) succeeded',
    'Script `chk` now returning 1',
    'VRRP_Script(chk) failed (exited with status 1)',
    '(VI_1) Changing effective priority from 150 to 90',
    'Script `chk` now returning 0',
    'VRRP_Script(chk) succeeded',
    '(VI_1) Changing effective priority from 90 to 150',
  ])
})

it('a failed script without a weight is a fault, and at the start it is one from the beginning', async () => {
  await start(tracks('script', 'must'))
  expect(one.holds()).toBe(true)
  one.machine.files.remove('/run/must')
  await clock.advance(1700)
  expect(await instance()).toMatchObject({ state: 3 })
  expect(two.holds()).toBe(true)
  one.machine.processes.signal(one.pid(), 'TERM')
  await clock.advance(1100)
  await one.run('keepalived')
  await clock.advance(100)
  expect(await instance()).toMatchObject({ state: 3 })
})

it('a script that hangs has timed out', async () => {
  one.machine.files.write('/usr/local/bin/hang', '#!/bin/sh\nsleep 100\n', { mode: 0o755 })
  one.machine.files.setMode('/usr/local/bin/hang', 0o755)
  one.configure(
    `global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script slow {\n script /usr/local/bin/hang\n interval 5\n timeout 2\n}\n${instanceText({ priority: 150, more: tracks('script', 'slow') })}`,
  )
  await one.run('keepalived')
  await clock.advance(2100)
  expect(one.log()).toContain('VRRP_Script(slow) timed_out')
  expect(await instance()).toMatchObject({ state: 3 })
  expect(one.machine.processes.list().filter(({ name }) => name === 'hang' || name === 'sleep')).toEqual([])
})

it.each([
  ['-100', 50, 2],
  ['0x10', 166, 2],
  ['10 20', 160, 2],
  ['rubbish', 150, 2],
  ['1000', 254, 2],
  ['-254', 1, 3],
])('a track file with %j', async (text, priority, state) => {
  await start(tracks('file', 'adjust'))
  one.machine.files.write('/run/adjust', `${text}\n`)
  await clock.advance(10)
  expect(await instance()).toMatchObject({ effective_priority: priority, state })
})

it('a track file keeps its value over a restart and a rename over it is noticed', async () => {
  await start(tracks('file', 'adjust'))
  expect(one.machine.files.read('/run/adjust').toString()).toBe('0\n')
  one.machine.files.write('/run/new', '-100\n')
  one.machine.files.rename('/run/new', '/run/adjust')
  await clock.advance(4000)
  expect([one.holds(), two.holds()]).toEqual([false, true])
  one.machine.processes.signal(one.pid(), 'TERM')
  await clock.advance(1100)
  await one.run('keepalived')
  await clock.advance(5000)
  expect(await instance()).toMatchObject({ effective_priority: 50, state: 1 })
})

it('with nopreempt on the other, a weight moves nothing', async () => {
  one.configure(definitions + instanceText({ priority: 150, more: `nopreempt\n ${tracks('file', 'adjust')}` }))
  two.configure(instanceText({ priority: 100, more: 'nopreempt' }))
  await one.run('keepalived')
  await two.run('keepalived')
  await clock.advance(8000)
  one.machine.files.write('/run/adjust', '-100\n')
  await clock.advance(20_000)
  expect([one.holds(), two.holds()]).toEqual([true, false])
})

it('a tracked process counts while it runs', async () => {
  await start(tracks('process', 'sleeper'))
  expect(await instance()).toMatchObject({ effective_priority: 150 })
  const sleeper = one.machine.processes.spawn({ argv: ['sleeper'], exe: '/usr/bin/sleeper' })
  await clock.advance(100)
  expect(await instance()).toMatchObject({ effective_priority: 160 })
  sleeper.exit(0)
  await clock.advance(100)
  expect(await instance()).toMatchObject({ effective_priority: 150 })
})

it('the members of a sync group move together', async () => {
  const group = 'vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n'
  const second = (priority: number, more = '') =>
    instanceText({ name: 'VI_2', vrid: 52, priority, address: '127.99.0.101', more })
  one.configure(definitions + group + instanceText({ priority: 150 }) + second(150, tracks('script', 'must')))
  two.configure(group + instanceText({ priority: 100 }) + second(100))
  await one.run('keepalived')
  await two.run('keepalived')
  await clock.advance(9000)
  const held = () => [one, two].map((member) => [member.holds(), member.holds('127.99.0.101')])
  expect(held()).toEqual([
    [true, true],
    [false, false],
  ])
  one.machine.files.remove('/run/must')
  await clock.advance(2500)
  expect(held()).toEqual([
    [false, false],
    [true, true],
  ])
  expect(one.log()).toContain('VRRP_Group(G) Syncing instances to FAULT state')
  one.machine.files.write('/run/must', '')
  await clock.advance(6000)
  expect(held()).toEqual([
    [true, true],
    [false, false],
  ])
})

it('notify scripts are told type, name, state and priority', async () => {
  one.machine.files.write('/usr/local/bin/told', '#!/bin/sh\necho "$@" >> /run/told\n', { mode: 0o755 })
  one.machine.files.setMode('/usr/local/bin/told', 0o755)
  await start('notify /usr/local/bin/told')
  one.machine.processes.signal(one.pid(), 'TERM')
  await clock.advance(1100)
  expect(one.machine.files.read('/run/told').toString().split('\n')).toEqual([
    'INSTANCE VI_1 BACKUP 150',
    'INSTANCE VI_1 MASTER 150',
    'INSTANCE VI_1 STOP 150',
    '',
  ])
})
