import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { InventoryNode, ProbeReport, ServerId } from '#contract'
import { createDrivers } from '../../src-main/drivers/registry.ts'
import type { Driver } from '../../src-main/app/ports/driver.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { moveIn, operatorAt, type Operator } from './operator.ts'

let lab: Lab
let place: Workplace
let operator: Operator
let application: ConsoleOnLab | null = null
/** A file that exists on no machine, unless something that was only a name was run. */
let canary: string

/** Names that do harm wherever a name becomes part of a command. */
const evilNames = (): [what: string, name: string][] => [
  ['semicolon', `x; touch ${canary}; #`],
  ['newline', `x\ntouch ${canary}\n`],
  ['carriage return', `x\r\ntouch ${canary}\r\n`],
  ['single quote', `x'; touch ${canary}; '`],
  ['double quote', `x"; touch ${canary}; "`],
  ['command substitution', `x$(touch ${canary})`],
  ['backtick', `x\`touch ${canary}\``],
  ['space and pipe', `x y | touch ${canary}`],
  ['leading dash', `-oProxyCommand=touch ${canary}`],
]
const evilPaths = (): [what: string, path: string][] => evilNames().map(([what, name]) => [what, `/run/${name}`])

/** A new inventory in place of the one before. */
async function imports(change: (node: InventoryNode) => InventoryNode): Promise<Awaited<ReturnType<Operator['evenkeel']>>> {
  rmSync(join(place.home, '.ssh'), { recursive: true, force: true })
  return operator.evenkeel('inventory', 'import', '--replace', '--no-probe', moveIn(lab, place, change))
}

async function expectNothingRan(): Promise<void> {
  expect(existsSync(canary), 'on the console').toBe(false)
  const found = await Promise.all(
    lab.topology.nodes.map(({ id }) => lab.exec(id, ['sh', '-c', 'ls -d "$1" 2>/dev/null || true', 'sh', canary])),
  )
  expect(
    found.map(({ stdout }) => stdout),
    'on the nodes',
  ).toEqual(lab.topology.nodes.map(() => ''))
}

/** Everything an operator can change on HAProxy, of all nodes. */
async function serversState(): Promise<string[]> {
  const states = await Promise.all(
    lab.topology.nodes.map(({ id }) =>
      lab.exec(id, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], { stdin: 'show servers state\n' }),
    ),
  )
  return states.flatMap(({ stdout }) =>
    stdout
      .split('\n')
      .filter((line) => /^\d+ \S+ \d+ /.test(line))
      .map((line) =>
        line
          .split(' ')
          .slice(0, 8)
          .filter((_, field) => field !== 5)
          .join(' '),
      ),
  )
}

/** The real HAProxy driver as a node would make it speak that lies about the name of one server. */
function lyingDrivers(lie: string): Driver[] {
  return [...createDrivers({ clock: systemClock }).values()].map((driver) => ({
    kind: driver.kind,
    detect: (...args) => driver.detect(...args),
    bind(detected) {
      const bound = driver.bind(detected)
      return {
        kind: bound.kind,
        serverAdmin: bound.serverAdmin,
        configAdmin: bound.configAdmin,
        readConfig: (...rest) => bound.readConfig(...rest),
        async observe(...args) {
          const reading = await bound.observe(...args)
          if (reading.kind !== 'haproxy') return reading
          const pools = reading.pools.map((pool) => ({
            ...pool,
            servers: pool.servers.map((server) => (server.name === 'web1' ? { ...server, name: lie } : server)),
          }))
          return { ...reading, pools }
        },
      }
    },
  }))
}

