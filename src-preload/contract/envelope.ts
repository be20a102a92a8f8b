import * as v from 'valibot'
import { ErrorReply } from './errors.ts'

/** Version of the frames below. A shell that speaks another one is refused with a clear sentence. */
export const PROTOCOL = 1

/** Largest frame either side accepts, in bytes of UTF-8. A 50 000-server snapshot is about 20 MB. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024

const frameId = v.pipe(v.string(), v.minLength(1), v.maxLength(64))

/** From a shell to main. `requestId` identifies a command across reconnects, so that a repeated frame runs once. */
export const ClientFrame = v.variant('type', [
  v.strictObject({
    type: v.literal('call'),
    id: frameId,
    name: v.pipe(v.string(), v.maxLength(128)),
    input: v.unknown(),
    requestId: v.optional(frameId),
  }),
  v.strictObject({ type: v.literal('cancel'), id: frameId }),
])
export type ClientFrame = v.InferOutput<typeof ClientFrame>

/** From main to a shell. */
export const HostFrame = v.variant('type', [
  v.strictObject({ type: v.literal('hello'), protocol: v.number() }),
  // browser shell only: replaces the one-time ticket that the window was opened with
  v.strictObject({ type: v.literal('session'), token: v.string() }),
  v.strictObject({ type: v.literal('reply'), id: frameId, ok: v.literal(true), value: v.unknown() }),
  v.strictObject({ type: v.literal('reply'), id: frameId, ok: v.literal(false), error: ErrorReply }),
  v.strictObject({ type: v.literal('event'), name: v.string(), seq: v.number(), payload: v.unknown() }),
])
export type HostFrame = v.InferOutput<typeof HostFrame>
