import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DrainId, DrainView, InputOf } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { waitUntil, type RunResult } from './run.ts'

const shop1 = 'edge/haproxy/be_shop/shop1'
const pair = ['lb1', 'lb2']

let lab: Lab
let place: Workplace
let application: ConsoleOnLab | null = null

async function runtime(node: string, command: string): Promise<string> {
  const { stdout } = await lab.exec(node, ['socat', '-t5', '-', 'UNIX-CONNECT:/run/haproxy/admin.sock'], {
    stdin: `${command}\n`,
  })
  return stdout
}

/** Every server of the pair as `show servers state` has it, without the columns that are the health checks' and the clock's. */
async function serversState(): Promise<string[]> {
  const tables = await Promise.all(pair.map((node) => runtime(node, 'show servers state')))
  return tables.flatMap((table, index) =>
    table
      .split('\n')
      .filter((line) => /^\d+ \S+ \d+ /.test(line))
      .map((line) => [pair[index], ...line.split(' ').slice(0, 9)].join(' ')),
  )
}

/** A request to shop1, which its cookie leads to, that takes so long. Resolves with what curl says in the end. */
function download(ms: number): Promise<RunResult> {
  const url = `http://${lab.topology.vips.edge}/shop?ms=${ms}`
  return lab.exec('client', ['curl', '-sS', '-b', 'SRV=s1', url], { timeoutMs: 60_000 })
}

async function opened(): Promise<ConsoleOnLab> {
  application = await openConsole(place)
  await application.client.call('fleet.refresh', {})
  return application
}

const start = ({ client }: ConsoleOnLab, over: Partial<InputOf<'drain.start'>> = {}): Promise<DrainView> =>
  client.call('drain.start', { targets: [shop1], reason: 'kernel update', ...over })

/** Waits for a drain of which something is true; gives it back. */
async function until(
  { client }: ConsoleOnLab,
  drain: DrainId,
  what: string,
  isTrue: (view: DrainView) => boolean,
  timeoutMs = 40_000,
): Promise<DrainView> {
  let view = await client.call('drain.get', { drain })
  await waitUntil(what, timeoutMs, async () => isTrue((view = await client.call('drain.get', { drain }))), 20).catch(
    (thrown) => {
      throw new Error(
        `${String(thrown)} ${view.state}: ${view.said} ${JSON.stringify(view.places.map(({ nodeId, phase, violations, left }) => [nodeId, phase, violations, left]))}`,
      )
    },
  )
  return view
}

const onLb1 = (view: DrainView): DrainView['places'][number] | undefined => view.places.find(({ nodeId }) => nodeId === 'lb1')
const reload = (node: string): Promise<RunResult> => lab.exec(node, ['sh', '-c', 'kill -USR2 "$(cat /run/haproxy.pid)"'])

