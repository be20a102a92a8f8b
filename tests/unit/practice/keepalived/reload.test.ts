import { beforeEach, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../manual-clock.ts'
import { aSite, instanceText, vip, type Member } from './vrrp-site.ts'

let clock: ManualClock
let one: Member
let two: Member

beforeEach(async () => {
  clock = createManualClock()
  ;[one, two] = (await aSite(clock, 2)) as [Member, Member]
  one.configure(instanceText({ priority: 150 }))
  two.configure(instanceText({ priority: 100 }))
  await one.run('keepalived', '-D')
  await two.run('keepalived', '-D')
  await clock.advance(8000)
})

async function reload(config: string, waitMs: number): Promise<void> {
  one.configure(config)
  one.machine.processes.signal(one.pid(), 'HUP')
  await clock.advance(waitMs)
}

it('the same configuration: nothing moves and nothing is forgotten', async () => {
  const before = (await one.dump())['VI_1']
  await reload(instanceText({ priority: 150 }), 0)
  expect((await one.dump())['VI_1']).toEqual(before)
  await clock.advance(4000)
  expect([one.holds(), two.holds()]).toEqual([true, false])
})

it('a lower priority: the other takes over after a whole interval', async () => {
  await reload(instanceText({ priority: 90 }), 3800)
  expect([one.holds(), two.holds()]).toEqual([false, true])
})

it('an instance that is gone says so with priority 0', async () => {
  await reload('global_defs {\n}\n', 620)
  expect([one.holds(), two.holds()]).toEqual([false, true])
  expect(one.machine.processes.get(one.childPid())).not.toBeNull()
})

it('another list of addresses: the other rejects the adverts, and both are masters', async () => {
  await reload(instanceText({ priority: 150, address: '127.99.0.110' }), 4000)
  expect([one.holds(), one.holds('127.99.0.110'), two.holds()]).toEqual([false, true, true])
  expect(one.log()).toContain(`(VI_1) ip address ${vip}/24 dev eth0, no longer exist`)
  expect(two.log()).toContain(`(VI_1) ip address associated with VRID 51 not present in MASTER advert: ${vip}`)
})

it('an interface that does not exist: the daemon ends, and its address stays', async () => {
  await reload(instanceText({ priority: 150 }).replace('eth0', 'eth9'), 4000)
  expect(one.machine.processes.list().filter(({ name }) => name === 'keepalived')).toEqual([])
  expect([one.holds(), two.holds()]).toEqual([true, true])
  expect(one.log().slice(-5)).toEqual([
    "(/etc/keepalived/keepalived.conf: Line 3) WARNING - interface eth9 for vrrp_instance VI_1 doesn't exist",
    'Non-existent interface specified in configuration',
    'Stopped',
    expect.stringMatching(/^pid \d+ exited with permanent error CONFIG. Terminating$/),
    'Stopped Keepalived v2.2.7 (01/16,2022)',
  ])
})

it('reload_check_config keeps the running configuration when the new one fails its test', async () => {
  const checked = (text: string) => `global_defs {\n reload_check_config\n}\n${text}`
  await reload(checked(instanceText({ priority: 150 })), 10)
  await reload(checked(instanceText({ priority: 150 }).replace('eth0', 'eth9')), 4000)
  expect([one.holds(), two.holds()]).toEqual([true, false])
  expect(one.log()).toContain('New config failed validation, see /dev/null for details')
})

it('a second start finds the first', async () => {
  expect(await one.run('keepalived', '-l')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('daemon is already running') as string,
  })
  expect(one.machine.processes.list().filter(({ name }) => name === 'keepalived')).toHaveLength(2)
})
