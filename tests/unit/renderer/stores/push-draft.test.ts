// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia'
import { createApp } from 'vue'
import { beforeEach, describe, expect, it } from 'vitest'
import type { NodeId, PushId, PushPhase, PushRecord } from '#contract'
import { CallError } from '../../../../src-renderer/bridge/call-error.ts'
import { clientKey, type Client } from '../../../../src-renderer/bridge/client.ts'
import { useDraftsStore } from '../../../../src-renderer/stores/drafts.ts'
import { usePushDraftStore, type PushInput } from '../../../../src-renderer/stores/push-draft.ts'
import { usePushesStore } from '../../../../src-renderer/stores/pushes.ts'

const [lb1, lb2] = ['lb1', 'lb2'] as [NodeId, NodeId]
const path = '/a.cfg'
const request: PushInput = {
  files: [lb1, lb2].map((nodeId) => ({ nodeId, path, baseSha256: 'a'.repeat(64), baseText: 'one\n', text: 'two\n' })),
}
const record = (state: PushRecord['state'], phases: [PushPhase, PushPhase], id = 'p1'): PushRecord => ({
  ...{ id: id as PushId, title: '', author: 'mk', reason: 'why', createdAt: 1, endedAt: state === 'running' ? null : 2 },
  ...{ state, said: '', waves: [[[lb1], [lb2]]], budget: 1, watchMs: 0, guardMs: 0, undoes: null },
  ...{ allowCapacityLoss: false, allowVipMove: false, handover: null },
  targets: [lb1, lb2].map((nodeId, index) => ({
    ...{ nodeId, kind: 'haproxy' as const, files: [{ path, before: '', after: '' }], phase: phases[index] ?? 'waiting' },
    ...{ said: '', jobId: null, undoJobId: null, trail: [], health: null, runtime: null },
  })),
})
const plan = { title: '', waves: [], targets: [{}], vipMoves: [], unchanged: [], refusals: [] }
const settled = () => new Promise((done) => setTimeout(done))

describe('a push in the window', () => {
  let calls: [string, unknown][]
  let answers: Record<string, (input: never) => unknown>
  let tell: (push: PushRecord) => void

  beforeEach(() => {
    calls = []
    answers = {
      'push.plan': () => plan,
      'push.check': () => [],
      'push.start': () => record('running', ['waiting', 'waiting']),
      'push.standing': () => [],
      'config.fetch': ({ node }: { node: NodeId }) => ({ nodeId: node, at: 1, files: [], findings: [], failures: [] }),
    }
    const client = {
      call: async (name: string, input: unknown) => {
        calls.push([name, input])
        return (answers[name] ?? (() => ({})))(input as never)
      },
      on: (name: string, listener: typeof tell) => {
        if (name === 'push.changed') tell = listener
        return () => undefined
      },
      onLink: () => () => undefined,
    } as unknown as Client
    const pinia = createPinia()
    createApp({}).provide(clientKey, client).use(pinia)
    setActivePinia(pinia)
    usePushesStore().follow()
  })
  const asked = (name: string) => calls.filter(([each]) => each === name).map(([, input]) => input)
  const write = (nodeId: NodeId, text: string) =>
    useDraftsStore().write({ nodeId, path, kind: 'haproxy', sha256: 'a'.repeat(64), text: 'one\n' }, text)
  const draftNodes = () => useDraftsStore().list.map(({ nodeId }) => nodeId)

  it('the daemons are asked once there is a plan, and only the newest question is answered', async () => {
    const draft = usePushDraftStore()
    draft.open(request.files)
    const first = draft.replan(request)
    const second = draft.replan({ ...request, waveSize: 1 })
    await Promise.all([first, second])
    expect(draft.plan).toEqual(plan)
    expect(draft.checks).toEqual([])
    expect(asked('push.check')).toEqual([{ ...request, waveSize: 1 }])
  })

  it('where nothing would change no daemon is asked, and a refusal is told', async () => {
    const draft = usePushDraftStore()
    draft.open(request.files)
    answers['push.plan'] = () => ({ ...plan, targets: [] })
    await draft.replan(request)
    expect(asked('push.check')).toEqual([])
    answers['push.plan'] = () => {
      throw new CallError({ code: 'config.changed-on-node', message: 'It was changed.', effect: 'none', details: {} })
    }
    await draft.replan(request)
    expect([draft.plan, draft.planError?.code, draft.planning]).toEqual([null, 'config.changed-on-node', false])
  })

  it('drafts that have come to their nodes are none any more, but for what was typed since and what was taken back', async () => {
    const draft = usePushDraftStore()
    for (const node of [lb1, lb2]) write(node, 'two\n')
    await draft.start(request, 'why')
    expect(draft.shown?.state).toBe('running')
    tell(record('failed', ['done', 'restored']))
    await settled()
    expect(draftNodes()).toEqual([lb2])
    expect(asked('draft.discard')).toEqual([{ nodeId: lb1, path }])
    expect(asked('config.fetch')).toEqual([{ node: lb1 }, { node: lb2 }])
    expect(useDraftsStore().discarded).toBeNull()

    write(lb1, 'two\n')
    answers['push.start'] = () => record('running', ['waiting', 'waiting'], 'p2')
    await draft.start(request, 'why')
    write(lb1, 'three\n')
    tell(record('succeeded', ['done', 'done'], 'p2'))
    await settled()
    expect(draftNodes()).toEqual([lb1])
  })

  it('an event that overtakes the answer to its start counts', async () => {
    const draft = usePushDraftStore()
    answers['push.start'] = () => {
      tell(record('succeeded', ['done', 'done']))
      return record('running', ['waiting', 'waiting'])
    }
    await draft.start(request, 'why')
    expect(draft.shown?.state).toBe('succeeded')
  })

  it('what pushes have left is read node by node, and what is under way here is not left', async () => {
    const pushes = usePushesStore()
    const guard = { nodeId: lb1, kind: 'haproxy', id: 'g1', push: null }
    answers['push.standing'] = ({ nodes: [node] }: { nodes: NodeId[] }) => {
      if (node === lb2) throw new Error('unreachable')
      return [guard, { ...guard, id: 'g2', push: 'p1' }]
    }
    await pushes.look([lb1, lb2])
    expect(pushes.left.map(({ id }) => id)).toEqual(['g1'])
    answers['push.standing'] = () => []
    await pushes.settle(pushes.left[0] as never, 'restore')
    expect(asked('push.settle')).toEqual([{ node: lb1, kind: 'haproxy', id: 'g1', how: 'restore' }])
    expect(pushes.left).toEqual([])
  })
})
