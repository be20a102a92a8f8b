import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  haproxyFile,
  haproxyText,
  keepalivedFile,
  keepalivedText,
  nginxFile,
  nginxMain,
  nginxText,
  sha256Of,
  type PushRoom,
} from './push-node-room.ts'

/** What a node has to do when its files are changed, whatever it is made of; over the drivers alone. */
export function pushNodeSuite(open: () => Promise<PushRoom>): void {
  let room: PushRoom
  const daemons = [
    {
      kind: 'haproxy',
      file: haproxyFile,
      text: haproxyText,
      next: haproxyText.replace('"one"', '"two"'),
      broken: haproxyText.replace('mode http', 'mode hattp'),
      brokenAt: { path: haproxyFile, line: 4 },
      taken: haproxyText.replace('8100', '8300'),
      port: 8100,
      refused: /hattp/,
    },
    {
      kind: 'nginx',
      file: nginxFile,
      text: nginxText,
      next: nginxText.replace('200 one', '200 two'),
      broken: nginxText.replace('location', 'loction'),
      brokenAt: { path: nginxFile, line: 1 },
      taken: nginxText.replace('8200', '8300'),
      port: 8200,
      refused: /loction/,
    },
  ] as const

  beforeAll(async () => {
    room = await open()
  }, 60_000)
  afterAll(() => room.close())

  describe.each(daemons)('$kind', ({ kind, file, text, next, broken, brokenAt, taken, port, refused }) => {
    const first = sha256Of(text)

    it('takes a good change, which only counts once it is confirmed', async () => {
      await room.run(`chown www-data:adm ${file}; chmod 640 ${file}`)
      const changes = [await room.change(file, next)]
      const report = await room.adminOf(kind).check(room.session, changes, room.limits())
      expect(report).toMatchObject({ accepted: true, how: 'bound' })
      expect(await room.hash(file), 'a check changes nothing').toBe(first)
      const { admin, ticket, reload } = await room.push(kind, changes)
      expect(await admin.standing(room.session, room.limits())).toMatchObject([
        { ticket, owner: 'kim@desk', reason: 'ticket 7', state: 'armed' },
      ])
      expect(await reload()).toEqual({ mayMoveVip: false })
      await room.until(`[ "$(curl -s http://127.0.0.1:${port}/)" = two ]`)
      await admin.confirm(room.session, ticket, room.limits())
      await admin.confirm(room.session, ticket, room.limits())
      expect(await room.run(`stat -c '%U:%G %a' ${file}`)).toBe('www-data:adm 640\n')
      expect(await room.leftovers()).toBe('')
      expect(await admin.standing(room.session, room.limits())).toEqual([])
      expect(await room.run('pgrep -f [/]var/lib/evenkeel || :'), 'no guard is left running').toBe('')
    })

    it('is put back to the byte, twice as well as once, and then cannot be confirmed', async () => {
      const before = await room.hash(file)
      const { admin, ticket, reload } = await room.push(kind, [await room.change(file, text)])
      await reload()
      expect(await room.hash(file)).toBe(first)
      await admin.restore(room.session, ticket, room.limits())
      await admin.restore(room.session, ticket, room.limits())
      expect(await room.hash(file)).toBe(before)
      await room.until(`[ "$(curl -s http://127.0.0.1:${port}/)" = two ]`)
      expect(await room.run(`stat -c '%U:%G %a' ${file}`)).toBe('www-data:adm 640\n')
      await expect(admin.confirm(room.session, ticket, room.limits())).rejects.toMatchObject({ code: 'daemon.not-confirmed' })
      expect(await room.leftovers()).toBe('')
    })

    it('refuses wrong words with their place, apart from the live files and in them', async () => {
      const before = await room.hash(file)
      const changes = [await room.change(file, broken)]
      const report = await room.adminOf(kind).check(room.session, changes, room.limits())
      expect(report).toMatchObject({ accepted: false, how: 'bound' })
      expect(report.problems).toContainEqual({
        severity: 'error',
        message: expect.stringMatching(refused) as string,
        ...brokenAt,
      })
      const { admin, ticket, reload } = await room.push(kind, changes)
      await expect(reload()).rejects.toMatchObject({ code: 'config.check-failed' })
      await admin.restore(room.session, ticket, room.limits())
      expect([await room.hash(file), await room.run(`curl -s http://127.0.0.1:${port}/`)]).toEqual([before, 'two'])
    })

    it('sees a port that is taken, which its own check does not; pushed all the same it comes back', async () => {
      const before = await room.hash(file)
      const changes = [await room.change(file, taken)]
      const report = await room.adminOf(kind).check(room.session, changes, room.limits())
      expect(report.accepted).toBe(false)
      expect(report.problems).toMatchObject([
        { severity: 'error', message: expect.stringMatching(/:8300 is in use by socat/) as string, path: file },
      ])
      const { admin, ticket, reload } = await room.push(kind, changes)
      await expect(reload()).rejects.toMatchObject({ code: 'daemon.reload-rejected' })
      await admin.restore(room.session, ticket, room.limits())
      expect(await room.hash(file)).toBe(before)
      await room.until(`[ "$(curl -s --max-time 2 http://127.0.0.1:${port}/)" = two ]`)
    }, 60_000)

    it('comes back by itself when nobody confirms, exactly once, and says so to whoever asks', async () => {
      const before = await room.hash(file)
      const changes = [await room.change(file, text)]
      const admin = room.adminOf(kind)
      const ticket = await room.arm(kind, changes, 6000)
      await admin.replace(room.session, changes, ticket, room.limits())
      await admin.reload(room.session, changes, room.limits()).catch(() => undefined)
      await room.until(`[ -e ${ticket.dir}/done ]`)
      expect(await room.hash(file)).toBe(before)
      await room.until(`[ "$(curl -s http://127.0.0.1:${port}/)" = two ]`)
      const [left] = await admin.standing(room.session, room.limits())
      expect(left).toMatchObject({ ticket: { id: ticket.id }, state: 'restored' })
      expect(left?.log.match(/guard: putting back/g)).toHaveLength(1)
      await expect(admin.confirm(room.session, ticket, room.limits())).rejects.toMatchObject({
        code: 'daemon.not-confirmed',
        details: { log: expect.stringContaining(`${file} was put back`) as string },
      })
      await expect(admin.replace(room.session, changes, ticket, room.limits())).rejects.toMatchObject({
        code: 'daemon.not-confirmed',
      })
      await admin.restore(room.session, ticket, room.limits())
      expect(await room.leftovers()).toBe('')
    })

    it('is changed by one at a time, and never over another hand', async () => {
      const changes = [await room.change(file, text)]
      const ticket = await room.arm(kind, changes)
      await expect(room.arm(kind, changes)).rejects.toMatchObject({ code: 'job.conflict', details: { owner: 'kim@desk' } })
      const { bytes: mine } = await room.session.readFile(file, { ...room.limits(), privileged: true, maxBytes: 65_536 })
      const edit = async (by: string) => {
        await room.run(`cp -p ${file} /tmp/edited; echo '# ${by}' >> /tmp/edited; mv /tmp/edited ${file}`)
        return room.hash(file)
      }
      const edited = await edit('by hand')
      const admin = room.adminOf(kind)
      const changed = { code: 'config.changed-on-node', effect: 'none' }
      await expect(admin.replace(room.session, changes, ticket, room.limits())).rejects.toMatchObject(changed)
      await expect(admin.check(room.session, changes, room.limits())).rejects.toMatchObject(changed)
      await admin.restore(room.session, ticket, room.limits())
      await expect(room.arm(kind, changes)).rejects.toMatchObject(changed)
      expect([await room.hash(file), await room.leftovers()], 'what was there before a push began stays').toEqual([edited, ''])

      const back = [{ path: file, expectSha256: edited, after: mine }]
      const second = await room.push(kind, back)
      await second.reload()
      const over = await edit('by another')
      await admin.restore(room.session, second.ticket, room.limits())
      const aside = (await room.leftovers()).trim()
      expect([await room.hash(file), await room.hash(aside)], 'what came over it is kept aside').toEqual([edited, over])
      await room.run(`rm ${aside}`)
      expect(await room.leftovers()).toBe('')
    })
  })

  describe('keepalived', () => {
    const first = sha256Of(keepalivedText)
    const holds = 'ip addr show eth0 | grep -q 198.18.77.1/'

    it('takes a change that leaves its address, asked until it says so itself', async () => {
      const changes = [await room.change(keepalivedFile, keepalivedText.replace('priority 150', 'priority 160'))]
      const report = await room.adminOf('keepalived').check(room.session, changes, room.limits())
      expect(report).toMatchObject({ accepted: true, how: 'bound', problems: [] })
      const { admin, ticket, reload, restore } = await room.push('keepalived', changes)
      expect(await reload()).toEqual({ mayMoveVip: false })
      await restore()
      await expect(admin.confirm(room.session, ticket, room.limits())).rejects.toMatchObject({ code: 'daemon.not-confirmed' })
      expect(await room.hash(keepalivedFile)).toBe(first)
      await room.until(holds)
    })

    it('says that an address may move, and takes the change all the same', async () => {
      const changes = [await room.change(keepalivedFile, keepalivedText.replace('priority 150', 'priority 90'))]
      const report = await room.adminOf('keepalived').check(room.session, changes, room.limits())
      expect(report).toMatchObject({
        accepted: true,
        problems: [{ severity: 'warning', message: expect.stringMatching(/VI_1/) as string }],
      })
      const { reload, restore } = await room.push('keepalived', changes)
      expect(await reload()).toEqual({ mayMoveVip: true })
      await restore()
      await room.until(holds)
    })

    it.each([
      ['a word it does not know', keepalivedText.replace('priority', 'priorty'), /priorty/],
      ['a brace too few', keepalivedText.trimEnd().slice(0, -1) + '\n', /\}/],
      ['an interface that is not there', keepalivedText.replace('interface eth0', 'interface eth7'), /eth7/],
      ['nothing', '\n', /no vrrp_instance/],
    ])('is not given %s', async (_, text, why) => {
      const report = await room
        .adminOf('keepalived')
        .check(room.session, [await room.change(keepalivedFile, text)], room.limits())
      expect(report.accepted).toBe(false)
      expect(report.problems.map(({ message }) => message).join(' ')).toMatch(why)
      expect(await room.hash(keepalivedFile)).toBe(first)
    })

    it('that ended during a push is started again when it is put back', async () => {
      const { restore } = await room.push('keepalived', [await room.change(keepalivedFile, `${keepalivedText}# new\n`)])
      await room.run(
        'pkill -KILL -x keepalived; i=0; while pgrep -x keepalived >/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done',
      )
      await restore()
      expect(await room.hash(keepalivedFile)).toBe(first)
      await room.until(`pgrep -x keepalived >/dev/null && ${holds}`)
    })
  })

  it('files come and go together, a new one too, and a link stays a link', async () => {
    await room.write(nginxFile, nginxText)
    await room.run('nginx -s reload')
    await room.until('[ "$(curl -s http://127.0.0.1:8200/)" = one ]')
    await room.run(
      'mkdir /etc/nginx/real; mv /etc/nginx/sites/site.conf /etc/nginx/real/; ln -s ../real/site.conf /etc/nginx/sites/site.conf',
    )
    const added = {
      path: '/etc/nginx/sites/new.conf',
      expectSha256: '',
      after: Buffer.from('server { listen 127.0.0.1:8201; return 200 new; }\n'),
    }
    const changes = [await room.change(nginxFile, nginxText.replace('one', 'two')), added]
    expect(await room.adminOf('nginx').check(room.session, changes, room.limits())).toMatchObject({
      accepted: true,
      how: 'bound',
    })
    expect(await room.exists(added.path), 'a check makes no file').toBe(false)
    const { reload, restore } = await room.push('nginx', changes)
    await reload()
    await room.until('[ "$(curl -s http://127.0.0.1:8200/)$(curl -s http://127.0.0.1:8201/)" = twonew ]')
    expect(await room.run('readlink /etc/nginx/sites/site.conf')).toBe('../real/site.conf\n')
    await restore()
    expect(await room.exists(added.path)).toBe(false)
    await room.until('[ "$(curl -s http://127.0.0.1:8200/)" = one ]')
    await room.run('mv /etc/nginx/real/site.conf /etc/nginx/sites/site.conf; rmdir /etc/nginx/real')
  })

  it('files are taken away, and come back like any other', async () => {
    const path = '/etc/nginx/sites/more.conf'
    await room.write(path, 'server { listen 127.0.0.1:8203; return 200 more; }\n')
    await room.run('nginx -s reload')
    const serves = '[ "$(curl -s http://127.0.0.1:8203/)" = more ]'
    await room.until(serves)
    const sha256 = await room.hash(path)
    const changes = [{ path, expectSha256: sha256, after: null }]
    const { admin, ticket, reload, restore } = await room.push('nginx', changes)
    expect(await room.exists(path)).toBe(false)
    await reload()
    await room.until('! curl -s http://127.0.0.1:8203/')
    await restore()
    expect(await room.hash(path)).toBe(sha256)
    await room.until(serves)

    expect(await admin.check(room.session, changes, room.limits())).toMatchObject({ accepted: true, how: 'bound' })
    expect(await room.exists(path), 'a check takes nothing away').toBe(true)
    const main = await room.hash(nginxMain)
    const needed = { path: nginxMain, expectSha256: main, after: null }
    expect(await admin.check(room.session, [needed], room.limits())).toMatchObject({ accepted: false })
    await room.run(`echo '# by hand' >> ${path}`)
    await expect(room.arm('nginx', changes)).rejects.toMatchObject({ code: 'config.changed-on-node' })
    await expect(admin.confirm(room.session, ticket, room.limits())).rejects.toMatchObject({ code: 'daemon.not-confirmed' })

    const second = await room.push('nginx', [{ path, after: null, expectSha256: await room.hash(path) }])
    await second.reload()
    await second.admin.confirm(room.session, second.ticket, room.limits())
    expect([await room.exists(path), await room.leftovers()]).toEqual([false, ''])
  })

  it('prints a script that does the same by hand', async () => {
    const after = nginxText.replace('one', 'by_hand')
    const changes = [await room.change(nginxFile, after)]
    const script = room.adminOf('nginx').commandsFor(changes).join('\n')
    await room.run('mkdir -p /tmp/hand/new/etc/nginx/sites')
    await room.write(`/tmp/hand/new${nginxFile}`, after)
    await room.run(`cd /tmp/hand; ${script}`)
    await room.until('[ "$(curl -s http://127.0.0.1:8200/)" = by_hand ]')
    expect(await room.hash(nginxFile)).toBe(sha256Of(after))
  })
}
