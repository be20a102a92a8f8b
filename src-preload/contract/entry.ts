import type * as v from 'valibot'
import type { ErrorCode } from './errors.ts'

/** Any schema whose values are plain JSON. */
export type Schema = v.GenericSchema

interface CallEntry<Kind extends 'query' | 'command', I extends Schema, O extends Schema, E extends ErrorCode> {
  readonly kind: Kind
  readonly input: I
  readonly output: O
  /** Codes this call may raise, beside the `request.*` and `host.*` families that any call may raise. */
  readonly errors: readonly E[]
}

interface EventEntry<P extends Schema> {
  readonly kind: 'event'
  readonly payload: P
}

interface CallShape<I extends Schema, O extends Schema, E extends ErrorCode> {
  input: I
  output: O
  errors?: readonly E[]
}

/** A call that never changes anything and may be repeated freely. */
export function query<I extends Schema, O extends Schema, E extends ErrorCode = never>(
  shape: CallShape<I, O, E>,
): CallEntry<'query', I, O, E> {
  return { kind: 'query', input: shape.input, output: shape.output, errors: shape.errors ?? [] }
}

/** A call that may change something. A repeated frame (same request id) is answered from memory, never run twice. */
export function command<I extends Schema, O extends Schema, E extends ErrorCode = never>(
  shape: CallShape<I, O, E>,
): CallEntry<'command', I, O, E> {
  return { kind: 'command', input: shape.input, output: shape.output, errors: shape.errors ?? [] }
}

/** Something main tells every attached shell. */
export function event<P extends Schema>(payload: P): EventEntry<P> {
  return { kind: 'event', payload }
}

export type AnyEntry = CallEntry<'query' | 'command', Schema, Schema, ErrorCode> | EventEntry<Schema>
