import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId, PushRecord } from '#contract'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { CallContext } from '../../src-main/app/handlers-type.ts'
import { compose, type Console } from '../../src-main/compose.ts'
import { exhaustive } from '../exhaustive.ts'
import { silentLog } from './silent-log.ts'

const context: CallContext = {
  signal: new AbortController().signal,
  caller: { user: 'mk@desk', shell: 'browser' },
  connection: 'test',
  requestId: null,
}
const nodes = ['lb-t1', 'lb-t2'] as NodeId[]

/** What a newcomer tries: pushes to a pair of the practice fleet, through the console's own handlers. */
describe.skipIf(process.platform !== 'linux')('pushing to the practice fleet', () => {
  let folder: string
  let console: Console

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'evenkeel-practice-push-'))
    console = await compose({ dataFolder: join(folder, 'data'), shell: 'browser', env: {}, home: folder, log: silentLog })
    await console.start()
    await console.handlers['host.watch']({ visible: true }, context)
    await console.handlers['practice.open']({}, context)
    await vi.waitFor(
      async () => {
        const { servers, routers } = await console.handlers['fleet.snapshot']({}, context)
        expect(routers.some(({ verdict, holders }) => verdict === 'held' && holders.some((id) => id === nodes[0]))).toBe(true)
        expect(servers.filter(({ state }) => state !== 'up' && state !== 'unchecked')).toEqual([])
      },
      { timeout: 80_000, interval: 250 },
    )
  }, 100_000)
  afterAll(async () => {
    await console?.stop()
    await rm(folder, { recursive: true })
  })

  const fetched = async (node: NodeId) => (await console.handlers['config.fetch']({ node, secrets: false }, context)).files
  async function filesOf(path: string, edit: (text: string) => string) {
    return Promise.all(
      nodes.map(async (nodeId) => {
        const { sha256, text } = (await fetched(nodeId)).find((file) => file.path === path) ?? expect.fail(`no ${path}`)
        const baseText = text ?? expect.fail(`${path} cannot be read`)
        return { nodeId, path, baseSha256: sha256 ?? '', baseText, text: edit(baseText), encoding: 'utf-8' as const }
      }),
    )
  }
  const hashes = async (path: string) =>
    Promise.all(nodes.map(async (nodeId) => (await fetched(nodeId)).find((file) => file.path === path)?.sha256 ?? null))

  async function ended({ id }: Pick<PushRecord, 'id'>): Promise<PushRecord> {
    let push: PushRecord | undefined
    await vi.waitFor(
      async () => {
        push = await console.handlers['push.get']({ push: id }, context)
        expect(push.endedAt).not.toBeNull()
      },
      { timeout: 120_000, interval: 200 },
    )
    return push ?? expect.fail('no push')
  }
  const wanted = {
    ...{ waveSize: 1, budget: 0, watchMs: 500, allowCapacityLoss: false, allowVipMove: false, atRuntime: false },
    reason: 'practice',
  }

  it.each(
    [
      ['haproxy', '/etc/haproxy/haproxy.cfg', 'timeout connect 2s', 'timeout connect 3s', 'timeout conect 3s'],
      [
        'nginx',
        '/etc/nginx/conf.d/portal.conf',
        'proxy_connect_timeout 2s',
        'proxy_connect_timeout 3s',
        'proxy_conect_timeout 3s',
      ],
      ['keepalived', '/etc/keepalived/keepalived.conf', 'weight -60', 'weight -70', 'wieght -70'],
    ].slice(0, exhaustive ? 3 : 1),
  )(
    '%s takes what is good and gives it back, and refuses what is not',
    async (kind, path, from, to, wrong) => {
      const before = await hashes(path)
      const good = await filesOf(path, (text) => text.replace(from, to))
      const push = await ended(await console.handlers['push.start']({ ...wanted, files: good }, context))
      expect([push.state, push.said, push.targets.map(({ phase }) => phase)]).toEqual([
        'succeeded',
        push.said,
        ['done', 'done'],
      ])
      expect(push.waves.flat(), 'the standby first').toEqual([['lb-t2'], ['lb-t1']])
      expect(await hashes(path)).toEqual(push.targets.map(({ files }) => files[0]?.after))
      const back = await console.handlers['push.rollback']({ push: push.id, reason: 'enough' }, context)
      expect(await ended(back)).toMatchObject({ state: 'succeeded', undoes: push.id })
      expect(await hashes(path)).toEqual(before)

      const bad = await filesOf(path, (text) => text.replace(from, wrong))
      const refused = await ended(await console.handlers['push.start']({ ...wanted, files: bad }, context))
      expect(refused.state).toBe('rolled-back')
      expect(refused.said).toMatch(`${kind} on lb-t2 does not accept it`)
      expect(refused.said).toMatch(wrong.split(' ')[0] ?? '')
      expect(await hashes(path)).toEqual(before)
      expect(await console.handlers['push.standing']({ nodes }, context)).toEqual([])
    },
    300_000,
  )

  it('what breaks a pool is taken back, with the figure; only the standby had it', async () => {
    const path = '/etc/haproxy/haproxy.cfg'
    const before = await hashes(path)
    const files = await filesOf(path, (text) => text.replaceAll('http-check expect status 200', 'http-check expect status 204'))
    const push = await ended(await console.handlers['push.start']({ ...wanted, watchMs: 30_000, files }, context))
    expect(push.state).toBe('rolled-back')
    expect(push.said).toMatch(/lb-t2 serves worse than before/)
    expect(push.targets.map(({ nodeId, phase }) => [nodeId, phase])).toEqual([
      ['lb-t1', 'skipped'],
      ['lb-t2', 'restored'],
    ])
    expect(await hashes(path)).toEqual(before)
  }, 200_000)

  it('a rollback takes a new file away again', async () => {
    const path = '/etc/nginx/conf.d/status.conf'
    const text = 'server {\n    listen 127.0.0.1:8199;\n    return 200 well;\n}\n'
    const files = nodes.map((nodeId) => ({
      nodeId,
      path,
      kind: 'nginx' as const,
      baseSha256: '',
      text,
      encoding: 'utf-8' as const,
    }))
    const push = await ended(await console.handlers['push.start']({ ...wanted, files }, context))
    expect([push.state, push.said]).toEqual(['succeeded', push.said])
    expect(await hashes(path)).toEqual(push.targets.map(({ files: [file] }) => file?.after))
    const back = await ended(await console.handlers['push.rollback']({ push: push.id, reason: 'enough' }, context))
    expect([back.state, back.said]).toEqual(['succeeded', back.said])
    expect(await hashes(path)).toEqual([null, null])
  }, 200_000)
})
