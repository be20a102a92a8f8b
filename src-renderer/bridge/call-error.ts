import type { Effect, ErrorCode, ErrorReply } from '#contract'

/** A call that did not succeed. `bridge.lost` is the window's own code: the link broke and did not come back in time. */
export class CallError extends Error {
  readonly code: ErrorCode | 'bridge.lost'
  readonly effect: Effect
  readonly details: Record<string, unknown>

  constructor(reply: Omit<ErrorReply, 'code'> & { code: ErrorCode | 'bridge.lost' }) {
    super(reply.message)
    this.name = 'CallError'
    this.code = reply.code
    this.effect = reply.effect
    this.details = reply.details
  }
}

/** Any thrown value as a CallError, so that a page can always show a code, a sentence and the effect. */
export function callErrorFrom(thrown: unknown): CallError {
  if (thrown instanceof CallError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new CallError({ code: 'host.internal', message, effect: 'unknown', details: {} })
}
