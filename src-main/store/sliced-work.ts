/**
 * Long synchronous work in slices, so that the event loop is never held for much longer than the budget. Concurrency model:
 * one piece of work at a time, run to the end in order; a slice is whatever the work does between two `yield`s and must leave
 * the database consistent.
 */
export interface SlicedWork {
  /** Runs the first slices now and the rest between other events. An error in a later slice goes to `onError`. */
  start(work: Iterator<void>): void
  busy(): boolean
  /** Runs what is left to its end, now. */
  finish(): void
  /** Drops what is left. */
  abandon(): void
}

export function createSlicedWork(options: {
  budgetMs: number
  monotonic: () => number
  onError: (error: unknown) => void
}): SlicedWork {
  let current: Iterator<void> | null = null
  let scheduled: NodeJS.Immediate | null = null

  function runUntil(deadline: number): void {
    scheduled = null
    try {
      while (current !== null) {
        if (current.next().done === true) current = null
        else if (options.monotonic() >= deadline) break
      }
    } catch (thrown) {
      current = null
      throw thrown
    }
    if (current !== null) scheduled = setImmediate(runLater)
  }

  function runLater(): void {
    try {
      runUntil(options.monotonic() + options.budgetMs)
    } catch (thrown) {
      options.onError(thrown)
    }
  }

  function unschedule(): void {
    if (scheduled !== null) clearImmediate(scheduled)
    scheduled = null
  }

  return {
    start(work) {
      if (current !== null) throw new Error('Sliced work was started while the previous one was not finished.')
      current = work
      runUntil(options.monotonic() + options.budgetMs)
    },
    busy: () => current !== null,
    finish() {
      unschedule()
      runUntil(Number.POSITIVE_INFINITY)
    },
    abandon() {
      unschedule()
      current = null
    },
  }
}
