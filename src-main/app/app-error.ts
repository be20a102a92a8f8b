import type { Effect, ErrorCode, ErrorReply } from '#contract'

/**
 * The one error class that crosses rooms. `effect` answers the operator's first question: did anything change on a node?
 * The message is a whole sentence: what was wrong, where, and what to do.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly effect: Effect
  readonly details: Record<string, unknown>

  constructor(
    code: ErrorCode,
    message: string,
    options: { effect?: Effect; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.effect = options.effect ?? 'none'
    this.details = options.details ?? {}
  }

  /** What crosses the border: never a stack, never a cause. */
  toReply(): ErrorReply {
    return { code: this.code, message: this.message, effect: this.effect, details: this.details }
  }
}

/** Any thrown value as an AppError; what is not one already is a defect of ours and becomes `host.internal`. */
export function appErrorFrom(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new AppError('host.internal', `Internal error: ${message}`, { effect: 'unknown', cause: thrown })
}
