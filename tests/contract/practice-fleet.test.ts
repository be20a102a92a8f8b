import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallContext } from '../../src-main/app/handlers-type.ts'
import { compose, type Console } from '../../src-main/compose.ts'
import { hostFleet } from '../../src-main/practice/worker-host.ts'
import { silentLog } from './silent-log.ts'

let folder: string
let running: Console[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evenkeel-practice-'))
  running = []
})
afterEach(async () => {
  for (const each of running) await each.stop()
  await rm(folder, { recursive: true })
})

const context: CallContext = {
  signal: new AbortController().signal,
  caller: { user: 'mk@desk', shell: 'browser' },
  connection: 'test',
  requestId: null,
}

async function consoleOn(dataFolder: string): Promise<Console> {
  const console = await compose({ dataFolder, shell: 'browser', env: {}, home: folder, log: silentLog })
  running.push(console)
  await console.start()
  await console.handlers['host.watch']({ visible: true }, context)
  return console
}

const vips = async ({ handlers }: Console) =>
  (await handlers['fleet.snapshot']({}, context)).routers.map(({ verdict, holders }) => [verdict, ...holders].join(' '))

/** Local addresses, in hex as the kernel prints them, that this process listens on. */
async function listening(): Promise<string[]> {
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  const tables = await Promise.all(['tcp', 'tcp6', 'udp', 'udp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8')))
  return tables.flatMap((table) =>
    table
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , remote = '', , , , , , , inode = '']) => /^0+:0+$/.test(remote) && inodes.has(inode))
      .map(([, local = '']) => local),
  )
}

/** What keeps this thread's event loop alive; vitest's own timers come and go. */
const resources = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Timeout')
    .sort()

describe.skipIf(process.platform !== 'linux')('the practice fleet and the computer it runs on', () => {
  it('listens on loopback only, keeps its keys to itself, and leaves nothing behind', async () => {
    const before = { ports: await listening(), resources: resources() }
    const ended: string[] = []
    const fleet = await hostFleet({ folder, size: {}, told: () => undefined, ended: (why) => ended.push(why) })
    await fleet.do({ scenario: 'power-off', target: 'lb-o1' })
    await fleet.do({ scenario: 'ssh-hang', target: 'lb-t1' })
    await fleet.do({ scenario: 'fill-pool', target: 'practice-tokyo' })

    const ports = (await listening()).filter((port) => !before.ports.includes(port))
    expect(ports.length).toBeGreaterThan(20)
    // 127.x.y.z, lowest byte first
    expect(ports.filter((port) => !/^[0-9A-F]{6}7F:/.test(port))).toEqual([])

    expect((await readdir(folder)).sort()).toEqual(['fleet.json', 'known_hosts', 'practice_ed25519'])
    const modes = await Promise.all(
      [folder, join(folder, 'fleet.json'), join(folder, 'practice_ed25519')].map((path) => stat(path)),
    )
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '600', '600'])

    await fleet.close()
    expect(await listening()).toEqual(before.ports)
    expect(resources()).toEqual(before.resources)
    expect(ended).toEqual([])
  })

  it('says why when it cannot be opened', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    const ended = () => expect.fail('it never was open')
    await expect(hostFleet({ folder: file, size: {}, told: () => undefined, ended })).rejects.toThrow(/EEXIST.*file/)
  })
})

describe('the practice fleet in the console', () => {
  it('comes with its nodes, is read like any other, and goes with them', async () => {
    const console = await consoleOn(join(folder, 'data'))
    const own = { id: 'mine', name: 'mine', ssh: { host: '127.0.0.1', port: 1, user: 'nobody' } } as never
    await console.handlers['inventory.putNode']({ node: own, create: true }, context)
    const before = await console.handlers['inventory.get']({}, context)

    const opened = await console.handlers['practice.open']({}, context)
    expect(opened).toMatchObject({ state: 'open', nodes: ['lb-t1', 'lb-t2', 'lb-o1', 'lb-o2'] })
    await expect.poll(() => vips(console), { timeout: 15_000 }).toEqual(['held lb-t1', 'held lb-o1'])
    const { servers } = await console.handlers['fleet.snapshot']({}, context)
    // nginx's are not checked
    expect(servers.map(({ state }) => state).sort()).toEqual([...Array(12).fill('unchecked'), ...Array(16).fill('up')].sort())

    const troubled = await console.handlers['practice.do']({ scenario: 'crash-haproxy', target: 'lb-t1' }, context)
    expect(troubled.scenarios.filter(({ active }) => active.length > 0).map(({ id }) => id)).toEqual(['crash-haproxy'])
    await expect.poll(() => vips(console), { timeout: 15_000 }).toEqual(['held lb-t2', 'held lb-o1'])
    await console.handlers['practice.revert']({}, context)
    await expect.poll(() => vips(console), { timeout: 15_000 }).toEqual(['held lb-t1', 'held lb-o1'])

    expect((await console.handlers['practice.close']({}, context)).state).toBe('closed')
    expect(await console.handlers['inventory.get']({}, context)).toEqual(before)
  }, 60_000)

  it('is there again, with the same keys, when the console is', async () => {
    const first = await consoleOn(join(folder, 'data'))
    await first.handlers['practice.open']({ servers: 10 }, context)
    const before = await first.handlers['inventory.get']({}, context)
    const keys = () => readFile(join(folder, 'data/practice/known_hosts'), 'utf8')
    const keysBefore = (await keys()).match(/ssh-ed25519 .*/g)
    await first.stop()

    const second = await consoleOn(join(folder, 'data'))
    await expect
      .poll(async () => (await second.handlers['practice.status']({}, context)).state, { timeout: 10_000 })
      .toBe('open')
    const after = await second.handlers['inventory.get']({}, context)
    expect(after.nodes.map(({ id }) => id)).toEqual(before.nodes.map(({ id }) => id))
    expect((await keys()).match(/ssh-ed25519 .*/g)).toEqual(keysBefore)
    const { targets } = await second.handlers['practice.status']({}, context)
    expect(targets.backend).toHaveLength(20)
  }, 30_000)

  it("never takes the place of the operator's own", async () => {
    const console = await consoleOn(join(folder, 'data'))
    const own = { id: 'lb-t1', name: 'mine', ssh: { host: '127.0.0.1', port: 1 } } as never
    await console.handlers['inventory.putNode']({ node: own, create: true }, context)
    await expect(console.handlers['practice.open']({}, context)).rejects.toThrow(/the node "lb-t1"/)
    const { state, error } = await console.handlers['practice.status']({}, context)
    expect([state, error]).toEqual(['failed', expect.stringContaining('lb-t1')])
    expect((await console.handlers['inventory.get']({}, context)).nodes).toEqual([own])
  })
})
