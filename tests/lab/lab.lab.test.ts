import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { exhaustive } from '../exhaustive.ts'
import { order } from './backend-orders.ts'
import { cgroupOf } from './cgroup.ts'
import { describeLab } from './describe-lab.ts'
import { firstFree, type Instance } from './instance.ts'
import { ensureLab, isUp, openLab, type Lab } from './lab.ts'
import { LockHeld, takeLock } from './lock.ts'
import { run, tryRun, waitUntil, type RunResult } from './run.ts'
import { controlSocket, down, up } from './up-down.ts'

const cli = join(import.meta.dirname, 'cli.ts')

/** Log in as the inventory says, with OpenSSH itself. */
function ssh(lab: Lab, target: string, command: string, ...options: string[]): Promise<RunResult> {
  const checked = ['-o', `UserKnownHostsFile=${lab.knownHosts}`, '-o', 'GlobalKnownHostsFile=/dev/null']
  const strict = [
    '-F',
    'none',
    '-o',
    'StrictHostKeyChecking=yes',
    '-o',
    'BatchMode=yes',
    '-o',
    'ConnectTimeout=3',
    '-i',
    lab.userKey,
  ]
  return tryRun(['ssh', ...strict, ...checked, ...options, target, command])
}

async function serverStatus(lab: Lab, node: string, server: string): Promise<string> {
  const { stdout } = await lab.exec(node, ['socat', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
    stdin: 'show stat -1 4 -1\n',
  })
  const line = stdout.split('\n').find((one) => one.startsWith(`${server.replace('/', ',')},`))
  return line?.split(',')[17] ?? `no server ${server}`
}

/** What the client gets from the pair's virtual address. */
const get = async (lab: Lab, url: string): Promise<string> =>
  (await lab.exec('client', ['curl', '-s', '--max-time', '3', '-o', '/dev/null', '-w', '%{http_code}', url])).stdout

