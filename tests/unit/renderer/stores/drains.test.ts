// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia'
import { createApp } from 'vue'
import { describe, expect, it, vi } from 'vitest'
import type { DrainId, DrainPlan, DrainView, ServerId } from '#contract'
import { clientKey, type Client } from '../../../../src-renderer/bridge/client.ts'
import { useDrainDraftStore } from '../../../../src-renderer/stores/drain-draft.ts'
import { placeKey, useDrainsStore } from '../../../../src-renderer/stores/drains.ts'
import { drain, left, place, startedAt } from '../drains/drain-samples.ts'

interface Call {
  name: string
  input: unknown
  answer: (value: unknown) => void
  fail: (error: Error) => void
}

function rig() {
  const calls: Call[] = []
  let tell: (view: DrainView) => void = () => undefined
  let link: (state: 'open' | 'lost') => void = () => undefined
  const client = {
    call: (name: string, input: unknown) =>
      new Promise((answer, fail) => calls.push({ name, input, answer, fail: (error) => fail(error) })),
    on: (_name: string, listener: (view: DrainView) => void) => {
      tell = listener
      return () => undefined
    },
    onLink: (listener: (state: 'open' | 'lost') => void) => {
      link = listener
      return () => undefined
    },
  } as unknown as Client
  const pinia = createPinia()
  createApp({}).provide(clientKey, client).use(pinia)
  setActivePinia(pinia)
  return { calls, drains: useDrainsStore(), tell: (view: DrainView) => tell(view), open: () => link('open') }
}
const web1 = 'edge/haproxy/web/web1'
const settle = () => new Promise((done) => setTimeout(done))
const id = (name: string) => name as DrainId

describe('drains', () => {
  it('what changed while the list was on its way is not overwritten by the list', async () => {
    const { calls, drains, tell, open } = rig()
    drains.follow()
    open()
    expect(drains.loaded).toBe(false)
    tell(drain('d1', { state: 'empty' }))
    calls[0]?.answer([drain('d1'), drain('d0', { createdAt: startedAt - 5, endedAt: startedAt })])
    await settle()
    expect(drains.loaded).toBe(true)
    expect(drains.byId.get(id('d1'))?.state).toBe('empty')
    expect(drains.newestFirst.map((one) => one.id)).toEqual(['d1', 'd0'])
    expect(drains.open.map((one) => one.id)).toEqual(['d1'])
  })

  it('knows the drain that keeps a server out, until that place is restored or gone', () => {
    const { drains, tell } = rig()
    drains.follow()
    tell(drain('d1'))
    expect(drains.openByServer.get(web1 as ServerId)?.id).toBe('d1')
    tell(drain('d1', { places: [place(web1, 'lb1', { phase: 'restored' }), place(web1, 'lb2', { phase: 'gone' })] }))
    expect(drains.openByServer.size).toBe(0)
  })

  it('keeps a point per reading for the falling line, old workers included, and no reading twice', () => {
    const { drains, tell } = rig()
    drains.follow()
    const reading = (at: number, sessions: number, oldSessions: number | null) =>
      tell(drain('d1', { places: [place(web1, 'lb1', { left: left(sessions, { at, oldSessions }) })] }))
    reading(1, 5, 2)
    reading(1, 5, 2)
    reading(2, 4, 0)
    reading(3, 4, null)
    const key = placeKey({ nodeId: 'lb1' as never, serverId: web1 as never })
    expect(drains.trailOf(id('d1')).get(key)).toEqual([
      { at: 1, value: 7 },
      { at: 2, value: 4 },
      { at: 3, value: null },
    ])
  })

  it('says whose button failed', async () => {
    const { calls, drains } = rig()
    const done = drains.steer('hold', id('d1'))
    expect([drains.steering, drains.steered]).toEqual([true, 'd1'])
    calls[0]?.fail(new Error('no'))
    expect(await done).toBe(false)
    expect([drains.steering, drains.steerError?.message]).toEqual([false, 'no'])
  })
})

describe('the drain that is being thought about', () => {
  const plan = (title: string) => ({ title }) as DrainPlan
  const floor = (atLeast: number) => ({ floor: { atLeast, unit: 'servers' as const } })

  it('shows the plan of the newest question only', async () => {
    const { calls } = rig()
    const draft = useDrainDraftStore()
    draft.open([web1 as ServerId])
    void draft.replan([web1], floor(1))
    void draft.replan([web1], floor(2))
    calls[1]?.answer(plan('second'))
    await settle()
    calls[0]?.answer(plan('first'))
    await settle()
    expect([draft.plan?.title, draft.planning]).toEqual(['second', false])
    void draft.replan([web1], floor(3))
    calls[2]?.fail(new Error('unreachable'))
    await settle()
    expect([draft.plan, draft.planError?.message, draft.planning]).toEqual([null, 'unreachable', false])
  })

  it('an answer that comes after the sheet was closed is nobody’s', async () => {
    const { calls } = rig()
    const draft = useDrainDraftStore()
    draft.open([web1 as ServerId])
    void draft.replan([web1], floor(1))
    draft.close()
    calls[0]?.answer(plan('late'))
    await settle()
    expect([draft.plan, draft.planning, draft.targets]).toEqual([null, false, null])
  })

  it('becomes the drain, and follows it', async () => {
    const { calls, drains, tell } = rig()
    drains.follow()
    const draft = useDrainDraftStore()
    draft.open([web1 as ServerId])
    const done = draft.start([web1], 'kernel', {})
    await vi.waitFor(() => expect(calls.at(-1)?.input).toEqual({ targets: [web1], reason: 'kernel' }))
    calls.at(-1)?.answer(drain('d1'))
    await done
    expect(draft.started?.id).toBe('d1')
    tell(drain('d1', { state: 'empty' }))
    expect(draft.started?.state).toBe('empty')
  })
})
