import { describe, expect, it } from 'vitest'
import type { ConfigVersion, HistoryEntry, NodeId, PairId, PushRecord, PushRequest } from '#contract'
import { createConfigVersions, sha256Of } from '../../../../src-main/app/config-versions.ts'
import { createJobRunner, type JobRunner } from '../../../../src-main/app/jobs/job-runner.ts'
import type { ServicesOf } from '../../../../src-main/app/pushes/parties.ts'
import { createPushJob } from '../../../../src-main/app/pushes/push-job.ts'
import { createPushPlanner } from '../../../../src-main/app/pushes/push-planner.ts'
import { createPushService, type PushService } from '../../../../src-main/app/pushes/push-service.ts'
import { createVault } from '../../../../src-main/app/vault.ts'
import { createFolderCipher } from '../../../../src-main/vault/folder-cipher.ts'
import { tempStore } from '../../store/temp-store.ts'
import { silentLog, testClock, type TestClock } from '../fakes.ts'
import { fakeNode, path, type FakeNode, type Point } from './fake-node.ts'

const old = fakeNode('x').file
const good = `${old}  # one more word\n`
const never = new AbortController().signal
const by = { author: 'mk (cli)', reason: 'because' }

interface Site {
  nodes: FakeNode[]
  pushes: PushService
  clock: TestClock
  /** the same data folder in another process; the one before is dead */
  again(): PushService
  /** the process ends as it should */
  quit(): Promise<void>
  /** as when a node can be reached again */
  resume(): void
  request(text: string, more?: Partial<PushRequest>): PushRequest
  versions(nodeId: NodeId): ConfigVersion[]
  /** what the history says of this kind */
  told(kind: HistoryEntry['kind']): HistoryEntry[]
  ended(id: PushRecord['id'], service?: PushService): Promise<PushRecord>
}

function setUp({ impact = 'reload' as 'reload' | 'both-members' } = {}): Site {
  const { store, folder } = tempStore()
  const clock = testClock()
  const nodes = [fakeNode('lb1', { holdsVip: true }), fakeNode('lb2')]
  const servicesOf: ServicesOf = async (nodeId) => {
    const node = nodes.find(({ id }) => id === nodeId)
    if (node === undefined) throw new Error(`no ${nodeId}`)
    return node
  }
  let runner: JobRunner
  function open(): PushService {
    const cipher = createFolderCipher(folder, {}, { inUse: [] })
    const vault = createVault({ cipher, repo: store.secrets, clock })
    const versions = createConfigVersions({ repo: store.versions, vault, isDriver: () => true, clock, log: silentLog })
    const job = createPushJob({
      servicesOf,
      versions,
      clock,
      vantagesFor: () => [],
      onPhase: (...args) => service.onPhase(...args),
      onHealth: (...args) => service.onHealth(...args),
      mayBegin: (...args) => service.mayBegin(...args),
      isStopped: (id) => service.isStopped(id),
    })
    const jobs = createJobRunner({
      repo: store.jobs,
      definitions: [job],
      history: store.history,
      clock,
      log: silentLog,
      onChange: (view) => service.noteJob(view),
    })
    runner = jobs
    const at = { before: null, after: null }
    const change = {
      kind: 'keepalived',
      what: 'router.auth',
      subject: 'VI',
      before: null,
      after: null,
      at,
      perNode: false,
    } as const
    const config = { diff: () => ({ changes: [{ ...change, impact }], files: [] }) }
    const pairOf = () => ({ id: 'edge' as PairId, nodes: nodes.map(({ id }) => id) })
    const planPush = createPushPlanner({ servicesOf, versions, config, pairOf })
    const repo = store.pushes
    const { history } = store
    const parts = {
      repo,
      planPush,
      servicesOf,
      versions,
      jobs: () => jobs,
      history,
      clock,
      log: silentLog,
      publish: () => undefined,
    }
    const service: PushService = createPushService(parts)
    jobs.resumeAll()
    service.takeUp()
    return service
  }
  const pushes = open()
  return {
    nodes,
    pushes,
    clock,
    again: open,
    quit: () => runner.shutdown('host-shutdown'),
    resume: () => runner.resumeAll(),
    versions: (nodeId) => store.versions.list({ node: nodeId, limit: 100 }),
    told: (kind) => store.history.list({ limit: 100, kinds: [kind] }),
    request: (text, more) => ({
      files: nodes.map(({ id }) => ({ nodeId: id, path, baseSha256: sha256Of(Buffer.from(old)), text, encoding: 'utf-8' })),
      waveSize: 4,
      budget: 0,
      watchMs: 5000,
      allowCapacityLoss: false,
      allowVipMove: false,
      atRuntime: false,
      ...more,
    }),
    async ended(id, service = pushes) {
      for (let turn = 0; turn < 300 && service.get(id).endedAt === null; turn += 1) await clock.advance(500)
      return service.get(id)
    },
  }
}

