import { afterAll, beforeAll, expect, it } from 'vitest'
import type { NodeId, PushRecord } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import {
  ended,
  faultsOf,
  fileFor,
  onDisk,
  toldOf,
  weightIn,
  withoutCapacity,
  withWeight,
  type Request,
} from './push-exercise.ts'
import { loadClients, loadKinds, startLoad, type LoadResult, type LoadTargets } from './steady-load.ts'

/** As a push takes them: lb1 holds the address. */
const pair = ['lb2', 'lb1'] as NodeId[]
/** on both ways together */
const clientsOfAKind = 2 * loadClients

const lossTable = (results: Record<string, LoadResult>): string =>
  Object.entries(results)
    .map(
      ([what, result]) =>
        `| ${[what, ...loadKinds.map((kind) => `${result[kind].lost} of ${result[kind].done + result[kind].lost}`)].join(' | ')} |`,
    ) // prettier-ignore
    .join('\n')

describeLab('a push to both members of a pair that work', () => {
  let lab: Lab
  let place: Workplace
  let console: ConsoleOnLab

  /** Through the virtual address, and to the standby by itself. */
  const targets = (): LoadTargets => {
    const hosts = [lab.topology.vips.edge, lab.node('lb2').data]
    return { http: hosts.map((host) => `${host}:80`), tcp: hosts.map((host) => `${host}:5432`) }
  }
  async function underLoad(act: () => Promise<unknown>): Promise<LoadResult> {
    const load = startLoad(lab, place.home, targets())
    await new Promise((resolve) => setTimeout(resolve, 1000))
    await act().catch(async (thrown: unknown) => {
      await load.stop()
      throw thrown
    })
    return load.stop()
  }
  async function push(
    change: (text: string) => string,
    watchMs: number,
    { nodes = pair, ...more }: Partial<Request> & { nodes?: NodeId[] } = {},
  ): Promise<PushRecord> {
    const files = await Promise.all(nodes.map((node) => fileFor(lab, node, change)))
    const { id } = await console.client.call('push.start', { files, reason: 'lab', watchMs, ...more })
    return ended(console, id)
  }
  const changed = ({ targets: all }: PushRecord): NodeId[] =>
    all.filter(({ trail }) => trail.some(({ phase }) => phase === 'replacing')).map(({ nodeId }) => nodeId)

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    console = await openConsole(place)
  })
  afterAll(async () => {
    await console?.close()
    place?.clear()
    await lab?.restoreAll()
  })

  it('changes the standby first, and loses no more than as many bare reloads', async () => {
    const bare = await underLoad(async () => {
      for (const node of pair) await lab.exec(node, ['sh', '-c', 'kill -USR2 "$(cat /run/haproxy.pid)"; sleep 2'])
    })
    let record: PushRecord | undefined
    const pushed = await underLoad(async () => {
      record = await push((text) => withWeight(text, 50), 3000)
    })
    expect(record).toMatchObject({ state: 'succeeded', said: 'The new configuration is loaded and serves.' })
    expect(record?.waves).toEqual([[['lb2']], [['lb1']]])
    for (const node of pair) {
      expect(await onDisk(lab, node)).toContain('weight 50')
      expect(await faultsOf(lab, node)).toEqual([])
    }
    process.stdout.write(`${lossTable({ 'two bare reloads': bare, 'a push, two reloads': pushed })}\n`)
    for (const kind of loadKinds) expect(pushed[kind].done, kind).toBeGreaterThan(10)
    // A reload closes idle connections; a client that has just sent a request on one loses it. Nothing else is at stake.
    for (const result of [bare, pushed]) {
      expect(result.download.lost + result.websocket.lost + result.tcp.lost).toBe(0)
      for (const kind of ['keep-alive', 'post'] as const) expect(result[kind].lost, kind).toBeLessThanOrEqual(clientsOfAKind)
    }
  }, 120_000)

  it('tells the running daemons instead of reloading them, where the push asks for it and they can be told all of it', async () => {
    const workers = () => Promise.all(pair.map(async (node) => (await lab.exec(node, ['pidof', 'haproxy'])).stdout))
    const server = { pool: 'be_web', server: 'web1' }
    const [before, texts] = [await workers(), await Promise.all(pair.map((node) => onDisk(lab, node)))]
    const weight = weightIn(texts[0] ?? '')

    const nodes = pair.slice(0, 1)
    const [node = ''] = nodes

    const weighed = await push((text) => withWeight(text, 60), 0, { nodes, atRuntime: true })
    const runtime = [{ ...server, weight: 60 }]
    expect(weighed, weighed.said).toMatchObject({ state: 'succeeded', targets: [{ runtime }] })
    expect(await onDisk(lab, node)).toContain('weight 60')
    expect(await toldOf(lab, node)).toEqual({ weight: 60, isOut: false })

    const out = (text: string): string => text.replace(/^( *server web1 .*)$/m, '$1 disabled')
    const disabled = await push(out, 1000, { nodes, atRuntime: true, allowCapacityLoss: true })
    expect(disabled, disabled.said).toMatchObject({
      state: 'succeeded',
      targets: [{ runtime: [{ ...server, state: 'maint' }] }],
    })
    expect(await toldOf(lab, node)).toEqual({ weight: 60, isOut: true })
    for (const { id } of [disabled, weighed]) {
      const { id: back } = await console.client.call('push.rollback', { push: id, reason: 'lab' })
      expect((await ended(console, back)).state).toBe('succeeded')
    }
    expect(await Promise.all(pair.map((each) => onDisk(lab, each)))).toEqual(texts)
    for (const each of pair) expect(await toldOf(lab, each)).toEqual({ weight, isOut: false })
    expect(await workers(), 'no process is new').toEqual(before)

    // a server comes, is asked, and goes again
    const free = lab.topology.backends.at(-1)?.address ?? ''
    const line = `    server web9 ${free}:8000 check inter 500ms weight 20`
    const more = await push((text) => text.replace(/^( *server web1 .*)$/m, `$1\n${line}`), 1000, { nodes, atRuntime: true })
    expect(more, more.said).toMatchObject({
      state: 'succeeded',
      targets: [{ runtime: [{ add: expect.any(String) as string }] }],
    })
    const answering = async (): Promise<string> => (await lab.exec(node, ['sh', '-c', "echo 'show stat' | socat - /run/haproxy/admin.sock | grep '^be_web,web9,' | cut -d, -f18,19"])).stdout // prettier-ignore
    await expect.poll(answering, { timeout: 20_000 }).toMatch(/^UP,20/)
    const fewer = await push((text) => text.replace(`${line}\n`, ''), 1000, { nodes, atRuntime: true, allowCapacityLoss: true })
    expect(fewer, fewer.said).toMatchObject({ state: 'succeeded', targets: [{ runtime: [{ remove: true }] }] })
    expect(await answering()).toBe('')
    expect([await onDisk(lab, node), await workers()]).toEqual([texts[0], before])

    const alsoQueue = (text: string): string => text.replace('timeout connect', 'timeout queue 9s\n    timeout connect')
    const needsReload = expect.stringMatching(/needs a reload for .*haproxy\.cfg:\d+/) as string
    await expect(push((text) => withWeight(alsoQueue(text), 70), 0, { nodes, atRuntime: true })).rejects.toMatchObject({
      reply: { message: needsReload, effect: 'none' },
    })

    const lost = await push(out, 15_000, { nodes, atRuntime: true })
    expect(lost, lost.said).toMatchObject({ state: 'rolled-back' })
    expect(await onDisk(lab, node)).toBe(texts[0])
    expect(await toldOf(lab, node)).toEqual({ weight, isOut: false })
    expect(await faultsOf(lab, node), node).toEqual([])
  }, 180_000)

  it.each<[what: string, change: (text: string) => string, why: RegExp, most: number]>([
    [
      'breaks one backend',
      (text) => text.replace(/(server web1 [0-9.]+):8000/, '$1:9'),
      /^lb2: lb2 serves worse than before\. haproxy be_web: 2 of 3 servers take traffic; before, 3 of 3 did\./,
      1,
    ],
    [
      'leaves a third of the capacity',
      withoutCapacity,
      /^lb2: lb2 serves worse than before\. haproxy be_web: 1 servers are left of 3\./,
      1,
    ],
    [
      'passes the check and cannot start',
      (text) => text.replace(/chroot .*/, 'chroot /no/such/folder'),
      /^lb2: HAProxy on lb2 could not go on with the new configuration and ended/,
      1,
    ],
    [
      'takes a port that another program has, which its check does not see',
      (text) => text.replace(/(\n *)(bind \*:80\n)/, '$1$2$1bind *:22\n'),
      /^lb2: .*22/,
      0,
    ],
  ])(
    'that %s changes one node at most, is taken back by itself, and says why',
    async (_, change, why, most) => {
      const before = await Promise.all(pair.map((node) => onDisk(lab, node)))
      let record: PushRecord | undefined
      const seen = await underLoad(async () => {
        record = await push(change, 15_000)
      })
      process.stdout.write(`${lossTable({ 'taken back': seen })}\n${record?.said ?? ''}\n`)
      expect(record?.said).toMatch(why)
      expect(record?.state).toBe('rolled-back')
      expect(record === undefined ? [] : changed(record)).toEqual(pair.slice(0, most))
      expect(await Promise.all(pair.map((node) => onDisk(lab, node)))).toEqual(before)
      for (const node of pair) expect(await faultsOf(lab, node), node).toEqual([])
    },
    120_000,
  )
})
