/**
 * Who drives the data folder.
 *
 * Model: the lease is one row that names a process and carries its heartbeat. The driver renews it every 5 s; everyone else tries to take
 * it as often, and gets it once the driver released it, its process is gone (same machine), or its heartbeat is stale (`store/lease-repo.ts` says how old that is).
 * A driver whose renewal fails (the laptop slept, another shell took over) is a viewer from that moment: `onRole` tells the job runner.
 * Not guaranteed: between the takeover and the next heartbeat the old driver does not know; what it writes meanwhile is guarded by
 * the node locks of the jobs, not by the lease.
 */
import { AppError } from './app-error.ts'
import type { Publish } from './handlers-type.ts'
import type { Clock } from './ports/clock.ts'
import type { Log } from './ports/log.ts'
import type { LeaseHolder, LeaseRepo } from './ports/store.ts'
import type { Lease } from '#contract'

export const heartbeatMs = 5_000

export interface HostServiceParts {
  lease: LeaseRepo
  /** this process */
  self: Omit<LeaseHolder, 'since' | 'heartbeatAt'>
  /** never become the driver: for commands that only read */
  lookOnly: boolean
  /** is there a process of this id on this machine? */
  isProcessAlive: (pid: number) => boolean
  clock: Clock
  log: Log
  publish: Publish
}

export interface HostService {
  role(): Lease['role']
  lease(): Lease
  /** @throws AppError `host.viewer` naming the driver */
  requireDriver(): void
  /** Take the lease if it is free, and keep renewing or retrying it. */
  start(): void
  stop(): Promise<void>
  /** called after every change of role, and on every beat of a viewer so that it can look at what the driver stored */
  onRole(listener: (role: Lease['role']) => void): void
  onViewerBeat(listener: () => void): void
}

export function createHostService(parts: HostServiceParts): HostService {
  const { lease: repo, self, lookOnly, isProcessAlive, clock, log, publish } = parts
  const roleListeners: ((role: Lease['role']) => void)[] = []
  const beatListeners: (() => void)[] = []
  const stopping = new AbortController()
  let holder: LeaseHolder = takeOrLook()
  let beating: Promise<void> | null = null

  /** Of another machine only the heartbeat tells; a process of this machine before its last boot is gone. */
  function isAlive(other: LeaseHolder): boolean {
    if (other.host !== self.host) return true
    return other.bootId === self.bootId && isProcessAlive(other.pid)
  }

  function takeOrLook(): LeaseHolder {
    const now = clock.now()
    const own = { ...self, since: now, heartbeatAt: now }
    return lookOnly ? (repo.current() ?? own) : repo.take(own, isAlive)
  }

  const role = (): Lease['role'] => (!lookOnly && holder.hostId === self.hostId ? 'driver' : 'viewer')
  const lease = (): Lease => ({
    role: role(),
    holder: { pid: holder.pid, shell: holder.shell, host: holder.host, since: holder.since },
  })

  function beat(): void {
    const before = holder
    if (role() === 'viewer' || !repo.heartbeat(self.hostId, clock.now())) holder = takeOrLook()
    if (before.hostId !== holder.hostId) {
      log.info('lease changed', { role: role(), shell: holder.shell, pid: holder.pid })
      for (const listener of roleListeners) listener(role())
      publish('lease.changed', lease())
    }
    if (role() === 'viewer') for (const listener of beatListeners) listener()
  }

  async function beatUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await clock.sleep(heartbeatMs, stopping.signal)
      } catch {
        return // stopped
      }
      try {
        beat()
      } catch (error) {
        // A busy database is no reason to give up the lease: the expiry allows for three missed beats.
        log.warn('heartbeat failed', { error: String(error) })
      }
    }
  }

  return {
    role,
    lease,
    requireDriver() {
      if (role() === 'driver') return
      const { pid, shell, host } = holder
      throw new AppError(
        'host.viewer',
        `This shell only looks on: Evenkeel's ${shell} shell (process ${pid} on ${host}) works with the same data folder. ` +
          'Do it there, or close that one first.',
        { details: { pid, shell, host } },
      )
    },
    start() {
      beating ??= beatUntilStopped()
    },
    async stop() {
      stopping.abort()
      await beating
      if (role() === 'driver') repo.release(self.hostId)
    },
    onRole: (listener) => void roleListeners.push(listener),
    onViewerBeat: (listener) => void beatListeners.push(listener),
  }
}
