import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../manual-clock.ts'
import { aSite, instanceText, type Member } from './vrrp-site.ts'

let clock: ManualClock

/** Machines whose instances have these priorities, after they have found their master. */
async function settledSite(priorities: readonly number[], more = ''): Promise<Member[]> {
  clock = createManualClock()
  const members = await aSite(clock, priorities.length)
  for (const [index, priority] of priorities.entries()) {
    const member = members[index]
    member?.configure(instanceText({ priority, more }))
    expect(await member?.run('keepalived', '-D')).toMatchObject({ code: 0 })
  }
  await clock.advance(8000)
  return members
}

const kill = (member: Member): void => {
  const pids = [member.pid(), member.childPid()]
  for (const pid of pids) member.machine.processes.signal(pid, 'KILL')
}

/** Milliseconds until `member` holds the address. */
async function takeoverMs(member: Member): Promise<number> {
  for (let ms = 0; ms < 20_000; ms += 1) {
    if (member.holds()) return ms
    await clock.advance(1)
  }
  return expect.fail('nobody took over')
}

describe('two machines', () => {
  let one: Member
  let two: Member
  beforeEach(async () => {
    ;[one, two] = (await settledSite([150, 100])) as [Member, Member]
  })

  it('the higher priority holds the address, and says what keepalived says', () => {
    expect([one.holds(), two.holds()]).toEqual([true, false])
    expect(one.log()).toEqual(
      expect.arrayContaining([
        '(VI_1) Entering BACKUP STATE (init)',
        '(VI_1) Receive advertisement timeout',
        '(VI_1) Entering MASTER STATE',
        '(VI_1) setting VIPs.',
        '(VI_1) Sending/queueing gratuitous ARPs on eth0 for 127.99.0.100',
      ]),
    )
  })

  it('hard death: the other takes over 3 intervals and its skew after the last advert, and the dead one keeps the address', async () => {
    // lb1 became master at 3414 ms and speaks every second from there: at 8000 ms the last advert was 586 ms ago.
    kill(one)
    const ms = await takeoverMs(two)
    expect(ms).toBeGreaterThanOrEqual(3609 - 586 - 2)
    expect(ms).toBeLessThanOrEqual(3609 - 586 + 3)
    expect(one.holds()).toBe(true)
  })

  it('a restart removes what a killed daemon left behind', async () => {
    kill(one)
    await clock.advance(10)
    expect(await one.run('keepalived')).toMatchObject({ code: 0 })
    await clock.advance(10)
    expect(one.holds()).toBe(false)
  })

  it('clean stop: priority 0, and the other takes over after its skew alone', async () => {
    one.machine.processes.signal(one.pid(), 'TERM')
    expect(one.holds()).toBe(false)
    const ms = await takeoverMs(two)
    expect(Math.abs(ms - 609)).toBeLessThanOrEqual(2)
    expect(two.log()).toContain('(VI_1) Backup received priority 0 advertisement')
    // It lingers for a second, and until then another start does nothing.
    expect(await one.run('keepalived')).toMatchObject({ code: 0 })
    await clock.advance(1000)
    expect(one.log().slice(-2)).toEqual(['Stopped', 'Stopped Keepalived v2.2.7 (01/16,2022)'])
    expect(one.machine.files.exists('/run/keepalived.pid')).toBe(false)
  })

  it('the higher priority comes back: it discards lower adverts for a whole interval, then takes over', async () => {
    one.machine.processes.signal(one.pid(), 'TERM')
    await clock.advance(3000)
    await one.run('keepalived')
    const ms = await takeoverMs(one)
    expect(Math.abs(ms - 3414)).toBeLessThanOrEqual(2)
    const [other] = two.machine.network.addresses()
    expect(one.log()).toContain(`(VI_1) received lower priority (100) advert from ${other?.address ?? ''} - discarding`)
    await clock.advance(2)
    expect(two.holds()).toBe(false)
  })

  it('blocked adverts: two masters; heals when they pass again', async () => {
    one.machine.network.setAdvertsBlocked(true)
    await clock.advance(4000)
    expect([one.holds(), two.holds()]).toEqual([true, true])
    one.machine.network.setAdvertsBlocked(false)
    await clock.advance(1100)
    expect([one.holds(), two.holds()]).toEqual([true, false])
  })

  it('a pulled cable is a fault here and silence there', async () => {
    one.machine.network.setLink(false)
    await clock.advance(100)
    expect(one.holds()).toBe(false)
    expect((await one.dump())['VI_1']).toMatchObject({ state: 3, wantstate: 3, effective_priority: 150 })
    await clock.advance(3600)
    expect(two.holds()).toBe(true)
    one.machine.network.setLink(true)
    await clock.advance(3600)
    expect([one.holds(), two.holds()]).toEqual([true, false])
    expect(one.log()).toEqual(expect.arrayContaining(['Netlink reports eth0 down', 'Netlink reports eth0 up']))
  })

  it('a stopped daemon answers nothing and keeps the address; when it goes on it is master again', async () => {
    for (const pid of [one.pid(), one.childPid()]) one.machine.processes.signal(pid, 'STOP')
    await clock.advance(4000)
    expect([one.holds(), two.holds()]).toEqual([true, true])
    one.machine.processes.signal(one.pid(), 'RTMIN+2')
    expect(one.machine.files.exists('/tmp/keepalived.json')).toBe(false)
    for (const pid of [one.childPid(), one.pid()]) one.machine.processes.signal(pid, 'CONT')
    await clock.advance(1100)
    expect([one.holds(), two.holds()]).toEqual([true, false])
    expect(one.machine.files.exists('/tmp/keepalived.json')).toBe(true)
  })

  it('a killed child is started again, later each time', async () => {
    const delays: number[] = []
    for (let death = 0; death < 3; death += 1) {
      const before = one.childPid()
      one.machine.processes.signal(before, 'KILL')
      let ms = 0
      while (one.childPid() === before && ms < 5000) {
        await clock.advance(10)
        ms += 10
      }
      delays.push(ms)
    }
    expect(delays).toEqual([10, 1000, 2000])
    expect(one.log()).toEqual(expect.arrayContaining([expect.stringMatching(/^VRRP child process\(\d+\) died: Respawning$/)]))
  })

  it('a killed parent takes its child with it, which leaves cleanly', async () => {
    one.machine.processes.signal(one.pid(), 'KILL')
    await clock.advance(620)
    expect([one.holds(), two.holds()]).toEqual([false, true])
  })

  it('the power cable: silence, and nothing of the daemon goes on', async () => {
    await one.machine.powerOff()
    await clock.advance(3700)
    expect(two.holds()).toBe(true)
    expect(one.machine.processes.list()).toEqual([])
  })
})

