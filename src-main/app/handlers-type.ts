import type { CallName, EventName, OutputOf, ParsedInputOf, PayloadOf } from '#contract'

/** Who asks, as the connection says; never taken from the payload. */
export interface Caller {
  /** `user@host` of the person at the shell */
  user: string
  shell: 'desktop' | 'browser' | 'cli'
}

export interface CallContext {
  /** aborted when the caller cancels or its connection ends */
  signal: AbortSignal
  caller: Caller
  /** one window or terminal; what it said with `host.watch` ends with it (the dispatcher then calls `host.watch` hidden) */
  connection: string
  /** identifies a command across reconnects; null when the shell sent none */
  requestId: string | null
}

/** One function per call of the contract. Input is already parsed, output is checked by the dispatcher. */
export type Handlers = { [N in CallName]: (input: ParsedInputOf<N>, context: CallContext) => Promise<OutputOf<N>> }

/** Tells every attached shell. */
export type Publish = <N extends EventName>(name: N, payload: PayloadOf<N>) => void
