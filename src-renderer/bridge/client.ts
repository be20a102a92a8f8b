/**
 * Typed calls and events over any transport.
 *
 * A call that is under way when the link breaks is sent again when it is back: queries change nothing, and a command carries a
 * request id under which the host answers a repeated frame from memory. A call that has waited `giveUpMs` without a link fails
 * with `bridge.lost` and effect `unknown` (commands) or `none` (queries).
 */
import { inject, type InjectionKey } from 'vue'
import type { CallName, EventName, InputOf, OutputOf, PayloadOf } from '#contract'
import { CallError } from './call-error.ts'
import { isCommand } from './commands.ts'
import type { CallFrame, ReplyFrame } from '../../src-preload/channels.ts'
import type { LinkState, Transport } from './transport.ts'

export interface Client {
  call<N extends CallName>(name: N, input: InputOf<N>, options?: { signal?: AbortSignal }): Promise<OutputOf<N>>
  /** Returns the function that ends the subscription. */
  on<N extends EventName>(name: N, listener: (payload: PayloadOf<N>) => void): () => void
  /** Told at once of the present state, then of every change. `open` after `lost` means: fetch your snapshot again. */
  onLink(listener: (state: LinkState) => void): () => void
}

interface Pending {
  frame: CallFrame
  resolve(value: unknown): void
  reject(error: CallError): void
}

export const clientKey: InjectionKey<Client> = Symbol('bridge client')

/** The client, inside a store. Only stores may call this. */
export function useClient(): Client {
  const client = inject(clientKey)
  if (!client) throw new Error('The bridge client was not provided to the application.')
  return client
}

export function createClient(
  transport: Transport,
  { giveUpMs = 20_000, newId = () => crypto.randomUUID() as string } = {},
): Client {
  const pending = new Map<string, Pending>()
  const events = new Map<string, Set<(payload: never) => void>>()
  const linkListeners = new Set<(state: LinkState) => void>()
  let link: LinkState = 'connecting'
  let giveUp: ReturnType<typeof setTimeout> | undefined

  function lost(message: string) {
    for (const call of pending.values()) {
      call.reject(
        new CallError({
          code: 'bridge.lost',
          message,
          effect: isCommand(call.frame.name as CallName) ? 'unknown' : 'none',
          details: {},
        }),
      )
    }
    pending.clear()
  }

  function onLinkChange(state: LinkState) {
    link = state
    if (state === 'open') {
      clearTimeout(giveUp)
      giveUp = undefined
      for (const call of pending.values()) transport.send(call.frame)
    } else if (state === 'refused') {
      lost('The host does not accept this window. Open the address that Evenkeel printed when it started.')
    } else if (state === 'lost') {
      giveUp ??= setTimeout(() => {
        giveUp = undefined
        lost('Evenkeel’s host does not answer. Is it still running?')
      }, giveUpMs)
    }
    for (const listener of linkListeners) listener(state)
  }

  function onReply(reply: ReplyFrame) {
    const call = pending.get(reply.id)
    if (!call) return
    pending.delete(reply.id)
    if (reply.ok) call.resolve(reply.value)
    else call.reject(new CallError(reply.error))
  }

  transport.start({
    link: onLinkChange,
    frame(frame) {
      if (frame.type === 'reply') return onReply(frame)
      for (const listener of events.get(frame.name) ?? []) listener(frame.payload as never)
    },
  })

  return {
    call<N extends CallName>(name: N, input: InputOf<N>, { signal }: { signal?: AbortSignal } = {}) {
      return new Promise<OutputOf<N>>((resolve, reject) => {
        const id = newId()
        const frame: CallFrame = { type: 'call', id, name, input, ...(isCommand(name) ? { requestId: newId() } : {}) }
        pending.set(id, { frame, resolve: resolve as (value: unknown) => void, reject })
        signal?.addEventListener('abort', () => pending.has(id) && transport.send({ type: 'cancel', id }), { once: true })
        transport.send(frame)
      })
    },
    on(name, listener) {
      const listeners = events.get(name) ?? new Set()
      events.set(name, listeners)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    onLink(listener) {
      linkListeners.add(listener)
      listener(link)
      return () => void linkListeners.delete(listener)
    },
  }
}
