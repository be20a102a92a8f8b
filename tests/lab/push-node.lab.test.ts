import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CommandRecord } from '#contract'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import type { ConfigAdmin, ConfigChange } from '../../src-main/app/ports/config-admin.ts'
import type { BoundService, Driver } from '../../src-main/app/ports/driver.ts'
import { createHaproxyDriver } from '../../src-main/drivers/haproxy/driver.ts'
import { createKeepalivedDriver } from '../../src-main/drivers/keepalived/driver.ts'
import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from '../contract/local-session.ts'
import { describeLab } from './describe-lab.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

const haproxyFile = '/etc/haproxy/haproxy.cfg'
const haproxyText = `global
    stats socket /run/haproxy.sock mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend web
    bind 127.0.0.1:8100
    http-request return status 200 content-type text/plain string "one" # \xe9
`
const nginxMain = '/etc/nginx/nginx.conf'
const nginxFile = '/etc/nginx/sites/site.conf'
const nginxMainText = `worker_processes 2;
pid /run/nginx.pid;
error_log /tmp/error.log notice;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    include sites/*.conf;
}
`
const nginxText = `server { listen 127.0.0.1:8200; location / { return 200 one; } } # \xe9\n`
const keepalivedFile = '/etc/keepalived/keepalived.conf'
const keepalivedText = `vrrp_instance VI_1 {
    state BACKUP
    interface v0
    virtual_router_id 61
    priority 150
    advert_int 1
    unicast_src_ip 198.18.77.2
    unicast_peer {
        198.18.77.3
    }
    virtual_ipaddress {
        198.18.77.1/24
    }
}
`
const guardMs = 120_000

