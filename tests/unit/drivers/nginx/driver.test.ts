import { describe, expect, it } from 'vitest'
import { AppError } from '../../../../src-main/app/app-error.ts'
import type { NodeFacts } from '../../../../src-main/app/ports/driver.ts'
import { createNginxDriver } from '../../../../src-main/drivers/nginx/driver.ts'
import { systemClock } from '../../../../src-main/system-clock.ts'

import { limits, refused, scriptedSession, sections, type Answer } from '../linux/scripted-session.ts'

const facts: NodeFacts = { hostName: 'lb1', os: '', user: 'ops', initSystem: 'systemd', sudo: 'available' }
const driver = createNginxDriver({ clock: systemClock })
const processes = '10 1 60 0,0,0,0 nginx: master process /usr/sbin/nginx\n11 10 60 33,33,33,33 nginx: worker process\0\0\n'
const dump = '# configuration file /etc/nginx/nginx.conf:\nhttp { upstream app { server 198.18.0.1:80; } }\n\n'
const broken =
  '2026/11/22 21:34:55 [emerg] 1#1: unexpected "}" in /etc/nginx/nginx.conf:3\nnginx: configuration file test failed\n'

type Node = Partial<Record<'processes' | 'located' | 'version' | 'dump' | 'ss' | 'changed', Answer | AppError>>

function node(change: Node = {}) {
  return scriptedSession((argv) => {
    if (argv[1] === '-V')
      return (
        change.version ?? { stderr: 'nginx version: nginx/1.22.1\nconfigure arguments: --conf-path=/etc/nginx/nginx.conf\n' }
      )
    if (argv[1] === '-T') return change.dump ?? { stdout: dump }
    if (argv[1] === '-Htnp') return change.ss ?? { stdout: '0 0 198.18.0.9:5 198.18.0.1:80 users:(("nginx",pid=11,fd=3))\n' }
    if (argv[4] === 'nginx*') return change.processes ?? { stdout: processes }
    if (argv[2]?.includes('command -v ss')) {
      return change.located ?? { stdout: sections({ nginx: '/usr/sbin/nginx\n', ss: '/usr/bin/ss\n' }) }
    }
    return change.changed ?? {}
  })
}
const detect = async (change: Node = {}) =>
  (await driver.detect(node(change), facts, {}, limits)) ?? expect.fail('nothing was found')

describe('the nginx driver', () => {
  it('asks as root for two things only, and says exactly which when it may not', async () => {
    const found = await detect({ dump: refused })
    expect(found.findings).toContainEqual(
      expect.objectContaining({
        rule: 'nginx.not-permitted',
        fix: {
          where: '/etc/sudoers.d/evenkeel',
          line: 'ops ALL=(root) NOPASSWD: /usr/sbin/nginx -T, /usr/bin/ss -Htnp state established -F -',
        },
      }),
    )
    const session = node()
    await driver.bind(found).observe(session, limits)
    const privileged = session.asked.filter(({ options }) => options.privileged).map(({ argv }) => argv.join(' '))
    expect(privileged).toEqual(['/usr/sbin/nginx -T', '/usr/bin/ss -Htnp state established -F -'])
  })

  it('reads the configuration once per generation', async () => {
    const service = driver.bind(await detect())
    const session = node()
    for (let round = 0; round < 3; round += 1) await service.observe(session, limits)
    expect(session.asked.filter(({ argv }) => argv[1] === '-T')).toHaveLength(1)
  })

  it.each([
    ['ss may not be run', refused],
    ['there is no ss', new AppError('exec.not-found', 'There is no ss.')],
    ['ss fails', { code: 1 }],
  ])('does without sessions where %s', async (_name, ss) => {
    const reading = await driver.bind(await detect()).observe(node({ ss }), limits)
    expect(reading).toMatchObject({ pools: [{ servers: [{ sessions: null }] }], workers: [{ sessions: null }] })
  })

  it('passes a lost connection on', async () => {
    const lost = new AppError('ssh.connection-lost', 'Gone.')
    await expect(driver.bind(await detect()).observe(node({ ss: lost }), limits)).rejects.toBe(lost)
  })

  it('tells file and line of a broken configuration', async () => {
    const change = { dump: { code: 1, stderr: broken } }
    const service = driver.bind(await detect(change))
    await expect(service.observe(node(change), limits)).rejects.toMatchObject({
      code: 'config.parse-failed',
      message: expect.stringContaining('unexpected "}" in /etc/nginx/nginx.conf:3') as string,
    })
  })

  it('shows no part of what was cut short', async () => {
    const service = driver.bind(await detect())
    await expect(service.observe(node({ ss: { truncated: true } }), limits)).rejects.toMatchObject({
      code: 'exec.output-truncated',
    })
  })

  it('is not there where there is no nginx', async () => {
    const nothing = { processes: {}, located: { stdout: sections({ nginx: '', ss: '/usr/bin/ss\n' }) } }
    expect(await driver.detect(node(nothing), facts, {}, limits)).toBeNull()
  })
})
