import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { aNginxSite, type NginxSite } from './a-site.ts'

vi.setConfig({ testTimeout: 60_000 })
const generous = { timeout: 20_000 }
const two = 'worker_processes 2;'
const http = 'server { location / { proxy_pass http://$s1; } }'
const stream = 'server { listen 81; proxy_pass $echo1; }'

let site: NginxSite

beforeEach(async () => {
  site = await aNginxSite()
  site.write({ main: two, http, stream })
  expect(await site.nginx()).toMatchObject({ code: 0, stderr: '' })
})
afterEach(() => site.close())

const pids = (title: string) => site.processes(title).map(({ pid }) => pid)
const signal = (pid: number | undefined, name: 'HUP' | 'QUIT' | 'TERM' | 'KILL' | 'USR1' | 'WINCH') =>
  site.balancer.processes.signal(pid ?? 0, name)
const master = () => pids('master process')[0]
/** Resolves when other workers have taken the place of these. */
const replaced = (before: readonly number[]) =>
  expect.poll(() => pids('worker process').some((pid) => before.includes(pid)), generous).toBe(false)

it('a master of root and its workers, with their titles and the pid file', () => {
  expect(site.processes('master process nginx')).toMatchObject([{ uid: 0, parentPid: 1, name: 'nginx' }])
  expect(site.processes('worker process').map(({ uid, parentPid }) => [uid, parentPid])).toEqual([
    [65_534, master()],
    [65_534, master()],
  ])
  expect(site.balancer.files.read('/run/nginx.pid').toString()).toBe(`${master()}\n`)
})

it('a reload starts a generation; the one before lingers until its connections end, and loses none', async () => {
  const before = pids('worker process')
  const held = await site.connect(81)
  held.write('before, ')
  await once(held, 'readable')
  expect(await site.nginx('-s', 'reload')).toMatchObject({ code: 0, stderr: expect.stringContaining('signal process started') as string }) // prettier-ignore
  await expect.poll(() => pids('worker process is shutting down'), generous).toHaveLength(1)
  const [old] = pids('worker process is shutting down')
  expect(before).toContain(old)
  expect(pids('worker process')).toHaveLength(3)
  held.end('and after')
  expect(await text(held)).toBe('before, and after')
  await replaced(before)
  expect(site.logged()).toContain(`[notice] worker process ${old} exited with code 0`)
})

it('worker_shutdown_timeout of the old configuration cuts what lingers', async () => {
  site.write({ main: `${two} worker_shutdown_timeout 100ms;`, http, stream })
  const first = pids('worker process')
  signal(master(), 'HUP')
  await replaced(first)
  const held = await site.connect(81)
  held.on('error', () => undefined).resume()
  await expect.poll(() => site.balancer.network.sockets().filter(({ remote }) => remote?.port === 7000)).toHaveLength(1)
  signal(master(), 'HUP')
  await once(held, 'close')
})

it('takes no configuration that is wrong, nor one whose address is in use, and says so only in its log', async () => {
  const before = pids('worker process')
  site.write({ main: `${two} oops;`, http, stream })
  expect(await site.nginx('-s', 'reload')).toMatchObject({ code: 1, stderr: expect.stringContaining('unknown directive "oops"') as string }) // prettier-ignore
  signal(master(), 'HUP')
  await expect.poll(() => site.logged().at(-1)).toBe('[emerg] unknown directive "oops" in /etc/nginx/nginx.conf:1')

  const other = site.balancer.network.listen({ address: '*', port: 99, pid: 1 }, ({ socket }) => socket.destroy())
  site.write({ main: two, http: `${http} server { listen 99; }`, stream })
  expect((await site.nginx('-t')).code).toBe(0)
  expect((await site.nginx('-s', 'reload')).code).toBe(0)
  await expect.poll(() => site.logged().at(-1), generous).toBe('[emerg] still could not bind()')
  expect(
    site.logged().filter((line) => line === '[emerg] bind() to 0.0.0.0:99 failed (98: Address already in use)'),
  ).toHaveLength(5)
  expect(pids('worker process')).toEqual(before)
  expect((await site.get('/')).backend).toBe('s1')
  other.close()
  signal(master(), 'HUP')
  await replaced(before)
})

it('does not start where its address is in use', async () => {
  signal(master(), 'TERM')
  const other = site.balancer.network.listen({ address: '*', port: 80, pid: 1 }, ({ socket }) => socket.destroy())
  const bind = 'nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n'
  expect(await site.nginx()).toMatchObject({ code: 1, stderr: `${bind.repeat(5)}nginx: [emerg] still could not bind()\n` })
  expect(site.balancer.files.exists('/run/nginx.pid')).toBe(false)
  other.close()
})

it('a worker that is killed cuts its clients only, and is started again', async () => {
  const clients = [await site.connect(81), await site.connect(81)]
  for (const client of clients) {
    client.on('error', () => undefined).write('x')
    await once(client, 'readable')
    client.resume()
  }
  const [first, second] = pids('worker process')
  signal(first, 'KILL')
  await expect.poll(() => clients.filter(({ destroyed }) => destroyed).length, generous).toBe(1)
  expect(pids('worker process')).toHaveLength(2)
  expect(pids('worker process')).toContain(second)
  expect(site.logged()).toContain(`[alert] worker process ${first} exited on signal 9`)
})

it('workers of a master that was killed serve on', async () => {
  const before = pids('worker process')
  signal(master(), 'KILL')
  expect((await site.get('/')).backend).toBe('s1')
  expect(site.processes('worker process').map(({ parentPid }) => parentPid)).toEqual([1, 1])
  for (const pid of before) signal(pid, 'KILL')
  expect((await site.nginx()).code).toBe(0)
})

it('quits when the last connection ends; stops at once', async () => {
  const held = await site.connect(81)
  held.write('x')
  await once(held, 'readable')
  expect((await site.nginx('-s', 'quit')).code).toBe(0)
  await expect(site.connect(81)).rejects.toThrow()
  await expect.poll(() => pids('worker process').length).toBe(1)
  held.end()
  await text(held)
  await expect.poll(master, generous).toBe(undefined)
  expect(site.balancer.files.exists('/run/nginx.pid')).toBe(false)
  expect(await site.nginx('-s', 'stop')).toMatchObject({ code: 1, stderr: expect.stringContaining('open() "/run/nginx.pid" failed (2: No such file or directory)') as string }) // prettier-ignore

  expect((await site.nginx()).code).toBe(0)
  const cut = await site.connect(81)
  cut.on('error', () => undefined).write('x')
  await once(cut, 'readable')
  expect((await site.nginx('-s', 'stop')).code).toBe(0)
  expect(master()).toBe(undefined)
  if (!cut.closed) await once(cut.resume(), 'close')
})

it('accepts nothing after WINCH until the next HUP, and reopens its logs for its workers', async () => {
  signal(master(), 'WINCH')
  await expect.poll(() => pids('worker process')).toEqual([])
  await expect(site.connect()).rejects.toThrow()
  signal(master(), 'HUP')
  await expect.poll(() => pids('worker process')).toHaveLength(2)
  expect((await site.get('/')).backend).toBe('s1')

  site.balancer.files.rename('/var/log/nginx/error.log', '/var/log/nginx/error.log.1')
  expect((await site.nginx('-s', 'reopen')).code).toBe(0)
  expect(site.balancer.files.stat('/var/log/nginx/error.log').uid).toBe(65_534)
})
