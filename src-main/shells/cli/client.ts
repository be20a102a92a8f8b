import type { CallName, EventName, HostFrame, InputOf, OutputOf, PayloadOf } from '#contract'
import type { Dispatcher } from '../../app/dispatcher.ts'
import type { Caller } from '../../app/handlers-type.ts'
import { CliError } from './exit-codes.ts'

/** Calls and events over a connection of the dispatcher, the same way in as every other shell has. */
export interface Client {
  /** @throws CliError with what the services answered; aborting the signal cancels the call */
  call<N extends CallName>(name: N, input: InputOf<N>, signal?: AbortSignal): Promise<OutputOf<N>>
  on<N extends EventName>(name: N, listener: (payload: PayloadOf<N>) => void): () => void
  close(): void
}

type Reply = Extract<HostFrame, { type: 'reply' }>

export function createClient(dispatcher: Dispatcher, caller: Caller): Client {
  const pending = new Map<string, (reply: Reply) => void>()
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  let lastId = 0

  const connection = dispatcher.connect(caller, (frame) => {
    if (frame.type === 'event') for (const listener of listeners.get(frame.name) ?? []) listener(frame.payload)
    if (frame.type !== 'reply') return
    pending.get(frame.id)?.(frame)
    pending.delete(frame.id)
  })

  return {
    async call<N extends CallName>(name: N, input: InputOf<N>, signal?: AbortSignal): Promise<OutputOf<N>> {
      const id = String(++lastId)
      const onAbort = (): void => connection.receive({ type: 'cancel', id })
      const reply = await new Promise<Reply>((resolve) => {
        pending.set(id, resolve)
        signal?.addEventListener('abort', onAbort, { once: true })
        connection.receive({ type: 'call', id, name, input })
        if (signal?.aborted) onAbort()
      })
      signal?.removeEventListener('abort', onAbort)
      if (!reply.ok) throw new CliError(reply.error)
      return reply.value as OutputOf<N> // the dispatcher has checked it against the contract
    },
    on(name, listener) {
      const known = listeners.get(name) ?? new Set()
      // Each name has its own payload type; the map only keeps them apart.
      const entry = listener as (payload: unknown) => void
      listeners.set(name, known.add(entry))
      return () => known.delete(entry)
    },
    close: () => connection.close(),
  }
}
