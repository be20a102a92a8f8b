import { describe, expect, it } from 'vitest'
import { probeNodeFacts } from '../../../../src-main/drivers/linux/node-facts.ts'
import { limits, scriptedSession, sections } from './scripted-session.ts'

const facts = (parts: Record<string, string>) =>
  probeNodeFacts(
    scriptedSession(() => ({ stdout: sections({ host: 'lb1\n', user: 'ops\n', uid: '1000\n', init: 'systemd\n', ...parts }) })),
    limits,
  )

describe('probeNodeFacts', () => {
  it.each([
    ['PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian"\n', 'Debian GNU/Linux 12 (bookworm)'],
    ["NAME=x\nPRETTY_NAME='Alpine Linux'\n", 'Alpine Linux'],
    ['PRETTY_NAME=Void\n', 'Void'],
    ['PRETTY_NAME="a \\"b\\""\n', 'a "b"'],
    ['Linux 6.1.0\n', 'Linux 6.1.0'],
  ])('%j is %s', async (os, expected) => expect((await facts({ os, sudo: 'absent\n' })).os).toBe(expected))

  it('tells who is logged in and what he may do', async () => {
    expect(await facts({ os: '', sudo: 'denied\n' })).toEqual({
      hostName: 'lb1',
      os: '',
      user: 'ops',
      initSystem: 'systemd',
      sudo: 'denied',
    })
  })

  it('says that an account without a shell is of no use', async () => {
    const session = scriptedSession(() => ({ code: 1, stderr: 'This account is currently not available.\n' }))
    await expect(probeNodeFacts(session, limits)).rejects.toMatchObject({
      code: 'daemon.unexpected-reply',
      message: expect.stringContaining('not available') as string,
    })
  })
})
