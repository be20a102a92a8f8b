import type { ClientFrame, HostFrame } from './contract/envelope.ts'

/** The three channels between the window and the desktop shell. Kept apart from the contract so that the preload stays tiny. */
export const channels = { call: 'console:call', cancel: 'console:cancel', event: 'console:event' } as const

/** The name under which the preload puts its three functions on `window`. */
export const bridgeName = 'evenkeel'

export type CallFrame = Extract<ClientFrame, { type: 'call' }>
export type ReplyFrame = Extract<HostFrame, { type: 'reply' }>
export type EventFrame = Extract<HostFrame, { type: 'event' }>

/** What the preload puts there. */
export interface ConsoleBridge {
  /** Resolves with the reply frame, also when the call failed; rejects only when the shell refuses the sender. */
  call(frame: CallFrame): Promise<ReplyFrame>
  /** Aborts the call of that id; its reply still arrives. */
  cancel(id: string): void
  /** Returns the function that ends the subscription. */
  subscribe(listener: (frame: EventFrame) => void): () => void
}