describeLab('the lab', () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
  })
  afterEach(() => lab.restoreAll())

  it('has both pairs up, and the virtual address on exactly the preferred node of each', async () => {
    expect(await lab.holders('edge')).toEqual(['lb1'])
    expect(await lab.holders('core')).toEqual(['lb3'])
    expect(await get(lab, `http://${lab.topology.vips.edge}/`)).toBe('200')
    expect(await get(lab, `http://${lab.topology.vips.edge}:8080/portal/`)).toBe('200')
    expect(await get(lab, `http://${lab.topology.vips.core}/`)).toBe('200')
  })

  it('gives every node a machine of its own: same paths, different content', async () => {
    for (const node of lab.topology.nodes) {
      const hostName = await lab.exec(node.id, ['hostname'])
      expect(hostName.stdout.trim()).toBe(node.id)
      const router = await lab.exec(node.id, ['cat', '/etc/keepalived/keepalived.conf'])
      expect(router.stdout).toContain(`router_id ${node.id}\n`)
      const others = await lab.exec(node.id, ['pgrep', '-c', '-x', 'keepalived'])
      expect(others.stdout.trim(), 'keepalived and its VRRP process, and nobody else’s').toBe('2')
    }
    const unknown = await lab.exec('lb3', [
      'curl',
      '-s',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      'http://127.0.0.1:8081/stub_status',
    ])
    expect(unknown.stdout, 'the core pair offers no stub_status').toBe('000')
    expect((await lab.exec('lb1', ['curl', '-s', 'http://127.0.0.1:8081/stub_status'])).stdout).toContain('Active connections')
  })

  it('lets the console log in to every node with strict host key checking, and through a jump host', async () => {
    for (const node of lab.topology.nodes) {
      expect((await ssh(lab, `${node.user}@${node.management}`, 'hostname')).stdout.trim()).toBe(node.id)
    }
    const [jump, target] = [lab.node('lb1'), lab.node('lb2')]
    const inner = `ssh -F none -i ${lab.userKey} -o UserKnownHostsFile=${lab.knownHosts} -W %h:%p root@${jump.management}`
    const result = await ssh(lab, `root@${target.management}`, 'echo $SSH_CONNECTION', '-o', `ProxyCommand=${inner}`)
    expect(result.stdout.split(' ')[0], 'the connection comes from the jump host').toBe(jump.management)
  })

  it('has an ordinary account that may do what it must, and nothing else', async () => {
    const at = `ops@${lab.node('lb4').management}`
    expect((await ssh(lab, at, 'id -un')).stdout.trim()).toBe('ops')
    expect((await ssh(lab, at, 'sudo -n /usr/sbin/nginx -T')).stdout).toContain('upstream app')
    expect((await ssh(lab, at, 'sudo -n /usr/bin/cat /etc/keepalived/keepalived.conf')).code).toBe(0)
    const refused = await ssh(lab, at, 'sudo -n /usr/bin/cat /etc/shadow')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('a password is required')
    expect((await ssh(lab, at, 'cat /etc/keepalived/keepalived.conf')).code, 'not readable without sudo').toBe(1)
  })

  it('takes a backend out by its health, by stopping it, and lets it be slow', async () => {
    await lab.backend('b2', { health: 503 })
    await waitUntil('web2 is down', 10_000, async () => (await serverStatus(lab, 'lb1', 'be_web/web2')) === 'DOWN')
    await lab.stopBackend('b4')
    await waitUntil('db1 is down', 10_000, async () => (await serverStatus(lab, 'lb2', 'be_db/db1')) === 'DOWN')
    await lab.backend('b1', { latencyMs: 300 })
    const slow = await lab.exec('client', [
      'curl',
      '-s',
      '-o',
      '/dev/null',
      '-w',
      '%{time_total}',
      `http://${lab.topology.backends[0]?.address}:8000/`,
    ])
    expect(Number(slow.stdout)).toBeGreaterThanOrEqual(0.3)

    await lab.restoreAll()
    expect(await serverStatus(lab, 'lb1', 'be_web/web2')).toBe('UP')
    expect(await serverStatus(lab, 'lb2', 'be_db/db1')).toBe('UP')
  })

  it('lets an agent weigh its own server', async () => {
    await lab.backend('b5', { agent: 'drain' })
    await waitUntil('api2 drains', 10_000, async () => (await serverStatus(lab, 'lb1', 'be_api/api2')).startsWith('DRAIN'))
    await lab.restoreAll()
    expect(await serverStatus(lab, 'lb1', 'be_api/api2')).toBe('UP')
  })

  it('moves the virtual address when keepalived stops, and back', async () => {
    await lab.stopService('lb1', 'keepalived')
    await waitUntil('lb2 has the address', 6000, async () => (await lab.holders('edge')).join() === 'lb2')
    expect(await get(lab, `http://${lab.topology.vips.edge}/`)).toBe('200')
    await lab.startService('lb1', 'keepalived')
    await waitUntil('lb1 has it back', 10_000, async () => (await lab.holders('edge')).join() === 'lb1')
    expect(await lab.holders('core'), 'the other pair is not touched').toEqual(['lb3'])
  })

  it('splits a pair when the adverts are cut, and heals it', async () => {
    await lab.cutAdverts('lb4')
    await waitUntil('both have the address', 10_000, async () => (await lab.holders('core')).join() === 'lb3,lb4')
    await lab.healAdverts('lb4')
    await waitUntil('one has it', 10_000, async () => (await lab.holders('core')).join() === 'lb3')
  })

  it('can pull a cable, and sshd can be away or have another key', async () => {
    await lab.cutCable('lb2', 'management')
    expect((await ssh(lab, `root@${lab.node('lb2').management}`, 'true')).code).toBe(255)
    await lab.stopService('lb3', 'sshd')
    expect((await ssh(lab, `root@${lab.node('lb3').management}`, 'true')).stderr).toContain('Connection refused')
    await lab.replaceHostKey('lb1')
    expect((await ssh(lab, `root@${lab.node('lb1').management}`, 'true')).stderr).toContain(
      'REMOTE HOST IDENTIFICATION HAS CHANGED',
    )

    await lab.restoreAll()
    for (const id of ['lb1', 'lb2', 'lb3']) expect((await ssh(lab, `root@${lab.node(id).management}`, 'true')).code).toBe(0)
  })

  it('puts back what was changed in the configuration and at run time', async () => {
    await lab.exec('lb3', ['sh', '-c', 'echo "# changed" >>/etc/haproxy/haproxy.cfg; echo "# new" >/etc/nginx/conf.d/new.conf'])
    const orders =
      'set server be_queue/queue1 state drain;set server be_orders/orders4 state ready;set server be_orders/orders1 weight 7\n'
    await lab.exec('lb4', ['socat', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], { stdin: orders })
    expect(await serverStatus(lab, 'lb4', 'be_queue/queue1')).toBe('DRAIN')

    await lab.restoreAll()
    expect((await lab.exec('lb3', ['cat', '/etc/haproxy/haproxy.cfg'])).stdout).not.toContain('# changed')
    expect((await lab.exec('lb3', ['ls', '/etc/nginx/conf.d'])).stdout).toBe('site.conf\n')
    expect(await serverStatus(lab, 'lb4', 'be_queue/queue1')).toBe('UP')
    expect(await serverStatus(lab, 'lb4', 'be_orders/orders4')).toBe('MAINT')
    const weight = await lab.exec('lb4', ['socat', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
      stdin: 'get weight be_orders/orders1\n',
    })
    expect(weight.stdout).toContain('100 (initial 100)')
  })
})

/** Four moments instead of two. */

