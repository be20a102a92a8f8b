import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BoundService } from '../../src-main/app/ports/driver.ts'
import type { BalancerReading } from '../../src-main/domain/fleet/reading.ts'
import { createNginxDriver } from '../../src-main/drivers/nginx/driver.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { within } from '../contract/local-session.ts'
import { describeLab } from './describe-lab.ts'
import { openNodeRoom, type NodeRoom } from './node-room.ts'

const config = (server: string): string => `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1;
pid /run/nginx.pid;
error_log /tmp/error.log notice;
events { worker_connections 64; }
stream {
    upstream db { server ${server}; server 127.0.0.1:9002; }
    server { listen 127.0.0.1:8083; proxy_pass db; }
}
`

/** Which configuration the running nginx has, and where its connections are. */
describeLab('nginx and its generations of workers', () => {
  let room: NodeRoom
  const driver = createNginxDriver({ clock: systemClock })

  const detect = async () => (await driver.detect(room.session, room.facts, {}, within(10_000))) ?? expect.fail('no nginx')
  const read = async (service: BoundService): Promise<BalancerReading> => {
    const reading = await service.observe(room.session, within(10_000))
    return reading.kind === 'nginx' ? reading : expect.fail(`a reading of ${reading.kind}`)
  }
  const first = async (service: BoundService) => (await read(service)).pools[0]?.servers[0]
  const write = (server: string) => room.run(`cat >/etc/nginx/nginx.conf <<'END'\n${config(server)}END`)
  /** resolves when every worker of before is on its way out or gone */
  const reload = () =>
    room.run(`
      old=$(pgrep -P $(cat /run/nginx.pid))
      nginx -s reload 2>/dev/null
      for pid in $old; do
        i=0
        while grep -q 'worker process' /proc/$pid/cmdline 2>/dev/null && ! grep -q shutting /proc/$pid/cmdline && [ $i -lt 100 ]; do
          sleep 0.05; i=$((i+1))
        done
      done`)

  beforeAll(async () => {
    room = await openNodeRoom(['/etc/nginx'], { network: 'private' })
    await room.run('ip link set lo up')
    await write('127.0.0.1:9001')
    await room.run(`
      nginx 2>/dev/null
      for port in 9001 9002; do socat TCP-LISTEN:$port,fork,reuseaddr,bind=127.0.0.1 EXEC:cat >/dev/null 2>&1 </dev/null & done
      sleep 0.3`)
  })
  afterAll(() => room.close())

  it('a server marked down drains in the old worker until its last connection ends', async () => {
    const service = driver.bind(await detect())
    expect(await first(service)).toMatchObject({ state: 'unchecked', sessions: 0 })
    await room.run('(sleep 300 | socat - TCP:127.0.0.1:8083) >/dev/null 2>&1 </dev/null & sleep 0.3')
    expect(await first(service)).toMatchObject({ state: 'unchecked', sessions: 1 })

    await write('127.0.0.1:9001 down')
    await reload()
    expect(await first(service)).toMatchObject({ state: 'draining', word: 'down', sessions: 1 })
    expect((await read(service)).workers.map(({ generation, sessions }) => [generation, sessions])).toEqual(
      expect.arrayContaining([
        ['old', 1],
        ['current', 0],
      ]),
    )

    await room.run('pkill -f "^socat - TCP:127.0.0.1:8083"')
    await expect.poll(() => first(service), { timeout: 5000 }).toMatchObject({ state: 'maintenance', sessions: 0 })
    expect((await read(service)).workers.map(({ generation }) => generation)).toEqual(['current'])
  })

  it('an edit on disk does not show before nginx has loaded it', async () => {
    const service = driver.bind(await detect())
    expect(await first(service)).toMatchObject({ name: '127.0.0.1:9001', word: 'down' })
    await write('127.0.0.1:9003')
    expect(await first(service)).toMatchObject({ name: '127.0.0.1:9001', word: 'down' })
    await reload()
    expect(await first(service)).toMatchObject({ name: '127.0.0.1:9003', word: 'server' })
  })

  it('a worker that crashed is not a new configuration', async () => {
    await room.run('sed -i "s/worker_processes 1/worker_processes 2/" /etc/nginx/nginx.conf')
    await reload()
    const service = driver.bind(await detect())
    const before = await read(service)
    await write('127.0.0.1:9004')
    await room.run(`kill -9 ${before.workers[0]?.pid}; sleep 0.3`)
    const after = await read(service)
    expect(after.workers.map(({ pid }) => pid)).not.toEqual(before.workers.map(({ pid }) => pid))
    expect(after.pools[0]?.servers[0]?.name).toBe('127.0.0.1:9003')
  })

  it('a broken configuration on disk is told, and does not stop the readings of what runs', async () => {
    const service = driver.bind(await detect())
    await read(service)
    await write('127.0.0.1:9001 drain')
    const found = await detect()
    expect(found.findings).toContainEqual(
      expect.objectContaining({
        rule: 'nginx.config-broken',
        message: expect.stringContaining('/etc/nginx/nginx.conf:7') as string,
      }),
    )
    expect((await read(service)).pools).toHaveLength(1)
    await expect(read(driver.bind(found))).rejects.toMatchObject({ code: 'config.parse-failed', effect: 'none' })
    await write('127.0.0.1:9001')
  })

  it('warns when the configuration is newer than the workers', async () => {
    await reload()
    await room.run('touch -d "1 hour" /etc/nginx/nginx.conf')
    expect((await detect()).findings.map(({ rule }) => rule)).toContain('nginx.config-newer-than-workers')
  })

  it("runs nothing that a stranger's process names", async () => {
    await room.run(`
      pkill -KILL -x nginx; i=0; while pgrep -r R,S,D -x nginx >/dev/null && [ $i -lt 100 ]; do sleep 0.05; i=$((i+1)); done
      cp /bin/sleep /tmp/nginx
      printf '#!/bin/sh\\ntouch /tmp/ran\\n' >/tmp/evil; chmod 755 /tmp/evil
      cat >/tmp/pretend <<'END'
exec -a "nginx: master process /tmp/evil -c /tmp/evil.conf" /tmp/nginx 300
END
      setpriv --reuid 65534 --clear-groups bash /tmp/pretend >/dev/null 2>&1 </dev/null &
      sleep 0.3`)
    const found = await detect()
    expect(found.service).toMatchObject({ running: false, pid: null, endpoints: { binary: '/usr/sbin/nginx' } })
    expect(found.findings.map(({ rule }) => rule)).toContain('nginx.master-not-root')
    await expect(read(driver.bind(found))).rejects.toMatchObject({ code: 'daemon.not-running' })
    expect(await room.exists('/tmp/ran')).toBe(false)
  })
})