describeLab('draining on the lab', () => {
  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
  })
  beforeEach(async () => {
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterEach(async () => {
    await application?.close()
    application = null
    place.clear()
    await lab.restoreAll()
  })
  afterAll(() => lab.restoreAll())

  it('is not empty before a download has ended, then turns away who sticks to it, and is put back byte for byte', async () => {
    await Promise.all(pair.map((node) => runtime(node, 'set server be_shop/shop1 weight 7')))
    const before = await serversState()
    let endedAt = Infinity
    const downloading = download(14_000).finally(() => (endedAt = Date.now()))
    const console = await opened()
    await waitUntil('the download is under way', 5000, async () =>
      /be=be_shop srv=shop1/.test(await runtime('lb1', 'show sess')),
    )

    const { id } = await start(console)
    const draining = await until(console, id, 'it is draining', ({ state }) => state === 'draining')
    expect(onLb1(draining)?.left).toMatchObject({ sessions: 1, oldSessions: 0 })
    expect(onLb1(draining)?.left?.clients?.[0]?.source).toContain(lab.topology.client)
    const empty = await until(console, id, 'it is empty', ({ state }) => state === 'empty')
    expect(empty.emptyAt, 'not before the last byte').toBeGreaterThanOrEqual(endedAt - 50)
    expect(await downloading, 'the client has noticed nothing').toMatchObject({ code: 0, stdout: 'b1\n' })
    for (const { proof } of empty.places) expect(proof?.evidence.join('\n')).toMatch(/srv_admin_state=1 .*\n.*scur=0 qcur=0/)
    expect(empty.outcome?.emptyInMs).toBeGreaterThan(0)

    await console.client.call('drain.putBack', { drain: id })
    await until(console, id, 'it has ended', ({ state }) => state === 'ended')
    expect(await serversState()).toEqual(before)
  })

  it('is set again after a reload, sees the session of the old worker, and finishes it when told', async () => {
    const before = await serversState()
    const downloading = download(40_000)
    const console = await opened()
    await waitUntil('the download is under way', 5000, async () =>
      /be=be_shop srv=shop1/.test(await runtime('lb1', 'show sess')),
    )
    const { id } = await start(console)
    await until(console, id, 'it is draining', ({ state }) => state === 'draining')

    await reload('lb1')
    const again = await until(console, id, 'it is drained again', (view) => {
      const lb1 = onLb1(view)
      return lb1?.phase === 'in-force' && lb1.violations === 1 && lb1.left?.oldSessions === 1
    })
    expect(await runtime('lb1', 'show servers state be_shop')).toMatch(/ shop1 \S+ \d 8 /)
    expect(onLb1(again)?.left).toMatchObject({ sessions: 0, clients: [{ generation: 'old' }] })
    expect(again.emptyAt, 'the old worker still streams').toBeNull()
    const history = await console.client.call('history.list', { limit: 20, subject: id })
    expect(history.map(({ kind }) => kind)).toEqual(['drain.repaired', 'drain.violated', 'drain.started'])
    const [repaired, violated] = history
    expect((repaired?.at ?? Infinity) - (violated?.at ?? 0), 'repaired within a poll').toBeLessThan(5000)

    await console.client.call('drain.finishNow', { drain: id })
    const empty = await until(console, id, 'it is empty', ({ state }) => state === 'empty')
    expect(empty).toMatchObject({ cut: 1, goal: 'maintenance' })
    expect((await downloading).stdout, 'the client was cut off before its answer').toContain('502 Bad Gateway')
    await console.client.call('drain.putBack', { drain: id })
    await until(console, id, 'it has ended', ({ state }) => state === 'ended')
    expect(await serversState()).toEqual(before)
  })

  it('does not call a server empty that clients with its cookie still come to, and in the end sends them elsewhere', async () => {
    const console = await opened()
    expect(await download(0)).toMatchObject({ code: 0, stdout: 'b1\n' })
    const { id } = await start(console)
    // from the first look on, clients are counted
    await until(console, id, 'it is looked at', (view) => onLb1(view)?.left?.stuck === 0)
    for (let request = 0; request < 6; request++) {
      expect(await download(0)).toMatchObject({ code: 0, stdout: 'b1\n' })
      await console.client.call('fleet.refresh', { node: 'lb1' as never })
      const view = await until(console, id, 'it is seen', (now) => (onLb1(now)?.left?.stuck ?? 0) > request)
      expect(view).toMatchObject({ state: 'draining', emptyAt: null })
      expect(onLb1(view)?.left?.sessions).toBe(0)
    }
    const empty = await until(console, id, 'they stay away', ({ state }) => state === 'empty')
    expect(onLb1(empty)?.left?.lastRequestS).toBeGreaterThanOrEqual(10)
    expect(await download(0), 'back after a pause, with the cookie').toMatchObject({ code: 0, stdout: 'b2\n' })
  })

  it('refuses what the floor forbids, with the figures', async () => {
    const both = ['be_shop/shop1', 'be_shop/shop2']
    const refused = await place.evenkeel('drain', ...both, '--reason', 'both')
    expect(refused.code).toBe(4)
    expect(refused.stderr).toContain('of 2 servers 2 take traffic now, 0 would remain, and 1 must')
    const planned = await place.evenkeel('drain', ...both, '--dry-run')
    expect(planned, planned.stderr).toMatchObject({ code: 4 })
    expect(await runtime('lb1', 'show servers state be_shop')).not.toMatch(/ shop\d \S+ \d 8 /)
  })

  it('goes on after the console was killed, and repairs what was undone meanwhile', async () => {
    const before = await serversState()
    const downloading = download(60_000)
    const program = resolve(import.meta.dirname, '../../src-main/shells/cli/index.ts')
    const args = [program, 'drain', 'be_shop/shop1', '--reason', 'disk', '--wait']
    const killed = spawn(process.execPath, args, { env: place.environment, stdio: 'ignore' })
    const gone = new Promise((over) => killed.once('exit', over))
    // Killed before it has written down that lb2 is out, the next one would find the hand's deed to be its own unfinished work.
    await waitUntil('it is out on both', 40_000, async () => {
      const { stdout } = await place.evenkeel('drains', '--json')
      const [drain] = stdout === '' ? [] : (JSON.parse(stdout) as DrainView[])
      return drain !== undefined && drain.places.every(({ phase }) => phase === 'in-force')
    })
    killed.kill('SIGKILL')
    await gone
    await runtime('lb2', 'set server be_shop/shop1 state ready')

    const console = await opened()
    const [kept] = await console.client.call('drain.list', { open: true, limit: 10 })
    if (kept === undefined) throw new Error('The drain was forgotten.')
    await until(console, kept.id, 'lb2 is out again', ({ places }) =>
      places.every(({ nodeId, phase, violations }) => phase === 'in-force' && violations === (nodeId === 'lb2' ? 1 : 0)),
    )
    await console.close()
    application = null
    const back = await place.evenkeel('undrain', 'be_shop/shop1')
    expect(back, back.stderr).toMatchObject({ code: 0 })
    expect(await serversState()).toEqual(before)
    await runtime('lb1', 'shutdown sessions server be_shop/shop1')
    await downloading
  })

  it('is set again after HAProxy was stopped and started', async () => {
    const console = await opened()
    const { id } = await start(console)
    await until(console, id, 'it is empty', ({ state }) => state === 'empty')
    await lab.stopService('lb2', 'haproxy')
    const lost = await until(console, id, 'lb2 is missed', ({ state }) => state === 'waiting-for-node')
    expect(lost.places.find(({ nodeId }) => nodeId === 'lb2')?.proof, 'nobody vouches for it').toBeNull()
    await lab.startService('lb2', 'haproxy')
    const again = await until(console, id, 'it is empty again', ({ state }) => state === 'empty', 30_000)
    expect(again.places.find(({ nodeId }) => nodeId === 'lb2')).toMatchObject({ violations: 1 })
    expect(await runtime('lb2', 'show servers state be_shop')).toMatch(/ shop1 \S+ \d 1 /)
  })
})
