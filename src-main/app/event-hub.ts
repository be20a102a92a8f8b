import type { EventName, PayloadOf } from '#contract'
import type { Publish } from './handlers-type.ts'
import type { Log } from './ports/log.ts'

export interface EventHub {
  publish: Publish
  /** returns the function that ends the subscription */
  onEvent(listener: Publish): () => void
}

/** Hands every event to every listener, in order. A listener that throws is logged and does not keep the others from it. */
export function createEventHub(log: Log): EventHub {
  const listeners = new Set<Publish>()
  return {
    publish<N extends EventName>(name: N, payload: PayloadOf<N>) {
      for (const listener of listeners) {
        try {
          listener(name, payload)
        } catch (error) {
          log.error('event listener failed', { event: name, error: String(error) })
        }
      }
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