const start = async ({ pushes, request, clock }: Site, text: string, more?: Partial<PushRequest>): Promise<PushRecord> => {
  const push = await pushes.start(request(text, more), by, never)
  await clock.advance(0)
  return push
}
const filesOf = ({ nodes }: Site): string[] => nodes.map(({ file }) => file)
const touched = ({ nodes }: Site): NodeId[] => nodes.filter(({ done }) => done.includes('replace')).map(({ id }) => id)

describe('a push', () => {
  it('changes the standby first, then who holds the address, and keeps what was and what is', async () => {
    const site = setUp()
    const plan = await site.pushes.plan(site.request(good), never)
    expect(plan.waves).toEqual([[['lb2']], [['lb1']]])
    expect(plan.targets.map(({ nodeId, commands }) => [nodeId, commands.length])).toEqual([
      ['lb1', 1],
      ['lb2', 1],
    ])
    const { id } = await start(site, good)
    expect(await site.ended(id)).toMatchObject({ state: 'succeeded', targets: [{ phase: 'done' }, { phase: 'done' }] })
    expect(filesOf(site)).toEqual([good, good])
    expect(site.nodes.map(({ guard }) => guard)).toEqual([null, null])
    await expect(site.pushes.start(site.request(good), by, never), 'of a file that says so already').rejects.toThrow(
      'Nothing to push',
    )
    const back = await site.pushes.rollback(id, undefined, by, never)
    expect(await site.ended(back.id)).toMatchObject({ state: 'succeeded', undoes: id })
    expect(filesOf(site)).toEqual([old, old])
  })

  it.each([
    ['is refused by the daemon', `${old}refuse`, [], 'config.check', /does not accept it.*unknown keyword/],
    ['passes the check and cannot start', `${old}no-start`, ['lb2'], 'reload', /cannot bind\. What was there before is back/],
    ['breaks a backend', `${old}broken`, ['lb2'], 'servers', /1 of 2 servers take traffic; before, 2 of 2 did/],
  ])('that %s touches one node at most, puts it back and says why', async (_, text, nodes, _metric, why) => {
    const site = setUp()
    const { id } = await start(site, text)
    const push = await site.ended(id)
    expect(push.state).toBe('rolled-back')
    expect(push.said).toMatch(why)
    expect(touched(site)).toEqual(nodes)
    expect(filesOf(site)).toEqual([old, old])
    expect(site.nodes.map(({ loaded, guard }) => [loaded, guard])).toEqual([
      [old, null],
      [old, null],
    ])
    expect(push.targets.find(({ nodeId }) => nodeId === 'lb1')?.phase).toBe(nodes.length === 0 ? 'failed' : 'skipped')
  })

  it('that the last daemon refuses changes none of the first, unless so many may fail', async () => {
    const site = setUp()
    const request = site.request(good)
    const files = request.files.map((file) => (file.nodeId === 'lb1' ? { ...file, text: `${old}refuse` } : file))
    const { id } = await site.pushes.start({ ...request, files }, by, never)
    const push = await site.ended(id)
    expect(push.said).toMatch(/^lb1: .*unknown keyword.*What was there before is in force on every node/)
    expect(push.targets.map(({ nodeId, phase }) => [nodeId, phase])).toEqual([['lb1', 'failed'], ['lb2', 'skipped']]) // prettier-ignore
    expect(touched(site)).toEqual([])
    const lenient = await site.pushes.start({ ...request, files, budget: 1 }, by, never)
    expect(await site.ended(lenient.id)).toMatchObject({ state: 'failed', targets: [{ phase: 'failed' }, { phase: 'done' }] })
    expect(touched(site)).toEqual(['lb2'])
  })

  it('of what one member must not have alone changes both at once, or neither', async () => {
    const site = setUp({ impact: 'both-members' })
    expect((await site.pushes.plan(site.request(good), never)).waves).toEqual([[['lb1', 'lb2']]])
    const [one] = site.request(good).files
    const alone = await site.pushes.plan({ ...site.request(good), files: one === undefined ? [] : [one] }, never)
    expect(alone.refusals).toMatchObject([expect.stringContaining('both members')])
    const { id } = await start(site, good)
    expect(await site.ended(id)).toMatchObject({ state: 'succeeded' })
    expect(filesOf(site)).toEqual([good, good])

    const odd = setUp({ impact: 'both-members' })
    const request = odd.request(good)
    const files = request.files.map((file) => (file.nodeId === 'lb2' ? { ...file, text: `${old}odd` } : file))
    const push = await odd.ended((await start(odd, good, { files })).id)
    expect(push.said).toContain('haproxy on lb2 does not take it where it lies. What was there before is back.')
    expect(odd.nodes[0]?.done, 'the other daemon was never told').not.toContain('reload')
    expect(filesOf(odd)).toEqual([old, old])
    expect(odd.nodes.map(({ guard }) => guard)).toEqual([null, null])
  })

  it('is judged by two readings at least, however slow they are', async () => {
    const site = setUp()
    const { id } = await start(site, `${old}broken`, { watchMs: 1000 })
    expect(await site.ended(id)).toMatchObject({
      state: 'rolled-back',
      said: expect.stringContaining('serves worse') as string,
    })
    expect(filesOf(site)).toEqual([old, old])
  })

  it('is in the history when it begins and when it ends, and its phases and figures in its record', async () => {
    const site = setUp()
    const { id } = await start(site, good)
    const push = await site.ended(id)
    const [lb1] = push.targets
    expect(lb1?.trail.map(({ phase }) => phase).join(' ')).toBe(
      'checking waiting checking arming replacing reloading watching confirming done',
    )
    const ats = lb1?.trail.map(({ at }) => at) ?? []
    expect(ats).toEqual([...ats].sort((a, b) => a - b))
    const health = { serving: 2, servers: 2, queue: 0, requestRate: 0, errorRate: 0 }
    expect(lb1?.health).toEqual({ before: health, now: health })
    expect(site.told('push.started')).toMatchObject([{ subject: id, data: { reason: 'because', nodes: ['lb1', 'lb2'] } }])
    expect(site.told('push.ended')).toMatchObject([{ subject: id, data: { state: 'succeeded', said: push.said } }])
  })

  it('takes back the nodes that were done when a later one fails, but not within the budget', async () => {
    for (const [budget, state, files] of [
      [0, 'rolled-back', [old, old]],
      [1, 'failed', [old, good]],
    ] as const) {
      const site = setUp()
      const { id } = await start(site, good, { budget })
      const [lb1] = site.nodes
      if (lb1 === undefined) throw new Error('no lb1')
      lb1.file = `${old}# somebody else\n`
      const push = await site.ended(id)
      expect(push.state).toBe(state)
      expect(filesOf(site)).toEqual([`${old}# somebody else\n`, files[1]])
      expect(push.targets.find(({ nodeId }) => nodeId === 'lb2')?.phase).toBe(budget === 0 ? 'restored' : 'done')
    }
  })

  it('stops at a word: what is under way goes back, what was not begun is left alone', async () => {
    const site = setUp()
    const { id } = await start(site, good)
    for (let turn = 0; turn < 20 && site.nodes[1]?.loaded !== good; turn += 1) await site.clock.advance(500)
    site.pushes.stop(id)
    expect(await site.ended(id)).toMatchObject({ state: 'rolled-back' })
    expect(filesOf(site)).toEqual([old, old])
  })

  it.each<[Point, string]>([
    ['check', old],
    ['arm', old],
    ['replace', old],
    ['reload', old],
    ['observe', old],
    ['confirm', old],
  ])('that was killed at "%s" leaves the node whole: another process puts it back and begins nothing', async (point, file) => {
    const site = setUp()
    const [, lb2] = site.nodes
    if (lb2 === undefined) throw new Error('no lb2')
    lb2.hangAt = point
    const { id } = await start(site, good)
    for (let turn = 0; turn < 40 && !lb2.done.includes(point); turn += 1) await site.clock.advance(500)
    expect(lb2.done).toContain(point)
    lb2.hangAt = null
    const other = site.again()
    const push = await site.ended(id, other)
    expect(push.state).toBe('interrupted')
    expect([lb2.file, lb2.loaded, lb2.guard]).toEqual([file, file, null])
    expect(site.nodes[0]?.done).not.toContain('arm')
  })

  it('that was killed while it took back a node that was done says that this one has the new configuration', async () => {
    const site = setUp()
    const [lb1, lb2] = site.nodes
    if (lb1 === undefined || lb2 === undefined) throw new Error('no nodes')
    const { id } = await start(site, good)
    for (let turn = 0; turn < 40 && !lb2.done.includes('confirm'); turn += 1) await site.clock.advance(500)
    lb1.file = `${old}# somebody else\n`
    lb2.done.length = 0
    lb2.hangAt = 'reload'
    for (let turn = 0; turn < 40 && !lb2.done.includes('reload'); turn += 1) await site.clock.advance(500)
    expect([lb2.file, lb2.done]).toEqual([old, expect.arrayContaining(['reload'])])
    lb2.hangAt = null
    const push = await site.ended(id, site.again())
    expect(push).toMatchObject({ state: 'interrupted', said: expect.stringContaining('lb2 has the new') as string })
    expect(push.targets.map(({ phase }) => phase)).toEqual(['failed', 'done'])
    expect([lb2.file, lb2.loaded, lb2.guard]).toEqual([good, good, null])
  })

  it('whose node was cut off ends, says that it does not know, and tells it when the node can be asked', async () => {
    const site = setUp()
    const [, lb2] = site.nodes
    if (lb2 === undefined) throw new Error('no lb2')
    const { id } = await start(site, good)
    for (let turn = 0; turn < 40 && lb2.loaded !== good; turn += 1) await site.clock.advance(500)
    lb2.cut = true
    const push = await site.ended(id)
    expect(push).toMatchObject({ state: 'failed', said: expect.stringContaining('lb2 cannot be asked now') as string })
    expect(push.targets.map(({ phase }) => phase)).toEqual(['skipped', 'failed'])
    lb2.cut = false
    site.resume()
    await site.clock.advance(500)
    expect(site.pushes.get(id).targets.map(({ phase }) => phase)).toEqual(['skipped', 'restored'])
    expect([lb2.file, lb2.loaded, lb2.guard]).toEqual([old, old, null])
  })

  it('of a console that quits in the midst of it is ended by the next one', async () => {
    const site = setUp()
    const { id } = await start(site, good)
    for (let turn = 0; turn < 40 && site.nodes[1]?.loaded !== good; turn += 1) await site.clock.advance(500)
    const gone = site.quit()
    for (let turn = 0; turn < 20; turn += 1) await site.clock.advance(500)
    await gone
    expect(site.pushes.get(id)).toMatchObject({ state: 'running', endedAt: null })
    expect(await site.ended(id, site.again())).toMatchObject({ state: 'interrupted' })
    expect(filesOf(site)).toEqual([old, old])
  })

  it('merges with what changed on the node meanwhile, and refuses what cannot be merged', async () => {
    const site = setUp()
    await site.pushes.plan(site.request(good), never) // the base is known from here on
    for (const node of site.nodes) node.file = `# a note\n${old}`
    const plan = await site.pushes.plan(site.request(good), never)
    expect(plan.targets.map(({ merged }) => merged)).toEqual([true, true])
    const { id } = await start(site, good)
    await site.ended(id)
    expect(filesOf(site)).toEqual([`# a note\n${good}`, `# a note\n${good}`])
    await expect(site.pushes.plan(site.request(`other\n${old}`), never)).rejects.toMatchObject({
      code: 'config.changed-on-node',
    })
  })

  it('puts back a kept version of a file, byte for byte', async () => {
    const site = setUp()
    const { id } = await start(site, good)
    await site.ended(id)
    const [lb1] = site.nodes
    if (lb1 === undefined) throw new Error('no lb1')
    const first = site.versions(lb1.id).find(({ sha256 }) => sha256 === sha256Of(Buffer.from(old)))
    if (first === undefined) throw new Error('the first version was not kept')
    const file = { nodeId: lb1.id, path, baseSha256: sha256Of(Buffer.from(good)), text: '', encoding: 'utf-8' as const }
    const back = await start(site, '', { files: [{ ...file, version: first.id }] })
    expect((await site.ended(back.id)).state).toBe('succeeded')
    expect(filesOf(site)).toEqual([old, good])
  })

  it('of another console is seen on the nodes, and is ended from here', async () => {
    const site = setUp()
    const [, lb2] = site.nodes
    if (lb2 === undefined) throw new Error('no lb2')
    const { id } = await start(site, good)
    for (let turn = 0; turn < 20 && lb2.loaded !== good; turn += 1) await site.clock.advance(500)
    const other = setUp()
    other.nodes.splice(0, 2, ...site.nodes)
    const [guard] = await other.pushes.standing([lb2.id], never)
    expect(guard).toMatchObject({ nodeId: 'lb2', owner: 'mk (cli)', reason: 'because', state: 'armed', push: null })
    expect(await site.pushes.standing([lb2.id], never)).toMatchObject([{ push: id }])
    const mine = await start(other, `${old}# mine\n`, {
      files: [{ nodeId: lb2.id, path, baseSha256: sha256Of(Buffer.from(good)), text: old, encoding: 'utf-8' }],
    })
    expect((await other.ended(mine.id)).said).toMatch(/being changed by mk \(cli\)/)
    await other.pushes.settle({ nodeId: lb2.id, kind: 'haproxy', id: guard?.id ?? '' }, 'restore', 'ab (desktop)', never)
    expect([lb2.file, lb2.guard]).toEqual([old, null])
    expect(other.told('push.settled')).toMatchObject([
      { nodeId: 'lb2', subject: guard?.id, data: { owner: 'mk (cli)', how: 'restore', by: 'ab (desktop)' } },
    ])
  })
})
