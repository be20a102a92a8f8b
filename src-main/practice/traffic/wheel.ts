import type { PracticeClock } from '../machine/machine.ts'

/**
 * Many timers behind one of the clock's: what is due in the same slot runs together. 25 000 health checks and as many idle limits then
 * cost one timer for each engine. Late by up to one slot, never early.
 */
export interface Wheel {
  /** calls `work` once; the returned function cancels */
  after(ms: number, work: () => void): () => void
  /** forgets everything */
  stop(): void
}

const slotMs = 20

export function createWheel(clock: PracticeClock): Wheel {
  const slots = new Map<number, Set<() => void>>()
  let armed: { slot: number; cancel: () => void } | null = null

  const arm = (): void => {
    let first = Infinity
    for (const slot of slots.keys()) first = Math.min(first, slot)
    if (first === armed?.slot) return
    armed?.cancel()
    armed = null
    if (first === Infinity) return
    armed = { slot: first, cancel: clock.after(Math.max(0, first * slotMs - clock.monotonic()), turn) }
  }

  const turn = (): void => {
    armed = null
    const now = clock.monotonic()
    const due = [...slots.keys()].filter((slot) => slot * slotMs <= now).sort((one, other) => one - other)
    for (const slot of due) {
      const works = slots.get(slot) ?? []
      slots.delete(slot)
      for (const work of works) work()
    }
    arm()
  }

  return {
    after(ms, work) {
      const slot = Math.ceil((clock.monotonic() + ms) / slotMs)
      const works = slots.get(slot) ?? new Set()
      // The same function may be waited for twice.
      const once = (): void => work()
      works.add(once)
      slots.set(slot, works)
      if (armed === null || slot < armed.slot) arm()
      return () => {
        works.delete(once)
        if (works.size === 0 && slots.get(slot) === works) slots.delete(slot)
      }
    },
    stop() {
      slots.clear()
      armed?.cancel()
      armed = null
    },
  }
}
