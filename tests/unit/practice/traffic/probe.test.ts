import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src-main/practice/machine/system-clock.ts'
import { createProbe } from '../../../../src-main/practice/traffic/health/active-check.ts'
import type { ActiveCheck, CheckResult, ServerSpec } from '../../../../src-main/practice/traffic/traffic.ts'
import { balancerPid, createSite, healthCheck, plainPool, plainService, type Site } from './site.ts'

let site: Site
let server: ServerSpec

beforeEach(async () => {
  site = await createSite(systemClock)
  server = site.server('s1')
})
afterEach(() => site.close())

const check = (more: Partial<ActiveCheck> = {}): Promise<CheckResult> =>
  createProbe(site.balancer.network, systemClock, balancerPid)({ ...healthCheck, ...more }, server)

describe('a check over a real connection', () => {
  it('passes, and hears of a failing dependency', async () => {
    expect(await check()).toMatchObject({ passed: true, word: 'L7OK', code: 200, text: 'OK', degraded: false })
    site.backend('s1').change({ health: 'degraded' })
    expect(await check()).toMatchObject({ passed: true, word: 'L7OK', code: 200, degraded: true })
    expect(await check({ kind: 'tcp' })).toMatchObject({ passed: true, word: 'L4OK', code: null })
    expect(site.backend('s1').requests, 'checks are no traffic').toBe(0)
  })

  it('says what failed', async () => {
    site.backend('s1').change({ health: 'failing' })
    expect(await check()).toMatchObject({ passed: false, word: 'L7STS', code: 503, text: 'Service Unavailable' })
    site.backend('s1').change({ presence: 'black-hole' })
    expect(await check({ timeoutMs: 40 })).toMatchObject({ passed: false, word: 'L7TOUT', code: null })
    site.backend('s1').change({ presence: 'stopped' })
    expect(await check()).toMatchObject({ passed: false, word: 'L4CON', text: 'Connection refused' })
  })

  it('takes a server out and brings it back in a running engine', async () => {
    const quick = { ...healthCheck, intervalMs: 20 }
    const pool = site.engine.addPool(plainPool('app', [{ ...server, check: quick }]))
    const service = site.engine.addHttpService(plainService('web', () => pool))
    site.listeners.replace([{ address: '*', port: 80, nonlocal: false, accept: service.accept }])
    const next = (): Promise<string> =>
      new Promise((resolve) => {
        const end = pool.onEvent(({ is }) => {
          end()
          resolve(is)
        })
      })
    site.backend('s1').change({ health: 'failing' })
    expect(await next()).toBe('down')
    expect((await site.get('/')).status).toBe(503)
    site.backend('s1').change({ health: 'well' })
    expect(await next()).toBe('up')
    expect((await site.get('/')).status).toBe(200)
    expect(pool.server('s1')?.lastCheck).toMatchObject({ word: 'L7OK', code: 200 })
  })
})

describe('a backend', () => {
  it('flaps, is slow, fails a share of its requests, and knows who asked', async () => {
    const pool = site.engine.addPool(plainPool('app', [server]))
    const service = site.engine.addHttpService(plainService('web', () => pool))
    site.listeners.replace([{ address: '*', port: 80, nonlocal: false, accept: service.accept }])
    const backend = site.backend('s1')
    backend.change({ errorRate: 1 })
    expect((await site.get('/')).status).toBe(500)
    backend.change({ errorRate: 0, latencyMs: 60 })
    const startedAt = systemClock.monotonic()
    await site.get('/')
    expect(systemClock.monotonic() - startedAt).toBeGreaterThanOrEqual(58)
    expect([...backend.requestsBySource()]).toEqual([[site.address, 2]])
    backend.change({ flapMs: 5 })
    const healths = new Set<string>()
    while (healths.size < 2) {
      healths.add(backend.behaviour.health)
      await new Promise((resolve) => setImmediate(resolve))
    }
    backend.change({ flapMs: null, health: 'well' })
  })
})
