import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { LeaseHolder } from '../../../src-main/app/ports/store.ts'
import { LEASE_STALE_MS } from '../../../src-main/store/lease-repo.ts'
import { tempFolder, tempStore } from './temp-store.ts'

const holder = (hostId: string, at: number): LeaseHolder => ({
  hostId,
  pid: 1,
  shell: 'cli',
  host: 'm',
  bootId: 'b',
  since: at,
  heartbeatAt: at,
})
const alive = () => true

describe('the lease', () => {
  it('goes to the first and is refused to the second while the first lives', () => {
    const { store } = tempStore()
    expect(store.lease.current()).toBeNull()
    expect(store.lease.take(holder('a', 1000), alive).hostId).toBe('a')
    expect(store.lease.take(holder('b', 1001), alive)).toEqual(holder('a', 1000))
    expect(store.lease.heartbeat('b', 1002)).toBe(false)
  })

  it('renewed by its holder keeps its age', () => {
    const { store } = tempStore()
    store.lease.take(holder('a', 1000), alive)
    expect(store.lease.take(holder('a', 5000), alive)).toEqual({ ...holder('a', 5000), since: 1000 })
    expect(store.lease.heartbeat('a', 9000)).toBe(true)
    expect(store.lease.current()?.heartbeatAt).toBe(9000)
  })

  it('of a dead holder is taken over, and the dead one learns it if it was not dead', () => {
    const { store } = tempStore()
    store.lease.take(holder('a', 1000), alive)
    expect(store.lease.take(holder('b', 1001), ({ hostId }) => hostId !== 'a').hostId).toBe('b')
    expect(store.lease.heartbeat('a', 1002)).toBe(false)
    expect(store.lease.current()?.hostId).toBe('b')
  })

  it('of a holder that no longer renews is taken over, and not a millisecond before', () => {
    const { store } = tempStore()
    store.lease.take(holder('a', 1000), alive)
    expect(store.lease.take(holder('b', 1000 + LEASE_STALE_MS), alive).hostId).toBe('a')
    expect(store.lease.take(holder('b', 1001 + LEASE_STALE_MS), alive).hostId).toBe('b')
  })

  it('is released only by its holder', () => {
    const { store } = tempStore()
    store.lease.take(holder('a', 1000), alive)
    store.lease.release('b')
    expect(store.lease.current()?.hostId).toBe('a')
    store.lease.release('a')
    expect(store.lease.current()).toBeNull()
  })

  it('goes to exactly one of several processes that start together in a new folder', { timeout: 30_000 }, async () => {
    const folder = join(tempFolder(), 'data')
    const run = (hostId: string) =>
      new Promise<string>((resolve, reject) => {
        const child = join(import.meta.dirname, 'lease-child.ts')
        execFile(process.execPath, [child, folder, hostId], { timeout: 20_000 }, (error, stdout, stderr) =>
          error === null ? resolve(stdout) : reject(new Error(stderr)),
        )
      })
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map(run))
    expect(new Set(answers).size).toBe(1)
    expect(['a', 'b', 'c', 'd']).toContain(answers[0])
  })
})
