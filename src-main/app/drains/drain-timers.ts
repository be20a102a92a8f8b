import type { DrainId, DrainRecord } from '#contract'
import type { Clock } from '../ports/clock.ts'

interface Due {
  /** by the clock that never jumps; null = there is none, or it has been acted on */
  deadline: number | null
  expiry: number | null
  /** held since then: nothing is due, and what is left is kept */
  heldAt: number | null
}

export type DrainTimers = ReturnType<typeof createDrainTimers>

/**
 * Deadlines and expiries. Within one process they run by the monotonic clock, so a machine whose time is set neither ends nor prolongs a
 * drain; only from one process to the next is the wall clock believed, for there is nothing else.
 */
export function createDrainTimers(clock: Clock) {
  const due = new Map<DrainId, Due>()

  const inMono = (at: number | null, from: number): number | null => (at === null ? null : clock.monotonic() + at - from)

  return {
    start(drain: DrainRecord) {
      // What was left when it was held is what is left.
      const from = drain.heldSince ?? clock.now()
      due.set(drain.id, {
        deadline: drain.deadlinePassed ? null : inMono(drain.deadlineAt, from),
        expiry: inMono(drain.expiresAt, from),
        heldAt: drain.heldSince === null ? null : clock.monotonic(),
      })
    },
    hold(drain: DrainRecord) {
      const timer = due.get(drain.id)
      if (timer !== undefined) timer.heldAt ??= clock.monotonic()
      drain.heldSince = clock.now()
    },
    /** Moves deadline and expiry by the time that it was held. */
    resume(drain: DrainRecord) {
      const timer = due.get(drain.id)
      drain.heldSince = null
      if (timer === undefined || timer.heldAt === null) return
      const heldMs = clock.monotonic() - timer.heldAt
      timer.heldAt = null
      if (timer.deadline !== null) timer.deadline += heldMs
      if (timer.expiry !== null) timer.expiry += heldMs
      const wall = (at: number | null): number | null =>
        at === null ? null : Math.max(0, Math.round(clock.now() + at - clock.monotonic()))
      if (timer.deadline !== null) drain.deadlineAt = wall(timer.deadline)
      drain.expiresAt = wall(timer.expiry)
    },
    /** What has become due; it is answered once. */
    take({ id }: DrainRecord): 'deadline' | 'expiry' | null {
      const timer = due.get(id)
      if (timer === undefined || timer.heldAt !== null) return null
      const now = clock.monotonic()
      if (timer.expiry !== null && now >= timer.expiry) {
        timer.expiry = null
        return 'expiry'
      }
      if (timer.deadline === null || now < timer.deadline) return null
      timer.deadline = null
      return 'deadline'
    },
    forget: (id: DrainId) => due.delete(id),
  }
}
