import { describe, expect, it } from 'vitest'
import { adminBitNames } from '../../../../src-renderer/features/pools/admin-bits.ts'
import { obstacleTo } from '../../../../src-renderer/features/pools/server-actions.ts'
import { drain, place } from '../drains/drain-samples.ts'
import { cell, pool, server } from './fleet-samples.ts'

const web = 'tyo-edge/haproxy/web'
const www = 'tyo-edge/nginx/www'
const pools = new Map([pool(web), pool(www)].map((each) => [each.id as string, each]))
const poolOf = (of: { poolId: string }) => pools.get(of.poolId)
const against = (state: 'drain' | 'maint' | 'ready', ...servers: ReturnType<typeof server>[]) =>
  obstacleTo(state, servers, poolOf, false, () => undefined)
const on = (...adminStates: (number | null)[]) => ({
  on: adminStates.map((adminState, index) => cell(`lb${index + 1}`, adminState === null ? 'unknown' : 'up', { adminState })),
})

describe('what can be done to servers', () => {
  it('a healthy server can be drained and stopped, not put back', () => {
    const up = server(web, 'web1')
    expect(against('drain', up)).toBeNull()
    expect(against('maint', up)).toBeNull()
    expect(against('ready', up)).toEqual({ kind: 'already', names: ['web/web1'] })
  })

  it('reads admin bits, not the word: a draining server whose checks fail is draining', () => {
    const draining = server(web, 'web1', on(8, 8))
    expect(against('drain', draining)?.kind).toBe('already')
    expect(against('ready', draining)).toBeNull()
  })

  it('offers what is missing on one balancer only', () => {
    expect(against('drain', server(web, 'web1', on(8, 0)))).toBeNull()
    expect(against('ready', server(web, 'web1', on(0, 1)))).toBeNull()
  })

  it('an unreadable balancer does not hide that the readable one is done', () => {
    expect(against('drain', server(web, 'web1', on(8, null)))?.kind).toBe('already')
  })

  it('names every server that cannot be changed at run time', () => {
    expect(against('maint', server(web, 'web1'), server(www, 'www1'))).toEqual({ kind: 'run-time', names: ['www/www1'] })
    expect(against('drain', server(www, 'www1'))).toEqual({ kind: 'run-time', names: ['www/www1'] })
    // A drain can leave it out, at a word.
    expect(against('drain', server(web, 'web1'), server(www, 'www1'))).toBeNull()
  })

  it('refuses what cannot be read anywhere', () => {
    expect(against('drain', server(web, 'web1', { ...on(null, null), state: 'unknown' }))?.kind).toBe('unreadable')
  })

  it('refuses a viewer, an empty selection and more than the border takes', () => {
    expect(obstacleTo('drain', [server(web, 'web1')], poolOf, true, () => undefined)?.kind).toBe('viewer')
    expect(against('drain')?.kind).toBe('nothing-selected')
    expect(against('drain', ...Array.from({ length: 501 }, (_, index) => server(web, `w${index}`)))?.kind).toBe('too-many')
  })

  it('explains admin bits', () => {
    expect(adminBitNames(0)).toEqual([])
    expect(adminBitNames(5)).toEqual(['forced-maintenance', 'configured-disabled'])
    expect(adminBitNames(8)).toEqual(['forced-drain'])
  })
})

describe('what a drain keeps out', () => {
  const one = server(web, 'web1', on(8, 8))
  const two = server(web, 'web2', on(8, 8))
  const byDrain = (state: 'drain' | 'maint' | 'ready', servers: ReturnType<typeof server>[], kept: ReturnType<typeof drain>) =>
    obstacleTo(state, servers, poolOf, false, (each) =>
      kept.places.some(({ serverId }) => serverId === each.id) ? kept : undefined,
    )
  const ofOne = drain('d', { places: [place(one.id, 'lb1')] })
  const ofBoth = drain('d', { places: [place(one.id, 'lb1'), place(two.id, 'lb1')] })

  it('can only be put back, and not beside what no drain keeps', () => {
    expect(byDrain('drain', [one], ofOne)).toEqual({ kind: 'kept-out', names: ['web/web1'] })
    expect(byDrain('maint', [one], ofOne)?.kind).toBe('kept-out')
    expect(byDrain('ready', [one], ofOne)).toBeNull()
    expect(byDrain('ready', [one, two], ofOne)).toEqual({ kind: 'kept-out', names: ['web/web1'] })
  })

  it('never comes back with servers that were not chosen', () => {
    expect(byDrain('ready', [one], ofBoth)).toMatchObject({ kind: 'wider' })
    expect(byDrain('ready', [one, two], ofBoth)).toBeNull()
  })

  it('is put back once, and again when that failed', () => {
    const back = drain('d', { goal: 'back', state: 'put-back', places: [place(one.id, 'lb1')] })
    expect(byDrain('ready', [one], back)?.kind).toBe('going-back')
    expect(byDrain('ready', [one], { ...back, state: 'failed' })).toBeNull()
  })
})