describeLab('bringing a lab up and down', () => {
  let instance: Instance
  beforeAll(() => {
    instance = firstFree(40)
  })
  afterAll(() => down(instance))

  const runCli = (...args: string[]): Promise<RunResult> =>
    tryRun(['env', `EVENKEEL_LAB=${instance.name}`, process.execPath, cli, ...args], { timeoutMs: 60_000 })

  /** Everything of this lab that the machine still knows. */
  async function leftovers(): Promise<string[]> {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
    const links = (await run(['ip', '-br', 'link'])).split('\n')
    const routes = (await run(['ip', 'route'])).split('\n').filter((line) => line.includes(`${instance.dataNet}.0/24`))
    const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : []
    const processes = (await run(['ps', '-eo', 'args'])).split('\n').filter((line) => line.includes(instance.stateDir))
    return [
      ...[...mounts, ...links, ...namespaces].filter(
        (text) => text.includes(`${instance.name}-`) || text.includes(instance.stateDir),
      ),
      ...routes,
      ...processes,
      ...[instance.stateDir, instance.outputDir, cgroupOf(instance)].filter((folder) => existsSync(folder)),
    ]
  }

  it('is idempotent, coexists with another lab, and leaves nothing', async () => {
    const topology = await up(instance, { systemd: false })
    const lab = openLab(instance, topology)
    expect(await lab.holders('edge')).toEqual(['lb1'])

    await lab.stopService('lb2', 'nginx')
    const again = await runCli('up')
    expect(again, again.stderr).toMatchObject({ code: 0 })
    for (const [service, processes] of [
      ['nginx', '3'],
      ['haproxy', '2'],
    ] as const) {
      const { stdout } = await lab.exec('lb2', ['pgrep', '-c', '-x', service])
      expect(stdout.trim(), `${service}: what was stopped runs again, and nothing runs twice`).toBe(processes)
    }
    expect(Object.keys(await order(controlSocket(instance), {}))).toHaveLength(6)

    expect(await leftovers(), 'the search finds a lab that is up').not.toEqual([])
    expect(await runCli('down')).toMatchObject({ code: 0 })
    expect(await leftovers()).toEqual([])
    expect(await runCli('down'), 'a second time is no error').toMatchObject({ code: 0 })
    expect((await runCli('status')).stderr).toContain(`Lab ${instance.name} is not up`)
  })

  it.each(exhaustive ? [150, 250, 400, 700] : [250, 700])(
    'killed %i ms into up: up completes it, down leaves nothing',
    async (ms) => {
      await killedUp(ms)
      expect(await runCli('down')).toMatchObject({ code: 0 })
      expect(await leftovers()).toEqual([])

      await killedUp(ms)
      const completed = await runCli('up')
      expect(completed, completed.stderr).toMatchObject({ code: 0 })
      expect(isUp(instance)).toBe(true)
      expect(await runCli('down')).toMatchObject({ code: 0 })
      expect(await leftovers()).toEqual([])
    },
  )

  /** `up` ended by SIGKILL after a while, or by itself if it was faster. */
  function killedUp(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [cli, 'up'], {
        env: { ...process.env, EVENKEEL_LAB: instance.name },
        stdio: 'ignore',
      })
      setTimeout(() => child.kill('SIGKILL'), ms)
      child.on('close', () => resolve())
    })
  }

  it('has a node with systemd on request', async () => {
    const lab = openLab(instance, await up(instance, { systemd: true }))
    for (const unit of ['ssh', 'haproxy', 'nginx', 'keepalived']) {
      expect((await lab.exec('sd', ['systemctl', 'is-active', unit])).stdout, unit).toBe('active\n')
    }
    expect((await ssh(lab, `root@${lab.node('sd').management}`, 'cat /proc/1/comm')).stdout).toBe('systemd\n')
    expect(readFileSync(lab.inventoryFile, 'utf8')).toContain('id: sd')
    await lab.stopService('sd', 'haproxy')
    expect((await lab.exec('sd', ['systemctl', 'is-active', 'haproxy'])).stdout).toBe('inactive\n')
    await lab.restoreAll()
    expect((await lab.exec('sd', ['systemctl', 'is-active', 'haproxy'])).stdout).toBe('active\n')

    expect(await leftovers(), 'the search finds its control groups').toContain(cgroupOf(instance))
    const ended = await runCli('down')
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(await leftovers()).toEqual([])
  })

  it('refuses politely without root', async () => {
    const result = await tryRun(['unshare', '--user', process.execPath, cli, 'up'])
    expect(result.code).toBe(1)
    expect(result.stderr).toBe('The lab needs root, to make network namespaces and mounts.\n')
  })

  it('tells what it does not understand', async () => {
    expect((await runCli('backend', 'b9', 'stop')).stderr).toContain('bring it up')
    expect(await runCli('dance')).toMatchObject({ code: 2 })
    const bad = await tryRun(['env', 'EVENKEEL_LAB=../x', process.execPath, cli, 'down'])
    expect(bad.code).toBe(1)
    expect(bad.stderr).toContain('is not the name of a lab')
  })
})

describeLab('the lock that keeps test runs apart', () => {
  it('names its holder, and is free once given back', async () => {
    const name = `test-${process.pid}`
    const release = await takeLock(name, 0)
    await expect(takeLock(name, 0)).rejects.toThrow(LockHeld)
    await expect(takeLock(name, 0)).rejects.toThrow(`in use by pid ${process.pid} `)
    await release()
    await (
      await takeLock(name, 0)
    )()
  })
})
