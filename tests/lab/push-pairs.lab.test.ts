import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { InputOf, NodeId, PushRecord, RouterId } from '#contract'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { ensureLab, type Lab } from './lab.ts'
import { ended } from './push-exercise.ts'
import { waitUntil } from './run.ts'

const haproxyFile = '/etc/haproxy/haproxy.cfg'
const nginxFile = '/etc/nginx/conf.d/site.conf'
const keepalivedFile = '/etc/keepalived/keepalived.conf'
const [lb1, lb2] = ['lb1', 'lb2'] as NodeId[] as [NodeId, NodeId]
const extra = '198.18.0.99'

type Request = Omit<InputOf<'push.start'>, 'reason'>
type Change = (text: string) => string

const withPriority =
  (priority: number): Change =>
  (text) =>
    text.replace(/^( *priority) .*/m, `$1 ${priority}`)
/** One address more, which the members must have both or neither. */
const withAddress: Change = (text) => text.replace(/^( *)(\S+\/24 dev eth0)$/m, `$1$2\n$1${extra}/24 dev eth0`)

/** lb1 holds the virtual address, lb2 is its standby. */
describeLab('a push to a pair of nginx and keepalived', () => {
  let lab: Lab
  let place: Workplace
  let console: ConsoleOnLab

  const read = async (node: string, file: string): Promise<string> => (await lab.exec(node, ['cat', file])).stdout
  const sh = async (node: string, script: string): Promise<string> => (await lab.exec(node, ['sh', '-c', script])).stdout.trim()
  /** how often keepalived has become master since it was started */
  const masterTurns = async (node: string): Promise<number> =>
    Number(await sh(node, "grep -c 'Entering MASTER STATE' /var/log/keepalived.log"))
  const heldBy = (node: string) =>
    waitUntil(`${node} alone holds the address`, 30_000, async () => (await lab.holders('edge')).join() === node)

  async function requestFor(file: string, changes: Record<string, Change>, more: Partial<Request> = {}): Promise<Request> {
    const files = Object.entries(changes).map(async ([node, change]) => {
      const text = await read(node, file)
      const baseSha256 = createHash('sha256').update(text).digest('hex')
      return { nodeId: node as NodeId, path: file, baseSha256, text: change(text) }
    })
    return { files: await Promise.all(files), ...more }
  }
  const start = async (request: Request): Promise<PushRecord['id']> =>
    (await console.client.call('push.start', { ...request, reason: 'lab' })).id
  const push = async (request: Request): Promise<PushRecord> => ended(console, await start(request))
  const phasesOf = ({ targets }: PushRecord) => Object.fromEntries(targets.map(({ nodeId, phase }) => [nodeId, phase]))

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    place = makeWorkplace()
    const imported = await place.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    console = await openConsole(place)
  })
  afterEach(() => lab.restoreAll())
  afterAll(async () => {
    await console?.close()
    place?.clear()
    await lab?.restoreAll()
  })

  it('loads a good nginx.conf on the standby first, and takes back one whose upstream answers 502', async () => {
    const good: Change = (text) => text.replace('weight=3', 'weight=2').replace('X-Upstream', 'X-Pushed')
    const record = await push(await requestFor(nginxFile, { lb1: good, lb2: good }, { watchMs: 500 }))
    expect(record).toMatchObject({ state: 'succeeded', waves: [[[lb2]], [[lb1]]] })
    for (const node of [lb1, lb2]) {
      const head = await lab.exec('client', ['curl', '-sI', `http://${lab.node(node).data}:8080/`])
      expect(head.stdout, node).toMatch(/^X-Pushed/im)
    }
    const pushed = await read(lb1, nginxFile)
    // nginx says nothing of its servers, and its check takes any address
    const broken: Change = (text) => text.replaceAll(':8000', ':9')
    const back = await push(await requestFor(nginxFile, { lb1: broken, lb2: broken }, { watchMs: 20_000 }))
    expect(back).toMatchObject({ state: 'rolled-back' })
    expect(phasesOf(back)).toEqual({ lb1: 'skipped', lb2: 'restored' })
    expect(back.said).toMatch(
      /127\.0\.0\.1:8080\/(portal\/)? from lb2: it is not answered, or with 5xx; before, it is answered\./,
    )
    expect([await read(lb1, nginxFile), await read(lb2, nginxFile)]).toEqual([pushed, pushed])
  }, 180_000)

  it('that breaks what is behind the virtual address is taken back, as the other member has seen it', async () => {
    const narrow: Change = (text) => text.replace('bind *:80\n', `bind ${lab.node(lb1).data}:80\n`)
    const before = await read(lb1, haproxyFile)
    const record = await push(await requestFor(haproxyFile, { lb1: narrow }, { watchMs: 20_000 }))
    expect(record.said).toContain(
      `http://${lab.topology.vips.edge}:80/ from lb2: nobody takes the connection; before, it is answered.`,
    )
    expect(phasesOf(record)).toEqual({ lb1: 'restored' })
    expect(await read(lb1, haproxyFile)).toBe(before)
  }, 120_000)

  it('that would move the address says so first, and moves it only where that is allowed', async () => {
    const { edge } = lab.topology.vips
    const request = await requestFor(keepalivedFile, { lb1: withPriority(90) }, { watchMs: 6000 })
    const plan = await console.client.call('push.plan', request)
    expect(plan.vipMoves).toMatchObject([{ router: 'VI_EDGE', address: edge, from: lb1, to: lb2 }])
    expect(plan.vipMoves[0]?.text).toBe(`${edge} moves from lb1 to lb2: VI_EDGE has priority 90 on lb1 and 100 on lb2.`)
    await expect(start(request)).rejects.toMatchObject({ message: expect.stringContaining('moves from lb1 to lb2') })
    expect(await lab.holders('edge')).toEqual([lb1])

    expect(await push({ ...request, allowVipMove: true })).toMatchObject({ state: 'succeeded' })
    await heldBy(lb2)
    expect(await read(lb1, keepalivedFile)).toContain('priority 90')
  }, 120_000)

  it('of a priority hands the address over, and takes it back', async () => {
    const router = 'edge/VI_EDGE' as RouterId
    await console.client.call('fleet.refresh', {})
    const before = await read(lb1, keepalivedFile)
    const { files, handover, said } = await console.client.call('vips.planMove', { router })
    expect(handover).toEqual({ router, from: lb1, to: lb2 })
    expect(said).toContain('VI_EDGE gets priority 99 on lb1')
    const request = { files, handover, allowVipMove: true, watchMs: 1000 }
    expect(await push(request)).toMatchObject({ state: 'succeeded', title: 'Move edge/VI_EDGE from lb1 to lb2' })
    expect(await lab.holders('edge'), 'at the end of the push, not some time after it').toEqual([lb2])

    const back = () => console.client.call('vips.moveBack', { router, reason: 'lab' })
    expect(await ended(console, (await back()).id)).toMatchObject({ state: 'succeeded' })
    expect(await lab.holders('edge')).toEqual([lb1])
    expect(await read(lb1, keepalivedFile)).toBe(before)
    await expect(back()).rejects.toMatchObject({ reply: { code: 'job.not-undoable' } })
  }, 120_000)

  it('that changes what members must share is made on both within three adverts, and no second master appears', async () => {
    const alone = await requestFor(keepalivedFile, { lb1: withAddress }, { watchMs: 6000 })
    await expect(start(alone)).rejects.toMatchObject({ message: expect.stringContaining('Push both.') })
    const turns = await masterTurns(lb2)
    const record = await push(await requestFor(keepalivedFile, { lb1: withAddress, lb2: withAddress }, { watchMs: 6000 }))
    expect(record).toMatchObject({ state: 'succeeded', waves: [[[lb1, lb2]]] })
    expect(await sh(lb1, 'ip -4 -o addr show dev eth0')).toContain(extra)
    expect(await lab.holders('edge')).toEqual([lb1])
    expect(await masterTurns(lb2), 'lb2 never became master').toBe(turns)

    // by hand on one of them, for comparison
    await sh(lb1, `sed -i '/${extra}/d' ${keepalivedFile} && kill -HUP "$(cat /run/keepalived.pid)"`)
    await waitUntil('both are masters', 30_000, async () => (await lab.holders('edge')).length === 2)
  }, 120_000)

  it('is put back on both by their guards when the console is cut off, and no second master appears', async () => {
    const before = await Promise.all([lb1, lb2].map((node) => read(node, keepalivedFile)))
    const turns = await masterTurns(lb2)
    const request = await requestFor(keepalivedFile, { lb1: withAddress, lb2: withAddress })
    const id = await start({ ...request, watchMs: 4000, guardMs: 19_000 })
    await waitUntil('both are watched', 30_000, async () => {
      const { targets } = await console.client.call('push.get', { push: id })
      return targets.every(({ phase }) => phase === 'watching')
    })
    for (const node of [lb1, lb2]) await lab.cutCable(node, 'management')
    expect(await read(lb1, keepalivedFile)).toContain(extra)
    for (const node of [lb1, lb2]) {
      await waitUntil(
        `the guard on ${node} has acted`,
        60_000,
        async () => (await sh(node, 'cat /var/lib/evenkeel/keepalived/done')) === '0',
      )
    }
    expect(await Promise.all([lb1, lb2].map((node) => read(node, keepalivedFile)))).toEqual(before)
    // longer than three adverts, after which a member that differed would have become master
    await sh(lb2, 'sleep 4')
    expect(await lab.holders('edge')).toEqual([lb1])
    expect(await masterTurns(lb2), 'lb2 never became master').toBe(turns)
    for (const node of [lb1, lb2]) await lab.healCable(node, 'management')
    expect((await ended(console, id)).state).not.toBe('succeeded')
  }, 180_000)
})
