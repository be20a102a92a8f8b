import { expect, it } from 'vitest'
import { systemClock } from '../../../../src-main/practice/machine/system-clock.ts'
import { aSite, instanceText, type Member } from './vrrp-site.ts'

const toleranceMs = 50
const more = 'version 3\n    advert_int 0.1'
/** 3 intervals and the skew of priority 100, which is (256 - 100) / 256 of an interval */
const skewMs = (156 / 256) * 100
const downMs = 300 + skewMs

async function until(met: () => boolean): Promise<number> {
  for (let tries = 0; tries < 5000; tries += 1) {
    if (met()) return performance.now()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return expect.fail('it did not happen')
}

/** Two machines on the computer's own clock, the first of them master. */
async function site(): Promise<[Member, Member]> {
  const [one, two] = (await aSite(systemClock, 2)) as [Member, Member]
  one.configure(instanceText({ priority: 150, more }))
  two.configure(instanceText({ priority: 100, more }))
  await one.run('keepalived')
  await two.run('keepalived')
  await until(() => one.holds())
  return [one, two]
}

it('a hard death is taken over after three intervals and the skew, from the last advert', async () => {
  const [one, two] = await site()
  let last = 0
  two.machine.network.onSegment(() => (last = performance.now()))
  await until(() => last > 0)
  const pids = [one.pid(), one.childPid()]
  for (const pid of pids) one.machine.processes.signal(pid, 'KILL')
  const silentSince = last
  const took = (await until(() => two.holds())) - silentSince
  expect(Math.abs(took - downMs)).toBeLessThanOrEqual(toleranceMs)
  await two.machine.powerOff()
})

it('a clean stop is taken over after the skew', async () => {
  const [one, two] = await site()
  const stopped = performance.now()
  one.machine.processes.signal(one.pid(), 'TERM')
  const took = (await until(() => two.holds())) - stopped
  expect(Math.abs(took - skewMs)).toBeLessThanOrEqual(toleranceMs)
  await two.machine.powerOff()
})
