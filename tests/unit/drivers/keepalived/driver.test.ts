import { describe, expect, it } from 'vitest'
import type { NodeFacts } from '../../../../src-main/app/ports/driver.ts'
import { createKeepalivedDriver } from '../../../../src-main/drivers/keepalived/driver.ts'
import { systemClock } from '../../../../src-main/system-clock.ts'

import { fixture } from '../../domain/keepalived/fixtures.ts'
import { limits, refused, scriptedSession, sections } from '../linux/scripted-session.ts'

const facts: NodeFacts = { hostName: 'lb1', os: '', user: 'ops', initSystem: 'systemd', sudo: 'available' }
let passedMs = 0
const driver = createKeepalivedDriver({ clock: { ...systemClock, monotonic: () => passedMs } })
const kernel = fixture('ip-addr-tracked.json')
const processes = '8 1 60 0,0,0,0 keepalived\0-D\0\n9 8 60 0,0,0,0 keepalived\0-D\0\n'
const files = { '/etc/keepalived/keepalived.conf': fixture('instances.conf') }

/** `reply`: the sections of the daemon's answer; null: sudo refuses. */
const node = (reply: Record<string, string> | null, json = '36\n', seen = { signs: '8 1 1000 \n', kernel }, arping = '') =>
  scriptedSession((argv) => {
    if (argv[2]?.includes('arping')) return { stdout: arping }
    if (argv[1] === '-s') return reply === null ? refused : { stdout: sections(reply) }
    if (argv[4] === 'keepalived') return { stdout: processes }
    if (argv[2]?.includes('part signs')) return { stdout: sections(seen) }
    if (argv[2]?.endsWith('ip -j addr')) return { stdout: kernel }
    return { stdout: sections({ binary: '/usr/sbin/keepalived', version: 'Keepalived v2.2.7 (01/16,2022)\n', json }) }
  }, files)
const detect = async (session: ReturnType<typeof node>) =>
  (await driver.detect(session, facts, {}, limits)) ?? expect.fail('nothing was found')

const running = { pid: '8', uptime: '60', kernel }

