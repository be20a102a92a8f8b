import { AppError } from '../../app/app-error.ts'
import type { NodeSession } from '../../app/ports/node-session.ts'
import { UnexpectedReply } from '../../domain/haproxy/unexpected-reply.ts'

/** A reply that does not parse becomes the operator's sentence. */
export function orUnexpected<T>(session: NodeSession, parse: () => T): T {
  try {
    return parse()
  } catch (thrown) {
    if (!(thrown instanceof UnexpectedReply)) throw thrown
    throw new AppError('daemon.unexpected-reply', `HAProxy on ${session.nodeId}: ${thrown.message}`, { cause: thrown })
  }
}