/** One node without systemd, with the three daemons; pushes over the drivers alone. */
describeLab('pushing to one node', () => {
  let room: NodeRoom
  let sent: Omit<CommandRecord, 'nodeId'>[] = []
  const services = new Map<string, BoundService>()
  const limits = (): AdminLimits => ({ ...within(60_000), record: (command) => sent.push(command) })
  const adminOf = (kind: string): ConfigAdmin => services.get(kind)?.configAdmin ?? expect.fail(`${kind} cannot be changed`)
  const bytesOf = async (path: string) => (await room.session.readFile(path, { ...within(5000), maxBytes: 65_536 })).bytes
  const hash = async (path: string) =>
    createHash('sha256')
      .update(await bytesOf(path))
      .digest('hex')
  const write = (path: string, text: string) =>
    room.run(`base64 -d > ${path} <<'END'\n${Buffer.from(text, 'latin1').toString('base64')}\nEND`)
  const change = async (path: string, text: string): Promise<ConfigChange> => ({
    path,
    expectSha256: await hash(path),
    after: Buffer.from(text, 'latin1'),
  })
  const arm = (kind: string, changes: readonly ConfigChange[], ms = guardMs) =>
    adminOf(kind).arm(room.session, changes, { guardMs: ms, owner: 'kim@desk', reason: 'ticket 7' }, limits())
  const served = (port: number) => room.run(`curl -s --max-time 5 http://127.0.0.1:${port}/`)
  const until = (script: string) =>
    room.run(
      `i=0; until ${script}; do i=$((i+1)); [ $i -lt 150 ] || { echo 'it did not come: ${script.replaceAll("'", '')}' >&2; exit 1; }; sleep 0.2; done`,
    )
  /** nothing of a push lies about */
  const leftovers = () =>
    room.run(
      "find /etc/haproxy /etc/nginx /etc/keepalived /var/lib/evenkeel /tmp -name '*evenkeel*' ! -name evenkeel; ls /var/lib/evenkeel | grep -v last || :",
    )

  async function push(kind: string, changes: readonly ConfigChange[]) {
    const admin = adminOf(kind)
    const ticket = await arm(kind, changes)
    await admin.replace(room.session, changes, ticket, limits())
    return { admin, ticket, reload: () => admin.reload(room.session, changes, limits()) }
  }

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
    room = await openNodeRoom(['/etc/haproxy', '/etc/nginx', '/etc/keepalived', '/var/lib'], { network: 'private' })
    await room.run(
      'ip link set lo up; ip link add v0 type veth peer name v1; ip addr add 198.18.77.2/24 dev v0; ip link set v0 up; ip link set v1 up; mkdir /etc/nginx/sites',
    )
    for (const [path, text] of [
      [haproxyFile, haproxyText],
      [nginxMain, nginxMainText],
      [nginxFile, nginxText],
      [keepalivedFile, keepalivedText],
    ] as const) {
      await write(path, text)
    }
    await room.run(`
      haproxy -W -S /run/master.sock -f ${haproxyFile} -D -p /run/haproxy.pid >/tmp/haproxy.log 2>&1
      nginx 2>/dev/null
      keepalived -f ${keepalivedFile} >/dev/null 2>&1
      socat TCP-LISTEN:8300,fork,reuseaddr,bind=127.0.0.1 EXEC:cat >/dev/null 2>&1 </dev/null &
      sleep 0.3`)
    await until('curl -s http://127.0.0.1:8100/ >/dev/null && curl -s http://127.0.0.1:8200/ >/dev/null')
    await until('ip addr show v0 | grep -q 198.18.77.1')
    const drivers: Driver[] = [
      createHaproxyDriver({ clock: systemClock }),
      createNginxDriver({ clock: systemClock }),
      createKeepalivedDriver({ clock: systemClock }),
    ]
    for (const driver of drivers) {
      const detected = (await driver.detect(room.session, room.facts, {}, within(20_000))) ?? expect.fail(`no ${driver.kind}`)
      services.set(driver.kind, driver.bind(detected))
    }
  })
  beforeEach(() => {
    sent = []
  })
  afterAll(() => room.close())

  describe.each(daemons)('$kind', ({ kind, file, text, next, broken, brokenAt, taken, port, refused }) => {
    const first = createHash('sha256').update(Buffer.from(text, 'latin1')).digest('hex')

    it('takes a good change, which only counts once it is confirmed', async () => {
      await room.run(`chown www-data:adm ${file}; chmod 640 ${file}`)
      const changes = [await change(file, next)]
      const report = await adminOf(kind).check(room.session, changes, limits())
      expect(report).toMatchObject({ accepted: true, how: 'bound' })
      expect(await hash(file), 'a check changes nothing').toBe(first)
      const { admin, ticket, reload } = await push(kind, changes)
      expect(await admin.standing(room.session, limits())).toMatchObject([
        { ticket, owner: 'kim@desk', reason: 'ticket 7', state: 'armed' },
      ])
      expect(await reload()).toEqual({ mayMoveVip: false })
      await until(`[ "$(curl -s http://127.0.0.1:${port}/)" = two ]`)
      await admin.confirm(room.session, ticket, limits())
      await admin.confirm(room.session, ticket, limits())
      expect(await room.run(`stat -c '%U:%G %a' ${file}`)).toBe('www-data:adm 640\n')
      expect(await leftovers()).toBe('')
      expect(await admin.standing(room.session, limits())).toEqual([])
      expect(await room.run('pgrep -f [/]var/lib/evenkeel || :'), 'no guard is left running').toBe('')
    })

    it('is put back to the byte, twice as well as once, and then cannot be confirmed', async () => {
      const before = await hash(file)
      const { admin, ticket, reload } = await push(kind, [await change(file, text)])
      await reload()
      expect(await hash(file)).toBe(first)
      await admin.restore(room.session, ticket, limits())
      await admin.restore(room.session, ticket, limits())
      expect(await hash(file)).toBe(before)
      await until(`[ "$(curl -s http://127.0.0.1:${port}/)" = two ]`)
      expect(await room.run(`stat -c '%U:%G %a' ${file}`)).toBe('www-data:adm 640\n')
      await expect(admin.confirm(room.session, ticket, limits())).rejects.toMatchObject({ code: 'daemon.not-confirmed' })
      expect(await leftovers()).toBe('')
    })

    it('refuses wrong words with their place, apart from the live files and in them', async () => {
      const before = await hash(file)
      const changes = [await change(file, broken)]
      const report = await adminOf(kind).check(room.session, changes, limits())
      expect(report).toMatchObject({ accepted: false, how: 'bound' })
      expect(report.problems).toContainEqual({
        severity: 'error',
        message: expect.stringMatching(refused) as string,
        ...brokenAt,
      })
      const { admin, ticket, reload } = await push(kind, changes)
      await expect(reload()).rejects.toMatchObject({ code: 'config.check-failed' })
      await admin.restore(room.session, ticket, limits())
      expect([await hash(file), await served(port)]).toEqual([before, 'two'])
    })

    it('sees a port that is taken, which its own check does not; pushed all the same it comes back', async () => {
      const before = await hash(file)
      const changes = [await change(file, taken)]
      const report = await adminOf(kind).check(room.session, changes, limits())
      expect(report.accepted).toBe(false)
      expect(report.problems).toMatchObject([
        { severity: 'error', message: expect.stringMatching(/:8300 is in use by socat/) as string, path: file },
      ])
      const { admin, ticket, reload } = await push(kind, changes)
      await expect(reload()).rejects.toMatchObject({ code: 'daemon.reload-rejected' })
      await admin.restore(room.session, ticket, limits())
      expect(await hash(file)).toBe(before)
      await until(`[ "$(curl -s --max-time 2 http://127.0.0.1:${port}/)" = two ]`)
    }, 60_000)

    it('comes back by itself when nobody confirms, exactly once, and says so to whoever asks', async () => {
      const before = await hash(file)
      const changes = [await change(file, text)]
      const admin = adminOf(kind)
      const ticket = await arm(kind, changes, 3000)
      await admin.replace(room.session, changes, ticket, limits())
      await admin.reload(room.session, changes, limits()).catch(() => undefined)
      await until(`[ -e ${ticket.dir}/done ]`)
      expect(await hash(file)).toBe(before)
      await until(`[ "$(curl -s http://127.0.0.1:${port}/)" = two ]`)
      const [left] = await admin.standing(room.session, limits())
      expect(left).toMatchObject({ ticket: { id: ticket.id }, state: 'restored' })
      expect(left?.log.match(/guard: putting back/g)).toHaveLength(1)
      await expect(admin.confirm(room.session, ticket, limits())).rejects.toMatchObject({
        code: 'daemon.not-confirmed',
        details: { log: expect.stringContaining(`${file} was put back`) as string },
      })
      await expect(admin.replace(room.session, changes, ticket, limits())).rejects.toMatchObject({
        code: 'daemon.not-confirmed',
      })
      await admin.restore(room.session, ticket, limits())
      expect(await leftovers()).toBe('')
    })

    it('is changed by one at a time, and never over another hand', async () => {
      const changes = [await change(file, text)]
      const ticket = await arm(kind, changes)
      await expect(arm(kind, changes)).rejects.toMatchObject({ code: 'job.conflict', details: { owner: 'kim@desk' } })
      const mine = await bytesOf(file)
      const edit = async (by: string) => {
        await room.run(`cp -p ${file} /tmp/edited; echo '# ${by}' >> /tmp/edited; mv /tmp/edited ${file}`)
        return hash(file)
      }
      const edited = await edit('by hand')
      const admin = adminOf(kind)
      const changed = { code: 'config.changed-on-node', effect: 'none' }
      await expect(admin.replace(room.session, changes, ticket, limits())).rejects.toMatchObject(changed)
      await expect(admin.check(room.session, changes, limits())).rejects.toMatchObject(changed)
      await admin.restore(room.session, ticket, limits())
      await expect(arm(kind, changes)).rejects.toMatchObject(changed)
      expect([await hash(file), await leftovers()], 'what was there before a push began stays').toEqual([edited, ''])

      const back = [{ path: file, expectSha256: edited, after: mine }]
      const second = await push(kind, back)
      await second.reload()
      const over = await edit('by another')
      await admin.restore(room.session, second.ticket, limits())
      const aside = (await leftovers()).trim()
      expect([await hash(file), await hash(aside)], 'what came over it is kept aside').toEqual([edited, over])
      await room.run(`rm ${aside}`)
      expect(await leftovers()).toBe('')
    })
  })
})
