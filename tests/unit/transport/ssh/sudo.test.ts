import { describe, expect, it } from 'vitest'
import { sudoRefusal } from '../../../../src-main/transport/ssh/sudo.ts'

const refused = { code: 1, signal: null, stdout: Buffer.alloc(0), stderr: 'sudo: a password is required\n', truncated: false }
const ask = { isAllowed: () => Promise.resolve(false), programPath: () => Promise.resolve('/usr/bin/sh') }
const messageFor = async (...argv: [string, ...string[]]): Promise<string> =>
  (await sudoRefusal(refused, { argv, user: 'ops', where: 'lb3' }, ask))?.message ?? ''

describe('a refusal of sudo', () => {
  it('says which line would allow the very command', async () => {
    expect(await messageFor('sh', '-s', '--', '/run/k.pid')).toBe(
      'sudo on lb3 does not let ops run "sh -s -- /run/k.pid" without a password. Add this line to a file in /etc/sudoers.d (with visudo -f): ops ALL=(root) NOPASSWD: /usr/bin/sh -s -- /run/k.pid',
    )
  })

  it('does not print a script, and says what allowing one comes to', async () => {
    const message = await messageFor('sh', '-c', 'first line\nsecond line', 'evenkeel')
    expect(message).not.toContain('line\n')
    expect(message).toContain('does not let ops run scripts with /usr/bin/sh without a password')
    expect(message).toMatch(/as good as root: ops ALL=\(root\) NOPASSWD: \/usr\/bin\/sh$/)
  })
})
