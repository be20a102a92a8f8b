import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CallContext } from '../../src-main/app/handlers-type.ts'
import { compose, type Console } from '../../src-main/compose.ts'
import { hostFleet } from '../../src-main/practice/fleet-host.ts'
import { startNodeProcess } from '../../src-main/practice/own-process.ts'
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

/** The processes that this one has started. */
async function children(): Promise<number[]> {
  const tasks = await readdir('/proc/self/task')
  const lists = await Promise.all(tasks.map((task) => readFile(`/proc/self/task/${task}/children`, 'utf8').catch(() => '')))
  return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number))
}

/** Local addresses, in hex as the kernel prints them, that a process listens on. */
async function listening(pid: number): Promise<string[]> {
  const fds = await readdir(`/proc/${pid}/fd`)
  const links = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
  const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  const tables = await Promise.all(['tcp', 'tcp6', 'udp', 'udp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')))
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

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe.skipIf(process.platform !== 'linux')('the practice fleet and the computer it runs on', () => {
  it('listens on loopback only, keeps its keys to itself, and leaves nothing behind', async () => {
    const before = await children()
    const ended: string[] = []
    const options = { folder, size: {}, told: () => undefined, ended: (why: string) => ended.push(why) }
    const fleet = await hostFleet(options, startNodeProcess)
    const [pid = 0, ...more] = (await children()).filter((each) => !before.includes(each))
    expect(more).toEqual([])
    await fleet.do({ scenario: 'power-off', target: 'lb-o1' })
    await fleet.do({ scenario: 'ssh-hang', target: 'lb-t1' })
    await fleet.do({ scenario: 'fill-pool', target: 'practice-tokyo' })

    const ports = await listening(pid)
    expect(ports.length).toBeGreaterThan(20)
    // 127.x.y.z, lowest byte first
    expect(ports.filter((port) => !/^[0-9A-F]{6}7F:/.test(port))).toEqual([])

    expect((await readdir(folder)).sort()).toEqual(['fleet.json', 'known_hosts', 'practice_ed25519'])
    const modes = await Promise.all(
      [folder, join(folder, 'fleet.json'), join(folder, 'practice_ed25519')].map((path) => stat(path)),
    )
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '600', '600'])

    await fleet.close()
    expect(isAlive(pid)).toBe(false)
    expect(ended).toEqual([])
    await expect(fleet.status()).rejects.toThrow('closed')
  })

  it('says so when its process is killed, to whoever waits and to whoever opened it', async () => {
    const before = await children()
    const ended: string[] = []
    const options = { folder, size: {}, told: () => undefined, ended: (why: string) => ended.push(why) }
    const fleet = await hostFleet(options, startNodeProcess)
    const [pid = 0] = (await children()).filter((each) => !before.includes(each))
    process.kill(pid, 'SIGSTOP')
    const asked = fleet.status()
    process.kill(pid, 'SIGKILL')
    await expect(asked).rejects.toThrow('The practice fleet stopped: it was killed by SIGKILL')
    expect(ended).toEqual(['The practice fleet stopped: it was killed by SIGKILL'])
    await fleet.close()
  })

  it('ends when the console is killed, but not at the Ctrl-C that the console answers', async () => {
    const host = new URL('../../src-main/practice/fleet-host.ts', import.meta.url).href
    const start = new URL('../../src-main/practice/own-process.ts', import.meta.url).href
    const program = `
      const { hostFleet } = await import(${JSON.stringify(host)})
      const { startNodeProcess } = await import(${JSON.stringify(start)})
      const fleet = await hostFleet({ folder: process.argv[1], size: {}, told() {}, ended() {} }, startNodeProcess)
      process.on('SIGINT', async () => console.log((await fleet.status()).scenarios.length > 0 ? 'answers' : 'empty'))
      console.log('open')
      setInterval(() => {}, 1000)`
    const console = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    const lines = createInterface({ input: console.stdout })[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('open')
    const pid = Number(await readFile(`/proc/${console.pid}/task/${console.pid}/children`, 'utf8'))
    expect(isAlive(pid)).toBe(true)
    process.kill(-(console.pid ?? 0), 'SIGINT')
    expect((await lines.next()).value).toBe('answers')
    console.kill('SIGKILL')
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  })

  it('says why when it cannot be opened', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    const ended = () => expect.fail('it never was open')
    await expect(hostFleet({ folder: file, size: {}, told: () => undefined, ended }, startNodeProcess)).rejects.toThrow(
      /EEXIST.*file/,
    )
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
