import type { HostFrame } from '#contract'

/** Frames as they arrive, and promises for those a test waits for. */
export function createInbox() {
  const frames: HostFrame[] = []
  const waiting = new Set<{ accept: (frame: HostFrame) => boolean; resolve: (frame: HostFrame) => void }>()
  return {
    put(frame: HostFrame): void {
      for (const waiter of waiting) {
        if (!waiter.accept(frame)) continue
        waiting.delete(waiter)
        waiter.resolve(frame)
        return
      }
      frames.push(frame)
    },
    next(accept: (frame: HostFrame) => boolean): Promise<HostFrame> {
      const index = frames.findIndex(accept)
      const [found] = index < 0 ? [] : frames.splice(index, 1)
      return found ? Promise.resolve(found) : new Promise((resolve) => waiting.add({ accept, resolve }))
    },
  }
}