it('nopreempt: the higher priority does not take the address back', async () => {
  const [one, two] = (await settledSite([150, 100], 'nopreempt')) as [Member, Member]
  one.machine.processes.signal(one.pid(), 'TERM')
  await clock.advance(2000)
  await one.run('keepalived')
  await clock.advance(10_000)
  expect([one.holds(), two.holds()]).toEqual([false, true])
})

it('preempt_delay: the lower master is borne with until the delay is over', async () => {
  const [one] = (await settledSite([150, 100], 'preempt_delay 5')) as [Member, Member]
  one.machine.processes.signal(one.pid(), 'TERM')
  await clock.advance(2000)
  await one.run('keepalived', '-D')
  const ms = await takeoverMs(one)
  // 5 s from the first advert of the lower master, then 3.414 s from the last one that was borne with
  expect(ms).toBeGreaterThan(7400)
  expect(ms).toBeLessThan(9500)
})

it('equal priority: who was first stays, and of two masters the higher address wins', async () => {
  const [one, two] = (await settledSite([100, 100])) as [Member, Member]
  expect([one.holds(), two.holds()]).toEqual([true, false])
  one.machine.network.setAdvertsBlocked(true)
  await clock.advance(4000)
  one.machine.network.setAdvertsBlocked(false)
  await clock.advance(1100)
  expect([one.holds(), two.holds()]).toEqual([false, true])
})

it('version 3 counts in hundredths of a second', async () => {
  const [one, two] = (await settledSite([150, 100], 'version 3\n    advert_int 0.2')) as [Member, Member]
  expect(one.holds()).toBe(true)
  const sentMs = (8000 - (3 * 200 + (106 / 256) * 200)) % 200
  kill(one)
  expect(Math.abs((await takeoverMs(two)) - (600 + (156 / 256) * 200 - sentMs))).toBeLessThanOrEqual(3)
})

it('of three, the next in priority follows', async () => {
  const [one, two, three] = (await settledSite([150, 120, 100])) as [Member, Member, Member]
  kill(one)
  await clock.advance(3700)
  expect([two.holds(), three.holds()]).toEqual([true, false])
  kill(two)
  await clock.advance(3700)
  expect(three.holds()).toBe(true)
})

it.each([
  ['another password', 'authentication {\n auth_type PASS\n auth_pass other\n}', '(VI_1) received an invalid passwd!'],
  ['no password', '', '(VI_1) received a 0 auth, expecting 1!'],
  [
    'another interval',
    'advert_int 2\nauthentication {\n auth_type PASS\n auth_pass same\n}',
    "(VI_1) advertisement interval mismatch mine=1 sec rcv'd=2 sec",
  ],
  ['version 3', 'version 3', '(VI_1) wrong version. Received 3 and expect 2'],
])('adverts with %s are rejected, so that both are masters', async (_, more, line) => {
  clock = createManualClock()
  const [one, two] = (await aSite(clock, 2)) as [Member, Member]
  one.configure(instanceText({ priority: 150, more: 'authentication {\n auth_type PASS\n auth_pass same\n}' }))
  two.configure(instanceText({ priority: 100, more }))
  await one.run('keepalived')
  await two.run('keepalived')
  await clock.advance(8000)
  expect([one.holds(), two.holds()]).toEqual([true, true])
  expect(one.log()).toContain(line)
})
