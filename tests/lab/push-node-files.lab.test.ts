import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeSession } from '../../src-main/app/ports/node-session.ts'
import {
  haproxyFile,
  haproxyText,
  nginxFile,
  nginxMain,
  nginxText,
  sha256Of,
  type PushRoom,
} from '../contract/push-node-room.ts'
import { describeLab } from './describe-lab.ts'
import { openPushRoom } from './push-room.ts'

describeLab('pushing to a node whose files are not as they seem', () => {
  let room: PushRoom
  beforeAll(async () => {
    room = await openPushRoom()
  })
  afterAll(() => room.close())

  describe('files', () => {
    const mounts: string[] = []
    afterEach(async () => {
      for (const folder of mounts.splice(0)) await room.run(`umount ${folder}`)
      expect([await room.hash(nginxFile), await room.hash(haproxyFile)]).toEqual([sha256Of(nginxText), sha256Of(haproxyText)])
      expect(await room.leftovers()).toBe('')
      await room.run('nginx -t 2>&1; haproxy -c -q -f /etc/haproxy/haproxy.cfg')
    })

    it('are all as before when one of them cannot be replaced', async () => {
      const changes = [await room.change(nginxMain, '# never\n'), await room.change(nginxFile, nginxText.replace('one', 'two'))]
      const ticket = await room.arm('nginx', changes)
      await room.run(`echo '# by hand' >> ${nginxFile}`)
      await expect(room.adminOf('nginx').replace(room.session, changes, ticket, room.limits())).rejects.toMatchObject({
        code: 'config.changed-on-node',
        effect: 'none',
      })
      expect(await room.hash(nginxMain)).toBe(changes[0]?.expectSha256)
      await room.adminOf('nginx').restore(room.session, ticket, room.limits())
      await room.write(nginxFile, nginxText)
    })

    it.each([
      ['an old one', nginxFile],
      ['a new one', '/etc/nginx/sites/late.conf'],
    ])('%s whose bytes come when it was put back already stays as it was', async (_, file) => {
      const after = Buffer.from('server { listen 127.0.0.1:8202; }\n')
      const changes = [
        file === nginxFile ? { ...(await room.change(file, '')), after } : { path: file, expectSha256: '', after },
      ]
      const ticket = await room.arm('nginx', changes)
      const admin = room.adminOf('nginx')
      // held up on their way, as by a network that is cut and heals
      const putBack = () => admin.restore(room.session, ticket, room.limits())
      const slow: NodeSession = {
        ...room.session,
        async exec(argv, options) {
          if (options.stdin instanceof Buffer && after.equals(options.stdin)) await putBack()
          return room.session.exec(argv, options)
        },
        async replaceFile(...args) {
          await putBack()
          return room.session.replaceFile(...args)
        },
      }
      await expect(admin.replace(slow, changes, ticket, room.limits())).rejects.toMatchObject({
        code: 'config.write-failed',
        effect: 'none',
      })
      expect(await room.exists('/etc/nginx/sites/late.conf')).toBe(false)
    })

    it.each([
      [
        'full',
        'mount -t tmpfs -o size=64k tmpfs /etc/haproxy',
        'dd if=/dev/zero of=/etc/haproxy/fill 2>/dev/null || :',
        /disk is full/,
      ],
      ['read-only', 'mount --bind /etc/haproxy /etc/haproxy', 'mount -o remount,ro,bind /etc/haproxy', /Read-only file system/],
    ])('of a %s file system stay as they are, before a push and in it', async (_, mount, fill, why) => {
      await room.run(
        `cp -a /etc/haproxy /tmp/copy; ${mount}; cp -an /tmp/copy/. /etc/haproxy/ 2>/dev/null || :; rm -rf /tmp/copy`,
      )
      mounts.push('/etc/haproxy')
      const changes = [await room.change(haproxyFile, haproxyText.replace('one', 'two'.repeat(2000)))]
      const admin = room.adminOf('haproxy')
      await room.run(fill)
      const ticket = await room.arm('haproxy', changes).catch((thrown: unknown) => thrown)
      if (ticket instanceof Error)
        expect(ticket).toMatchObject({
          code: 'config.write-failed',
          effect: 'none',
          message: expect.stringMatching(why) as string,
        })
      else {
        const held = ticket as Awaited<ReturnType<typeof room.arm>>
        await expect(admin.replace(room.session, changes, held, room.limits())).rejects.toMatchObject({
          code: 'config.write-failed',
          effect: 'none',
          message: expect.stringMatching(why) as string,
        })
        await admin.restore(room.session, held, room.limits())
      }
      expect(await room.hash(haproxyFile)).toBe(sha256Of(haproxyText))
    })

    it('come back on a disk that has filled up since', async () => {
      await room.run(
        'cp -a /etc/haproxy /tmp/copy; mount -t tmpfs -o size=64k tmpfs /etc/haproxy; cp -a /tmp/copy/. /etc/haproxy/; rm -rf /tmp/copy',
      )
      mounts.push('/etc/haproxy')
      const { reload, restore } = await room.push('haproxy', [
        await room.change(haproxyFile, haproxyText.replace('one', 'two')),
      ])
      await reload()
      await room.run('dd if=/dev/zero of=/etc/haproxy/fill 2>/dev/null || :')
      await restore()
      expect(await room.hash(haproxyFile)).toBe(sha256Of(haproxyText))
      await room.until('[ "$(curl -s http://127.0.0.1:8100/)" = one ]')
    })

    it('that are included and gone meanwhile keep the daemon from being reloaded', async () => {
      await room.run("echo 'add_header x y;' > /etc/nginx/extra.conf")
      const changes = [await room.change(nginxFile, nginxText.replace('location', 'include extra.conf; location'))]
      expect(await room.adminOf('nginx').check(room.session, changes, room.limits())).toMatchObject({ accepted: true })
      const { reload, restore } = await room.push('nginx', changes)
      await room.run('rm /etc/nginx/extra.conf')
      await expect(reload()).rejects.toMatchObject({
        code: 'config.check-failed',
        message: expect.stringMatching(/extra\.conf/) as string,
      })
      await restore()
    })

    it('of a node that was started anew in the midst of a push are reported, and put back by the next console', async () => {
      const { admin, ticket, restore } = await room.push('haproxy', [
        await room.change(haproxyFile, haproxyText.replace('one', 'two')),
      ])
      // what a start leaves: the files, another boot id, and no process
      await room.run(
        `kill -- -$(cat ${ticket.dir}/pid); echo another > ${ticket.dir}/boot; ln -sn 'guard another 7' ${ticket.dir}/claimed`,
      )
      expect(await admin.standing(room.session, room.limits())).toMatchObject([{ ticket, state: 'lost', owner: 'kim@desk' }])
      await restore()
      await room.until('[ "$(curl -s http://127.0.0.1:8100/)" = one ]')
    })
  })
})
