import { afterAll, beforeAll, expect, it } from 'vitest'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import { describeLab } from './describe-lab.ts'
import { openSessions, type LabSessions } from './lab-sessions.ts'
import { ensureLab, type Lab } from './lab.ts'

const limits = { signal: new AbortController().signal, timeoutMs: 20_000, privileged: true }

/** Files replaced over OpenSSH's own sshd by an ordinary account, which the real sudo lets run a shell only for the time of this test. */
describeLab('replaceFile over real sshd', () => {
  let lab: Lab
  let sessions: LabSessions
  let session: NodeSession
  const node = 'lb4'
  const root = (script: string) => lab.exec(node, ['sh', '-ec', script])

  beforeAll(async () => {
    lab = await ensureLab()
    expect(lab.node(node).user).not.toBe('root')
    sessions = openSessions(lab)
    session = await sessions.to(node)
    await root(`
      mkdir -p /run/ek/full /run/ek/fixed
      printf 'old\\n' > /run/ek/site.conf; chown www-data:adm /run/ek/site.conf; chmod 640 /run/ek/site.conf
      ln -s ../site.conf /run/ek/fixed/link.conf
      mount -t tmpfs -o size=64k tmpfs /run/ek/full; cp /run/ek/site.conf /run/ek/full/; dd if=/dev/zero of=/run/ek/full/fill 2>/dev/null || :
      mkdir /run/ek/readonly; cp /run/ek/site.conf /run/ek/readonly/
      mount --bind /run/ek/readonly /run/ek/readonly; mount -o remount,ro,bind /run/ek/readonly`)
  })
  afterAll(async () => {
    await root('rm -f /etc/sudoers.d/ek; umount /run/ek/full /run/ek/readonly; rm -rf /run/ek')
    await sessions.close()
  })

  async function replace(file: string, text: string): Promise<{ sha256: string }> {
    const { sha256 } = await session.readFile(file, { ...limits, maxBytes: 4096 })
    return session.replaceFile(file, Buffer.from(text), { ...limits, expectSha256: sha256 })
  }
  const stateOf = async (folder: string) =>
    (await root(`cd ${folder}; ls -A; stat -c '%U:%G %a %n' site.conf; cat site.conf`)).stdout

  it('names the rule that is missing, and has changed nothing', async () => {
    const expectSha256 = '0'.repeat(64)
    const refused = session.replaceFile('/run/ek/site.conf', Buffer.from('new\n'), { ...limits, expectSha256 })
    await expect(refused).rejects.toMatchObject({
      code: 'exec.not-permitted',
      effect: 'none',
      details: { sudoersLine: 'ops ALL=(root) NOPASSWD: /usr/bin/sh' },
    })
    const rule = `(umask 337; printf 'ops ALL=(root) NOPASSWD: /usr/bin/sh, /usr/bin/cat\\n' > /etc/sudoers.d/ek)`
    await root(rule)
  })

  it('keeps owner, mode and the symlink', async () => {
    await replace('/run/ek/fixed/link.conf', 'new\n')
    expect(await stateOf('/run/ek')).toBe('fixed\nfull\nreadonly\nsite.conf\nwww-data:adm 640 site.conf\nnew\n')
    expect((await root('readlink /run/ek/fixed/link.conf')).stdout).toBe('../site.conf\n')
  })

  it('says that the disk is full, and leaves the old file and nothing else', async () => {
    await expect(replace('/run/ek/full/site.conf', 'x'.repeat(100_000))).rejects.toMatchObject({
      code: 'config.write-failed',
      effect: 'none',
      message: expect.stringContaining('disk is full') as string,
    })
    expect(await stateOf('/run/ek/full')).toContain('fill\nsite.conf\n')
    expect(await stateOf('/run/ek/full')).toMatch(/\nold\n$/)
  })

  it('says that the file system is read-only', async () => {
    await expect(replace('/run/ek/readonly/site.conf', 'new\n')).rejects.toMatchObject({
      code: 'config.write-failed',
      effect: 'none',
      message: expect.stringContaining('read-only') as string,
    })
  })

  it('does not overwrite what somebody else has written meanwhile', async () => {
    const { sha256 } = await session.readFile('/run/ek/site.conf', { ...limits, maxBytes: 4096 })
    await root("printf 'theirs\\n' > /run/ek/site.conf")
    const refused = session.replaceFile('/run/ek/site.conf', Buffer.from('ours\n'), { ...limits, expectSha256: sha256 })
    await expect(refused).rejects.toMatchObject({ code: 'config.changed-on-node', effect: 'none' })
    expect(await stateOf('/run/ek')).toMatch(/theirs\n$/)
  })

  it('replaces nothing while another hand has the lock, or when its folder is gone', async () => {
    const { sha256 } = await session.readFile('/run/ek/site.conf', { ...limits, maxBytes: 4096 })
    const lock = '/run/ek/fixed/lock/claimed'
    const write = () =>
      session.replaceFile('/run/ek/site.conf', Buffer.from('late\n'), { ...limits, expectSha256: sha256, lock })
    await expect(write()).rejects.toMatchObject({ code: 'config.write-failed', effect: 'none' })
    await root(`mkdir /run/ek/fixed/lock; ln -s somebody ${lock}`)
    await expect(write()).rejects.toMatchObject({ code: 'config.write-failed', effect: 'none' })
    expect(await stateOf('/run/ek')).toMatch(/theirs\n$/)
    await root(`rm ${lock}`)
    await write()
    expect(await stateOf('/run/ek'), 'and nothing beside it').toBe(
      'fixed\nfull\nreadonly\nsite.conf\nwww-data:adm 640 site.conf\nlate\n',
    )
    expect((await root('ls -A /run/ek/fixed/lock')).stdout, 'the lock is given back').toBe('')
  })
})