describe('the keepalived driver', () => {
  it('shows what the kernel has to an account that may not ask, and does not ask again', async () => {
    const session = node(null)
    const found = await detect(session)
    expect(found.findings.map(({ rule, fix }) => [rule, fix?.line])).toEqual([
      ['keepalived.not-permitted', 'ops ALL=(root) NOPASSWD: /usr/bin/sh -s -- /run/keepalived.pid'],
    ])
    const reading = await driver.bind(found).observe(session, limits)
    expect(reading).toMatchObject({ running: true, pid: 8, daemonAnswered: false })
    expect(reading).toMatchObject({ instances: [{ name: 'VI_1', state: null, kernelAddresses: { length: 3 } }, {}] })
    expect(session.asked.filter(({ options }) => options.privileged && options.stdin !== undefined)).toHaveLength(1)
  })

  it('reads the text dump of a daemon without JSON', async () => {
    const session = node({ ...running, data: fixture('dump-data.txt') }, '')
    const found = await detect(session)
    expect(found.findings.map(({ rule }) => rule)).toEqual(['keepalived.no-json'])
    expect(await driver.bind(found).observe(session, limits)).toMatchObject({
      daemonAnswered: true,
      instances: [{ state: 'MASTER', effectivePriority: 155 }, { state: 'MASTER' }],
    })
  })

  it('takes half a dump for no answer', async () => {
    const session = node({ ...running, json: fixture('dump-master.json').slice(0, 900) })
    expect(await driver.bind(await detect(session)).observe(session, limits)).toMatchObject({ daemonAnswered: false })
  })

  it('gives no reading without the kernel', async () => {
    const session = node({ ...running, kernel: 'Option "-j" is unknown, try "ip -help".\n' })
    await expect(driver.bind(await detect(session)).observe(session, limits)).rejects.toMatchObject({
      code: 'daemon.unexpected-reply',
      message: expect.stringContaining('ip -j addr') as string,
    })
  })

  it('sends its script by stdin, and paths as arguments', async () => {
    const session = node(running)
    const pidFile = "/run/a'; touch /tmp/x; '.pid"
    const found = await driver.detect(session, facts, { keepalived: { pidFile } }, limits)
    expect(found?.service.endpoints['pidFile']).toBe(pidFile)
    const scripts = session.asked.filter(({ argv }) => argv[1] === '-s')
    expect(scripts.map(({ argv }) => argv)).toEqual([['sh', '-s', '--', pidFile]])
    for (const { argv, options } of session.asked) expect(`${String(options.stdin)}${argv[2]}`).not.toContain('touch')
  })

  it('asks the daemon when something happened, for ten seconds after it, and every thirty; the kernel always', async () => {
    const seen = { signs: '8 1 1000 \n', kernel }
    const session = node({ ...running, json: fixture('dump-tracked.json'), data: fixture('dump-data.txt') }, '36\n', seen)
    const service = driver.bind(await detect(session))
    /** age of the daemon's word in seconds, after so many seconds */
    const after = async (seconds: number) => {
      passedMs += seconds * 1000
      const reading = await service.observe(session, limits)
      return reading.kind === 'keepalived' && reading.daemonAnswered ? reading.daemonAgeMs / 1000 : null
    }
    expect([await after(0), await after(9)]).toEqual([0, 0])
    expect([await after(2), await after(20), await after(7), await after(2)]).toEqual([2, 22, 29, 0])

    seen.kernel = kernel.replaceAll(/"valid_life_time":\d+/g, '"valid_life_time":1')
    expect(await after(2), 'a lease that runs down is no news').toBe(2)
    seen.kernel = fixture('ip-addr-fault.json')
    expect([await after(2), await after(2)]).toEqual([0, 0])
    seen.kernel = kernel
    expect([await after(2), await after(9), await after(9), await after(2)]).toEqual([0, 0, 9, 11])
    seen.signs = '9 1 2000 \n'
    expect(await after(2)).toBe(0)

    const files = session.asked.findLast(({ argv }) => argv[2]?.includes('part signs'))?.argv.slice(4)
    expect(files).toEqual(['/etc/keepalived', '/etc/keepalived/keepalived.conf', '/run/lb adj'])
  })

  it('hears whoever answered just now, and not whom the kernel remembers beside him', async () => {
    const remembered = (dst: string) => ({ dst, lladdr: '02:00:00:00:00:01', state: ['REACHABLE'] })
    const neighbours = JSON.stringify([remembered('198.18.7.100'), remembered('198.18.7.7')])
    const reply = { ...running, json: fixture('dump-tracked.json'), kernel: fixture('ip-addr-fault.json'), neighbours }
    const answer = 'Unicast reply from 198.18.7.100 [02:00:00:00:00:02]  0.547ms\n'
    const session = node(reply, '36\n', undefined, answer)
    const service = driver.bind(await detect(session))
    await service.observe(session, limits)
    const reading = await service.observe(session, limits)
    expect(reading.kind === 'keepalived' && reading.segment.sightings).toMatchObject([
      { address: '198.18.7.7', how: 'neighbour' },
      { address: '198.18.7.100', how: 'arp', mac: '02:00:00:00:00:02' },
    ])
  })

  it('takes no word for lasting that was given while an address came or went', async () => {
    const elsewhere = fixture('ip-addr-fault.json')
    const session = node({ ...running, json: fixture('dump-tracked.json') }, '36\n', { signs: '', kernel: elsewhere })
    const service = driver.bind(await detect(session))
    for (const _ of [1, 2, 3]) {
      passedMs += 11_000
      expect(await service.observe(session, limits)).toMatchObject({ daemonAgeMs: 0 })
    }
  })

  it('asks a silent daemon again in every round', async () => {
    const session = node(running)
    const service = driver.bind(await detect(session))
    for (const _ of [1, 2, 3]) {
      passedMs += 11_000
      expect(await service.observe(session, limits)).toMatchObject({ daemonAnswered: false, daemonAgeMs: 0 })
    }
    expect(session.asked.filter(({ options }) => options.privileged && options.stdin !== undefined)).toHaveLength(4)
  })
})
