import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { CommandRecord } from '#contract'
import type { AdminLimits } from '../../src-main/app/ports/admin-limits.ts'
import type { BoundService, ServerAdmin } from '../../src-main/app/ports/driver.ts'
import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { runNginx } from '../../src-main/practice/nginx/program.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from './local-session.ts'
import { openPracticeRoom, type PracticeRoom } from './practice-rig.ts'

/** What tests/lab/nginx-admin.lab.test.ts does to the real nginx, as far as it needs nothing but the driver. */
const main = `load_module modules/ngx_stream_module.so;
worker_processes 2;
error_log /tmp/error.log notice;
events {}
http { access_log off; include sites/*.conf; }
stream {
    upstream app { server 127.0.0.1:9001; server 127.0.0.1:9002 down; }
    server { listen 127.0.0.1:8083; proxy_pass app; }
}
`
const site = `upstream app {
    server 127.0.0.1:9003 max_fails=1\tweight=2 ; # the big one
    server 127.0.0.1:9004;
}
server { listen 127.0.0.1:8080; location / { proxy_pass http://app; } }
`
const siteFile = '/etc/nginx/sites/site.conf'

let room: PracticeRoom
let service: BoundService
let sent: string[] = []
const limits = (): AdminLimits => ({ ...within(15_000), record: ({ command }: Omit<CommandRecord, 'nodeId'>) => sent.push(command.split('\n')[0] ?? '') }) // prettier-ignore
const http = (): ServerAdmin => service.serverAdmin ?? expect.fail('not for http')
const stream = (): ServerAdmin => service.streamAdmin ?? expect.fail('not for stream')
const read = async (admin: ServerAdmin, server: string) =>
  (await admin.read(room.session, 'app', server, limits())) ?? expect.fail(`${server} is not there`)
const left = async (server: string) =>
  (await stream().watch.left(room.session, 'app', server, within(10_000))) ?? expect.fail(`${server} is not there`)
const siteNow = () => room.machine.files.read(siteFile).toString('utf8')
const workers = () => {
  const master = room.machine.processes.list().find(({ argv }) => argv[0]?.startsWith('nginx: master'))
  return room.machine.processes.list().flatMap(({ pid, parentPid }) => (parentPid === master?.pid ? [pid] : []))
}

beforeAll(async () => {
  room = await openPracticeRoom('nginx', runNginx, { '/etc/nginx/nginx.conf': main, [siteFile]: site })
  const { network, processes } = room.machine
  const { pid } = processes.spawn({ argv: ['server'], exe: '/usr/bin/server' })
  for (const port of [9001, 9002]) {
    network.listen({ address: '127.0.0.1', port, pid }, ({ socket }) => socket.on('error', () => undefined).resume())
  }
  await room.run('nginx')
  const detected = await createNginxDriver({ clock: systemClock }).detect(room.session, room.facts, {}, within(10_000))
  service = createNginxDriver({ clock: systemClock }).bind(detected ?? expect.fail('no nginx'))
})
beforeEach(() => {
  sent = []
})
afterAll(() => room.close())

it('goes out by one word, tested apart before it is live, and comes back byte for byte', async () => {
  const before = await read(http(), '127.0.0.1:9003')
  const generation = workers()
  await http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())
  expect(sent).toEqual([
    expect.stringMatching(/^\/usr\/sbin\/nginx -t {2}# with .*site\.conf changed/) as string,
    `replace ${siteFile}`,
    '/usr/sbin/nginx -s reload',
  ])
  expect(siteNow()).toBe(site.replace('weight=2 ;', 'weight=2 down ;'))
  await expect.poll(() => workers().some((pid) => generation.includes(pid)), { timeout: 20_000 }).toBe(false)
  expect(await read(http(), '127.0.0.1:9003')).toMatchObject({ adminState: 8 })
  await http().restore(room.session, before, limits())
  expect(siteNow()).toBe(site)
  expect(await read(http(), '127.0.0.1:9003')).toEqual(before)
  expect(room.machine.files.list('/tmp'), 'the candidate is gone').toEqual(['error.log'])
})

it('is not empty while a worker of before still has a connection; finish ends that one', async () => {
  const { network, processes } = room.machine
  const { pid } = processes.spawn({ argv: ['client'], exe: '/usr/bin/client' })
  const client = await network.connect({ address: '127.0.0.1', port: 8083, pid, timeoutMs: 5000 })
  client.on('error', () => undefined).resume()
  await expect.poll(() => left('127.0.0.1:9001'), { timeout: 20_000 }).toMatchObject({ sessions: 1, oldSessions: 0 })
  await stream().setState(room.session, 'app', '127.0.0.1:9002', 'ready', limits())
  await stream().setState(room.session, 'app', '127.0.0.1:9001', 'drain', limits())
  expect(await left('127.0.0.1:9001')).toMatchObject({ adminState: 8, sessions: 0, oldSessions: 1 })
  expect(await stream().watch.shutdownSessions(room.session, 'app', '127.0.0.1:9001', limits())).toBe(1)
  await expect
    .poll(() => left('127.0.0.1:9001'), { timeout: 20_000 })
    .toMatchObject({ sessions: 0, oldSessions: 0, oldWorkers: [] })
  expect(client.destroyed).toBe(true)
})

it('changes nothing when the files are broken already, and says where', async () => {
  room.machine.files.write('/etc/nginx/sites/other.conf', 'upstream half {\n  server 127.0.0.1:1\n}\n')
  const generation = workers()
  await expect(http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())).rejects.toMatchObject({
    code: 'config.check-failed',
    message: expect.stringContaining('/etc/nginx/sites/other.conf:3') as string,
  })
  expect([siteNow(), workers()]).toEqual([site, generation])
  room.machine.files.remove('/etc/nginx/sites/other.conf')
})

it('puts the file back when nginx does not take what its own test let pass', async () => {
  room.machine.network.listen({ address: '127.0.0.1', port: 8099, pid: 1 }, ({ socket }) => socket.destroy())
  room.machine.files.write('/etc/nginx/sites/clash.conf', 'server { listen 127.0.0.1:8099; }\n')
  await expect(http().setState(room.session, 'app', '127.0.0.1:9003', 'drain', limits())).rejects.toMatchObject({
    code: 'daemon.reload-rejected',
    effect: 'none',
    message: expect.stringMatching(/8099.* The file was put back/) as string,
  })
  expect(siteNow()).toBe(site)
})
