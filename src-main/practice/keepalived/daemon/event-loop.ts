import type { PracticeClock, PracticeProcess } from '../../machine/machine.ts'

/**
 * The single thread of a process. What happens while the process is stopped (SIGSTOP) waits, in its order, and is worked off when it
 * goes on; nothing happens after its end.
 */
export interface EventLoop {
  /** does it now, or when the process goes on */
  post(work: () => void): void
  /** calls once after `ms`; the returned function cancels, even when the work is already waiting */
  after(ms: number, work: () => void): () => void
}

/** `process` is asked late, because the process and its loop know each other. */
export function createEventLoop(clock: PracticeClock, process: () => PracticeProcess): EventLoop {
  let waiting: (() => void)[] = []
  const loop: EventLoop = {
    post(work) {
      const { state } = process()
      if (state === 'ended') return
      if (state === 'running' && waiting.length === 0) return work()
      waiting.push(work)
      if (waiting.length === 1)
        void process()
          .running()
          .then(drain, () => (waiting = []))
    },
    after(ms, work) {
      let isCancelled = false
      const cancel = clock.after(ms, () => loop.post(() => (isCancelled ? undefined : work())))
      return () => {
        isCancelled = true
        cancel()
      }
    },
  }
  function drain(): void {
    const works = waiting
    waiting = []
    for (const work of works) if (process().state !== 'ended') work()
  }
  return loop
}
