import { beforeEach, describe, expect, it } from 'vitest'

import type { Machine } from '../../../../src-main/practice/machine/machine.ts'
import { aMachine } from './a-machine.ts'

describe('programs', () => {
  let machine: Machine

  beforeEach(async () => {
    ;({ machine } = await aMachine())
    machine.programs.install('/usr/bin/say', (call) => {
      call.stdout(`${call.user} ${call.argv.join(' ')}: ${call.stdin.toString()}`)
      call.stderr(`in ${call.cwd}`)
      return 3
    })
  })

  it('run by path or along PATH, as a process of the machine', async () => {
    const result = await machine.run(['say', 'it'], { stdin: 'loud', uid: 101, cwd: '/tmp' })
    expect({ ...result, stdout: result.stdout.toString() }).toEqual({
      code: 3,
      stdout: 'haproxy say it: loud',
      stderr: 'in /tmp',
    })
    expect((await machine.run(['/bin/say'])).stdout.toString()).toBe('root /bin/say: ')
    expect(machine.files.stat('/usr/bin/say').mode).toBe(0o755)
    expect(machine.processes.list()).toHaveLength(1)
  })

  it('are their files: renamed, removed, replaced or not executable they are gone', async () => {
    machine.files.rename('/usr/bin/say', '/usr/local/bin/tell')
    expect(machine.programs.find('say')).toBeNull()
    expect((await machine.run(['tell'])).code).toBe(3)
    machine.files.setMode('/usr/local/bin/tell', 0o644)
    await expect(machine.run(['/usr/local/bin/tell'])).rejects.toMatchObject({ code: 'EACCES' })
    machine.files.setMode('/usr/local/bin/tell', 0o700)
    await expect(machine.run(['/usr/local/bin/tell'], { uid: 101 })).rejects.toMatchObject({ code: 'EACCES' })
    machine.programs.remove('/usr/local/bin/tell')
    await expect(machine.run(['/usr/local/bin/tell'])).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(machine.run(['none'])).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('run scripts by their first line', async () => {
    machine.files.write('/usr/local/bin/check.sh', '#! /usr/bin/say -e\nexit 0\n', { mode: 0o755 })
    const { stdout } = await machine.run(['/usr/local/bin/check.sh', 'now'])
    expect(stdout.toString()).toBe('root /usr/bin/say -e /usr/local/bin/check.sh now: ')
    machine.files.write('/usr/local/bin/broken.sh', '#!/no/such\n', { mode: 0o755 })
    await expect(machine.run(['/usr/local/bin/broken.sh'])).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('can be killed, and are told', async () => {
    let isTold = false
    machine.programs.install('/usr/bin/wait', ({ signal }) => {
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(isTold ? 1 : ((isTold = true), 0))))
    })
    const waiting = machine.run(['wait'])
    const [, process] = machine.processes.list()
    expect(process).toMatchObject({ name: 'wait', argv: ['wait'], exe: '/usr/bin/wait' })
    machine.processes.signal(process?.pid ?? 0, 'TERM')
    expect((await waiting).code).toBe(143)
    expect(isTold).toBe(true)
  })

  it('that fail inside say so, and leave no process', async () => {
    machine.programs.install('/usr/bin/bad', () => {
      throw new Error('a defect')
    })
    await expect(machine.run(['bad'])).rejects.toThrow('a defect')
    expect(machine.processes.list()).toHaveLength(1)
  })
})

describe('the syslog', () => {
  it('has the lines of daemons, and never grows without end', async () => {
    const { machine, clock } = await aMachine()
    machine.syslog('Keepalived_vrrp', 812, '(VI_1) Entering MASTER STATE')
    const log = (): string => machine.files.read('/var/log/syslog').toString()
    expect(log()).toBe('Jan  2 03:04:05 lb1 Keepalived_vrrp[812]: (VI_1) Entering MASTER STATE\n')
    machine.files.setFault('full')
    machine.syslog('haproxy', 1, 'lost')
    machine.files.setFault(null)
    for (let count = 0; count < 30; count += 1) machine.syslog('haproxy', 1, 'x'.repeat(100_000))
    await clock.advance(0)
    expect(machine.files.stat('/var/log/syslog').size).toBeLessThan(1_200_000)
    expect(machine.files.exists('/var/log/syslog.1')).toBe(true)
    expect(log()).not.toContain('lost')
  })
})
