// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia'
import { createApp } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { describe, expect, it, vi } from 'vitest'
import type { AdminState, ServerId } from '#contract'
import { clientKey, type Client } from '../../../../src-renderer/bridge/client.ts'
import { useOperate } from '../../../../src-renderer/features/drains/use-operate.ts'
import { useDrainDraftStore } from '../../../../src-renderer/stores/drain-draft.ts'
import { useDrainsStore } from '../../../../src-renderer/stores/drains.ts'
import { drain, place } from './drain-samples.ts'

const web1 = 'edge/haproxy/web/web1' as ServerId
const web2 = 'edge/haproxy/web/web2' as ServerId

function rig() {
  const calls: [string, unknown][] = []
  const client = {
    call: (name: string, input: unknown) => {
      calls.push([name, input])
      return Promise.resolve(drain('d1', { goal: 'back', state: 'put-back' }))
    },
  } as unknown as Client
  const pinia = createPinia()
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: { template: '' } }],
  })
  const app = createApp({}).provide(clientKey, client).use(pinia).use(router)
  setActivePinia(pinia)
  const operate = (servers: ServerId[], state: AdminState) => app.runWithContext(() => useOperate())(servers, state)
  return { calls, router, operate, drains: useDrainsStore(), draft: useDrainDraftStore() }
}

describe('what a wish about servers opens', () => {
  it('a drain has its own sheet; nothing is sent yet', () => {
    const { calls, operate, draft } = rig()
    operate([web1, web2], 'drain')
    expect(draft.targets).toEqual([web1, web2])
    expect(calls).toEqual([])
  })

  it('what a drain keeps out goes back with it; anything else is an operation with a plan', () => {
    const { calls, operate, drains } = rig()
    drains.keep(drain('d1'))
    operate([web1], 'ready')
    operate([web2], 'ready')
    expect(calls.map(([name]) => name)).toEqual(['drain.putBack', 'server.planState'])
  })

  it('never puts back servers that were not named: it shows the drain instead', async () => {
    const { calls, operate, drains, router } = rig()
    drains.keep(drain('d1', { places: [place(web1, 'lb1'), place(web2, 'lb1')] }))
    operate([web1], 'ready')
    await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toBe('/drains?drain=d1'))
    expect(calls).toEqual([])
  })
})