describeLab('evil names', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
  })
  beforeEach(() => {
    place = makeWorkplace()
    operator = operatorAt(place)
    canary = join(mkdtempSync(join(tmpdir(), 'evk')), 'ran')
  })
  afterEach(async () => {
    await application?.close()
    application = null
    await expectNothingRan()
    place.clear()
    rmSync(join(canary, '..'), { recursive: true, force: true })
  })

  it('are no servers, jobs or nodes, on the command line and at the border', async () => {
    expect(await imports((node) => node)).toMatchObject({ code: 0 })
    const before = await serversState()
    const drained = await operator.evenkeel('drain', '--', 'web1 state maint; disable server be_web/web2', 'x\ny')
    expect(drained).toMatchObject({ code: 2, stdout: '' })
    expect(drained.stderr).toContain('There is no server')

    application = await openConsole(place)
    const { client } = application
    await client.call('fleet.refresh', {})
    for (const [what, name] of [
      ...evilNames(),
      ['a second command', 'web1 state maint; disable server be_web/web2'] as const,
    ]) {
      for (const id of [name, `edge/haproxy/be_web/${name}`, `edge/haproxy/${name}/web1`, `${name}/haproxy/be_web/web1`]) {
        const servers = [id as ServerId]
        const refused = { reply: { code: 'request.not-found', effect: 'none' } }
        await expect(client.call('server.setState', { servers, state: 'drain' }), what).rejects.toMatchObject(refused)
        await expect(client.call('server.planState', { servers, state: 'drain' }), what).rejects.toMatchObject(refused)
      }
      await expect(client.call('job.undo', { job: name as never }), what).rejects.toMatchObject({
        reply: { code: 'job.not-found' },
      })
      await expect(client.call('node.probe', { node: name as never }), what).rejects.toMatchObject({
        reply: { code: 'request.invalid' },
      })
    }
    expect(await serversState()).toEqual(before)
  })

  it('that a node itself claims for its servers are shown, and never sent', async () => {
    expect(await imports((node) => node)).toMatchObject({ code: 0 })
    const before = await serversState()
    for (const lie of [
      'web1 state maint; disable server be_web/web2',
      'web1\ndisable server be_web/web2',
      `web1'$(touch ${canary})`,
    ]) {
      application = await openConsole(place, { drivers: lyingDrivers(lie) })
      const { client, snapshot } = application
      await client.call('fleet.refresh', {})
      const shown = (await snapshot()).servers.find(({ name }) => name === lie)
      expect(shown, 'the lie is believed').toBeDefined()
      const request = { servers: [shown?.id as ServerId], state: 'drain' as const }
      for (const call of ['server.planState', 'server.setState'] as const) {
        await expect(client.call(call, request), lie).rejects.toMatchObject({
          reply: {
            code: 'daemon.runtime-rejected',
            effect: 'none',
            message: expect.stringContaining('was not sent to HAProxy'),
          },
        })
      }
      expect(await client.call('job.list', { limit: 1 }), 'not even begun').toEqual([])
      await application.close()
      application = null
    }
    expect(await serversState()).toEqual(before)
  })

  it('of sockets and files in the inventory are looked for on the node, and nothing more', async () => {
    const settings = (path: string): InventoryNode['services'][] => [
      { haproxy: { socket: path, masterSocket: path }, keepalived: { config: path, pidFile: path } },
      { haproxy: { config: [path] }, nginx: { config: path } },
    ]
    for (const [what, path] of evilPaths()) {
      for (const services of settings(path)) {
        expect(await imports((node) => ({ ...node, services })), what).toMatchObject({ code: 0 })
        for (const node of ['lb1', 'lb4']) {
          const { findings } = JSON.parse((await operator.evenkeel('probe', node, '--json')).stdout) as ProbeReport
          const named = findings.filter(({ severity, message }) => severity === 'error' && message.includes(path))
          expect(named.length, `${what} on ${node}: said to be missing, by its name`).toBeGreaterThan(0)
        }
      }
      await expectNothingRan()
    }
  })

  it('do not move the cursor of the terminal', async () => {
    const path = '/run/\u001b[2J\u009b31m\r\nx'
    expect(await imports((node) => ({ ...node, services: { haproxy: { socket: path, masterSocket: path } } }))).toMatchObject({
      code: 0,
    })
    const probed = await place.evenkeel('probe', 'lb1')
    const drained = await place.evenkeel('drain', '\u001b[2Jweb1')
    expect(probed.stdout).toContain('/run/·[2J')
    expect(drained.stderr).toContain('·[2Jweb1')
    for (const { stdout, stderr } of [probed, drained]) {
      expect([...stdout, ...stderr].filter((char) => char !== '\n' && /\p{Cc}/u.test(char))).toEqual([])
    }
  })

  it('of a socket that really is called so reach that socket', async () => {
    const folder = `/run/odd; touch ${canary.replaceAll('/', '_')}'"$(id)\`id\`\n`
    const socket = `${folder}/admin.sock`
    await lab.exec('lb1', ['sh', '-ec', 'mkdir "$1"; ln -s /run/haproxy/admin.sock "$1/admin.sock"', 'sh', folder])
    try {
      const imported = await imports((node) => ({ ...node, services: { haproxy: { socket } } }))
      expect(imported, imported.stderr).toMatchObject({ code: 0 })
      const probed = await operator.evenkeel('probe', 'lb1', '--json')
      const haproxy = (JSON.parse(probed.stdout) as ProbeReport).services.find(({ kind }) => kind === 'haproxy')
      expect(haproxy).toMatchObject({ endpoints: { socket }, privilege: 'admin' })
    } finally {
      await lab.exec('lb1', ['rm', '-r', folder])
    }
  })

  it('of nodes, hosts, users and jump hosts are names of nothing', async () => {
    for (const id of ['-x', 'a b', 'a;b', 'a\nb', '$(id)']) {
      const refused = await imports((node) => (node.id === 'lb3' ? { ...node, id: id as never } : node))
      expect(refused, JSON.stringify(id)).toMatchObject({ code: 2 })
      expect(refused.stderr, 'file and line').toMatch(/inventory\.yaml:\d+: /)
    }

    // an ssh_config without which every odd host would be asked for by name in the DNS
    const config = `Host *\n  HostName ${lab.node('lb1').management}\n`
    for (const [what, name] of evilNames()) {
      for (const ssh of [{ user: name.slice(0, 64) }, { proxyJump: name }, { host: name }]) {
        const imported = await imports((node) =>
          node.id === 'lb1' ? { ...node, name: 'odd', ssh: { ...node.ssh, ...ssh } } : node,
        )
        expect(imported, what).toMatchObject({ code: 0 })
        writeFileSync(join(place.home, '.ssh', 'config'), config)
        const probed = await operator.evenkeel('probe', 'lb1', '--json')
        if ('host' in ssh) expect(probed.code, `${what}: an alias like any other`).toBe(0)
        else
          expect(JSON.parse(probed.stderr), what).toMatchObject({
            error: { code: expect.stringMatching(/^ssh\.(auth-failed|config-invalid)$/) },
          })
      }
    }
    await expectNothingRan()
  })

  it('and commands in ~/.ssh/config are not run', async () => {
    expect(await imports((node) => node)).toMatchObject({ code: 0 })
    const address = lab.node('lb1').management
    for (const lines of [
      `Match exec "touch ${canary}"\n  User nobody\n`,
      `Host ${address}\n  KnownHostsCommand /usr/bin/touch ${canary}\n`,
      `Host ${address}\n  LocalCommand touch ${canary}\n  PermitLocalCommand yes\n`,
    ]) {
      writeFileSync(join(place.home, '.ssh', 'config'), lines)
      expect(await operator.evenkeel('probe', 'lb1'), lines).toMatchObject({ code: 0 })
    }
    writeFileSync(join(place.home, '.ssh', 'config'), `Host ${address}\n  ProxyCommand touch ${canary}\n`)
    const refused = await operator.evenkeel('probe', 'lb1')
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('ProxyCommand is not supported')
    expect(refused.stderr, 'file and line').toContain(`${join(place.home, '.ssh', 'config')}:2`)
  })
})
