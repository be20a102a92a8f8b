/*
 * A counting semaphore, first come first served.
 *
 * Used for session channels (sshd's MaxSessions), for stream-local channels and for handshakes. A release is idempotent, a waiter
 * whose signal aborts leaves the queue without taking a slot, and the limit may shrink while slots are held.
 */

type Release = () => void

interface Waiter {
  grant: (release: Release) => void
}

export class Slots {
  #limit: number
  #held = 0
  readonly #waiting: Waiter[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get held(): number {
    return this.#held
  }

  get limit(): number {
    return this.#limit
  }

  /** Never below 1, never above what it was. */
  shrinkTo(limit: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, limit))
  }

  /** Rejects with the signal's reason. Between the grant and the caller's next step the signal may abort: see `keepUnlessAborted`. */
  acquire(signal: AbortSignal): Promise<Release> {
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    if (this.#held < this.#limit) return Promise.resolve(this.#take())
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: (release) => {
          signal.removeEventListener('abort', leave)
          resolve(release)
        },
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiter)
    })
  }

  #take(): Release {
    this.#held += 1
    let released = false
    return () => {
      if (released) return
      released = true
      this.#held -= 1
      while (this.#held < this.#limit) {
        const next = this.#waiting.shift()
        if (next === undefined) return
        next.grant(this.#take())
      }
    }
  }
}

/** Right after `await acquire`: gives the slot back and throws the signal's reason when it aborted in the moment of the grant. */
export function keepUnlessAborted(release: Release, signal: AbortSignal): void {
  if (!signal.aborted) return
  release()
  throw signal.reason
}
