import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { CommandRecord } from '#contract'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import type { BoundService, ServerAdmin } from '../../src-main/app/ports/driver.ts'
import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from '../contract/local-session.ts'
import { describeLab } from './describe-lab.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

const main = `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 2;
pid /run/nginx.pid;
error_log /tmp/error.log notice;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    include sites/*.conf;
}
stream {
    upstream app { server 127.0.0.1:9001; server 127.0.0.1:9002 down; }
    server { listen 127.0.0.1:8083; proxy_pass app; }
}
`
const site = `# \xe9 is latin1
upstream app {
    ip_hash;
    server 127.0.0.1:9003 max_fails=1\tweight=2 ; # the big one
    server 127.0.0.1:9004;
}
upstream "odd name;{}$(touch /tmp/canary)" { server unix:/run/odd.sock; server 127.0.0.1:9005; }
server { listen 127.0.0.1:8080; location / { proxy_pass http://app; } }
`
const siteFile = '/etc/nginx/sites/site.conf'

/** Servers taken out of real nginx by its configuration. */
describeLab('servers of nginx', () => {
  let room: NodeRoom
  let service: BoundService
  let sent: Omit<CommandRecord, 'nodeId'>[] = []
  const driver = createNginxDriver({ clock: systemClock })
  const limits = (): AdminLimits => ({ ...within(15_000), record: (command) => sent.push(command) })
  const commands = () => sent.map(({ command }) => command.split('\n')[0] ?? '')
  const http = (): ServerAdmin => service.serverAdmin ?? expect.fail('not for http')
  const stream = (): ServerAdmin => service.streamAdmin ?? expect.fail('not for stream')
  const read = async (admin: ServerAdmin, pool: string, server: string) =>
    (await admin.read(room.session, pool, server, limits())) ?? expect.fail(`${pool}/${server} is not there`)
  const left = async (admin: ServerAdmin, server: string) =>
    (await admin.watch.left(room.session, 'app', server, within(10_000))) ?? expect.fail(`${server} is not there`)
  const fileOf = async (path: string) => (await room.session.readFile(path, { ...within(5000), maxBytes: 65_536 })).bytes
  const hash = async (path: string) =>
    createHash('sha256')
      .update(await fileOf(path))
      .digest('hex')
  const write = (path: string, text: string) =>
    room.run(`base64 -d > ${path} <<'END'\n${Buffer.from(text, 'latin1').toString('base64')}\nEND`)
  const workers = () => room.run('pgrep -P $(cat /run/nginx.pid) | sort | xargs')

  beforeAll(async () => {
    room = await openNodeRoom(['/etc/nginx'], { network: 'private' })
    await room.run('ip link set lo up; mkdir /etc/nginx/sites')
    await write('/etc/nginx/nginx.conf', main)
    await write(siteFile, site)
    await room.run(`
      chown www-data:adm ${siteFile}; chmod 640 ${siteFile}; sleep 0.2
      nginx 2>/dev/null
      for port in 9001 9002; do socat TCP-LISTEN:$port,fork,reuseaddr,bind=127.0.0.1 EXEC:cat >/dev/null 2>&1 </dev/null & done
      sleep 0.3`)
    const detected = (await driver.detect(room.session, room.facts, {}, within(10_000))) ?? expect.fail('no nginx')
    service = driver.bind(detected)
  })
  beforeEach(() => {
    sent = []
  })
  afterAll(() => room.close())

  it('may be changed, and says so', async () => {
    expect(await service.observe(room.session, within(10_000))).toMatchObject({ canSetState: true })
  })

  it('goes out by one word, tested apart before it is live, and comes back byte for byte', async () => {
    const [before, first] = [await read(http(), 'app', '127.0.0.1:9003'), await hash(siteFile)]
    expect(before).toMatchObject({
      adminState: 0,
      weight: 2,
      lines: [{ file: siteFile, line: 4, sha256: first, word: 'down' }],
    })
    const planned = http().commandsFor(before, 'drain')
    expect(planned.slice(1)).toEqual([
      `${siteFile}:4: + server 127.0.0.1:9003 max_fails=1\tweight=2 down;`,
      '/usr/sbin/nginx -t',
      '/usr/sbin/nginx -s reload',
    ])
    const generation = await workers()
    await http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())
    expect(commands()).toEqual([
      expect.stringMatching(/^\/usr\/sbin\/nginx -t {2}# with .*site\.conf changed/) as string,
      `replace ${siteFile}`,
      '/usr/sbin/nginx -s reload',
    ])
    expect(await workers()).not.toBe(generation)
    expect(await room.run(`stat -c '%U:%G %a' ${siteFile}; ls -A /etc/nginx/sites`)).toBe('www-data:adm 640\nsite.conf\n')
    const out = await read(http(), 'app', '127.0.0.1:9003')
    expect([http().isIn(out, 'drain'), http().isIn(out, 'maint'), http().isIn(out, 'ready')]).toEqual([true, true, false])

    const once = await workers()
    await http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())
    expect(await workers(), 'what is out is not reloaded for').toBe(once)

    await http().restore(room.session, before, limits())
    expect(await hash(siteFile)).toBe(first)
    expect(await read(http(), 'app', '127.0.0.1:9003')).toEqual(before)
  })

  it('tells http and stream apart, and leaves alone what the operator took out', async () => {
    const file = '/etc/nginx/nginx.conf'
    const first = await hash(file)
    const before = await read(stream(), 'app', '127.0.0.1:9002')
    expect(before.adminState).toBe(8)
    expect(stream().commandsFor(before, 'drain')).toEqual([])
    await stream().setState(room.session, 'app', '127.0.0.1:9002', 'drain', limits())
    await stream().restore(room.session, before, limits())
    expect([sent, await hash(file)]).toEqual([[], first])
    expect(await http().read(room.session, 'app', '127.0.0.1:9002', limits())).toBeNull()
  })

  it('is not empty while a worker of before still has a connection; finish ends that one only', async () => {
    const client = `(sleep 300 | socat - TCP:127.0.0.1:8083) >/dev/null 2>&1 </dev/null & sleep 0.3`
    await room.run(client)
    const before = await read(stream(), 'app', '127.0.0.1:9001')
    await stream().setState(room.session, 'app', '127.0.0.1:9002', 'ready', limits())
    await room.run(client)
    expect(await left(stream(), '127.0.0.1:9001')).toMatchObject({ sessions: 1, oldSessions: 1 })
    await stream().setState(room.session, 'app', '127.0.0.1:9001', 'drain', limits())
    const busy = await left(stream(), '127.0.0.1:9001')
    expect(busy).toMatchObject({ adminState: 8, sessions: 0, clients: null })
    expect(busy.oldSessions).toBe(2)
    expect(await stream().watch.shutdownSessions(room.session, 'app', '127.0.0.1:9001', limits())).toBe(busy.oldSessions)
    await expect.poll(() => left(stream(), '127.0.0.1:9001'), { timeout: 5000 }).toMatchObject({ sessions: 0, oldSessions: 0 })
    await stream().restore(room.session, before, limits())
    await stream().setState(room.session, 'app', '127.0.0.1:9002', 'maint', limits())
    await room.run('pkill -f "^socat - TCP:127.0.0.1:8083" || :')
  })

  it('notices a hand that takes `down` out, and is put back around what others wrote meanwhile', async () => {
    const before = await read(http(), 'app', '127.0.0.1:9004')
    await http().setState(room.session, 'app', '127.0.0.1:9004', 'drain', limits())
    await room.run(`sed -i 's/9004 down/9004/' ${siteFile}`)
    expect(await read(http(), 'app', '127.0.0.1:9004')).toMatchObject({ adminState: 0 })
    await http().setState(room.session, 'app', '127.0.0.1:9004', 'drain', limits())
    await room.run(`sed -i '1i # by hand' ${siteFile}`)
    await http().restore(room.session, before, limits())
    expect((await fileOf(siteFile)).toString('latin1')).toBe(`# by hand\n${site}`)
    await http().setState(room.session, 'app', '127.0.0.1:9004', 'drain', limits())
    await room.run(`sed -i 's/9004 down/9004 weight=7 down/' ${siteFile}`)
    await expect(http().restore(room.session, before, limits())).rejects.toMatchObject({
      code: 'config.changed-on-node',
      effect: 'none',
      message: expect.stringContaining(`${siteFile}:6`) as string,
    })
    await write(siteFile, site)
    await room.run('nginx -s reload 2>/dev/null; sleep 0.5')
  })

  it('changes nothing when the files are broken already, and says where', async () => {
    await write('/etc/nginx/sites/other.conf', 'upstream half {\n  server 127.0.0.1:1\n}\n')
    const [first, generation] = [await hash(siteFile), await workers()]
    await expect(http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())).rejects.toMatchObject({
      code: 'config.check-failed',
      effect: 'none',
      message: expect.stringContaining('/etc/nginx/sites/other.conf:3') as string,
    })
    expect([await hash(siteFile), await workers()]).toEqual([first, generation])
    await room.run('rm /etc/nginx/sites/other.conf')
  })

  it('puts the file back when nginx does not take what its own test let pass', async () => {
    await room.run('socat TCP-LISTEN:8099,bind=127.0.0.1 EXEC:cat >/dev/null 2>&1 </dev/null & sleep 0.3')
    await write('/etc/nginx/sites/clash.conf', 'server { listen 127.0.0.1:8099; }\n')
    const first = await hash(siteFile)
    await expect(http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())).rejects.toMatchObject({
      code: 'daemon.reload-rejected',
      effect: 'none',
      message: expect.stringMatching(/8099.* The file was put back/) as string,
    })
    expect(await hash(siteFile)).toBe(first)
    await room.run('rm /etc/nginx/sites/clash.conf; sleep 3')
  })

  it('that was written and never loaded, as by a console that was cut off, lacks only the reload', async () => {
    const before = await read(http(), 'app', '127.0.0.1:9004')
    await room.run(`sed -i 's/9004;/9004 down;/' ${siteFile}`)
    expect(await read(http(), 'app', '127.0.0.1:9004')).toMatchObject({ adminState: 0 })
    await http().setState(room.session, 'app', '127.0.0.1:9004', 'drain', limits())
    expect(commands()).toEqual(['/usr/sbin/nginx -t  # in place', '/usr/sbin/nginx -s reload'])
    expect(await read(http(), 'app', '127.0.0.1:9004')).toMatchObject({ adminState: 8 })
    await http().restore(room.session, before, limits())
    expect((await fileOf(siteFile)).toString('latin1')).toBe(site)
  })

  it('is tested in place where nothing can be tried apart, and put back at once when nginx refuses', async () => {
    const [first, generation] = [await hash(siteFile), await workers()]
    await room.run('mount --bind /dev/null /usr/bin/unshare')
    try {
      const before = await read(http(), 'app', '127.0.0.1:9003')
      await http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())
      expect(commands()).toContain('/usr/sbin/nginx -t  # in place')
      await http().restore(room.session, before, limits())
      await write('/etc/nginx/sites/other.conf', 'oops;\n')
      await expect(http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())).rejects.toMatchObject({
        code: 'config.check-failed',
        effect: 'none',
        message: expect.stringMatching(/other\.conf:1.*put back as it was/) as string,
      })
      expect(await hash(siteFile)).toBe(first)
      expect(await workers(), 'the two reloads before').not.toBe(generation)
    } finally {
      await room.run('umount /usr/bin/unshare; rm -f /etc/nginx/sites/other.conf')
    }
  })

  it('takes out names that a shell would run, and refuses one that is not there', async () => {
    const odd = 'odd name;{}$(touch /tmp/canary)'
    for (const server of ['unix:/run/odd.sock', '127.0.0.1:9005']) {
      const before = await read(http(), odd, server)
      await http().setState(room.session, odd, server, 'maint', limits())
      expect(await read(http(), odd, server)).toMatchObject({ adminState: 8 })
      await http().restore(room.session, before, limits())
    }
    expect(await room.exists('/tmp/canary')).toBe(false)
    await expect(http().setState(room.session, 'app', "'; touch /tmp/canary", 'drain', limits())).rejects.toMatchObject({
      code: 'daemon.runtime-rejected',
      effect: 'none',
    })
  })
})
