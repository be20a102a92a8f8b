import type { Duplex } from 'node:stream'
import PQueue from 'p-queue'
import type { Effect } from '#contract'
import { AppError } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { CallLimits, NodeSession } from '../../app/ports/node-session.ts'
import { lineFrom, maxLineBytes } from '../../domain/haproxy/runtime-command.ts'

/*
 * HAProxy's runtime API over a node's unix socket.
 *
 * Model (HAProxy 2.6.12): the daemon serves ten CLI connections at once and leaves the eleventh waiting, so each socket has one
 * first-in-first-out queue that lets two requests through at a time and holds at most `maxWaiting`. Every request is a
 * connection of its own: a prompt that is kept open stays with the old worker after a reload, and keeps it alive. The line
 * always ends in LF (an unfinished one is never answered) and is never longer than 8 kB (a very long one leaks a slot for ever).
 * Our side is closed after the line, because the master's socket does not close by itself; the reply ends where the stream ends,
 * and nowhere else: a deadline or a lost connection is an error, never a short reply.
 * Waiting in the queue counts towards the deadline. Nothing is retried.
 */

const concurrency = 2
const maxWaiting = 64
/** 50 000 servers fit; more than that is not a reply to any of our questions */
const maxReplyBytes = 64 * 1024 * 1024

export interface RuntimeTarget {
  /** path of a stats socket, or of the master's socket */
  path: string
  /** goes before every command: empty for a stats socket, `@1 ` for the current worker behind the master's socket */
  prefix: string
  /** the socket can only be opened with sudo */
  privileged: boolean
}

export interface RuntimeSockets {
  /**
   * Send commands on one line and return the whole reply.
   * @param changes whether a command changes anything: decides what an error after sending says about its effect
   * @throws AppError `daemon.unexpected-reply` when no reply came in time, `request.cancelled`, and whatever opening the socket throws
   */
  ask(session: NodeSession, target: RuntimeTarget, commands: readonly string[], limits: AskLimits): Promise<string>
  /** As `ask`, for a large reply: its bytes. */
  askBytes(session: NodeSession, target: RuntimeTarget, commands: readonly string[], limits: AskLimits): Promise<Buffer>
}

export interface AskLimits extends CallLimits {
  changes?: boolean
}

interface Request {
  session: NodeSession
  target: RuntimeTarget
  line: string
  limits: AskLimits
  /** what an error would have to say about this request by now */
  effect: Effect
}

export function createRuntimeSockets({ clock }: { clock: Clock }): RuntimeSockets {
  const queues = new WeakMap<NodeSession, Map<string, PQueue>>()

  function queueOf(session: NodeSession, path: string): PQueue {
    let ofSession = queues.get(session)
    if (ofSession === undefined) queues.set(session, (ofSession = new Map()))
    let queue = ofSession.get(path)
    if (queue === undefined) ofSession.set(path, (queue = new PQueue({ concurrency })))
    return queue
  }

  const sockets: RuntimeSockets = {
    async ask(session, target, commands, limits) {
      return (await sockets.askBytes(session, target, commands, limits)).toString('utf8')
    },

    async askBytes(session, target, commands, limits) {
      const line = lineFrom(commands, target.prefix)
      if (line === null) {
        throw new AppError(
          'daemon.runtime-rejected',
          `${JSON.stringify(commands.join('; '))} was not sent to ${target.path} on ${session.nodeId}: it could be read as other commands, or is longer than ${maxLineBytes} bytes.`,
        )
      }
      const queue = queueOf(session, target.path)
      if (queue.size >= maxWaiting) {
        throw new AppError(
          'daemon.unexpected-reply',
          `HAProxy on ${session.nodeId} does not keep up: ${maxWaiting} requests already wait for ${target.path}.`,
        )
      }
      const request: Request = { session, target, line, limits, effect: 'none' }
      const deadline = startDeadline(clock, request)
      try {
        return await queue.add(() => exchange(request, deadline.signal), { signal: deadline.signal })
      } finally {
        deadline.stop()
      }
    },
  }
  return sockets
}

async function exchange(request: Request, signal: AbortSignal): Promise<Buffer> {
  const { session, target, line, limits } = request
  const stream = await session.openSocket(target.path, { signal, timeoutMs: limits.timeoutMs, privileged: target.privileged })
  // The answer to a cancelled call may still arrive: nobody listens any more, but an open socket would keep one of ten slots.
  if (signal.aborted) stream.destroy()
  signal.throwIfAborted()
  if (limits.changes === true) request.effect = 'unknown'
  return readReply(stream, request, signal, () => stream.end(line))
}

function readReply(stream: Duplex, request: Request, signal: AbortSignal, send: () => void): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  return new Promise<Buffer>((resolve, reject) => {
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', onAbort)
      stream.destroy()
      reject(error)
    }
    const onAbort = (): void => fail(signal.reason)
    const broken = (cause?: unknown): void =>
      fail(
        // A lost connection to the node says so itself; what it means for this request is known only here.
        cause instanceof AppError
          ? new AppError(cause.code, cause.message, { effect: request.effect, details: cause.details, cause })
          : new AppError(
              'daemon.unexpected-reply',
              `The connection to ${request.target.path} on ${request.session.nodeId} broke off before HAProxy's reply was complete. It may be reloading; try again.`,
              { effect: request.effect, cause },
            ),
      )
    const onClose = (): void => broken()
    signal.addEventListener('abort', onAbort, { once: true })
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maxReplyBytes) broken(new RangeError(`The reply is longer than ${maxReplyBytes} bytes.`))
    })
    stream.once('end', () => {
      signal.removeEventListener('abort', onAbort)
      // What follows is our own closing: an error about it would be made, with its stack, for nobody.
      stream.off('close', onClose)
      resolve(Buffer.concat(chunks))
      stream.destroy()
    })
    stream.on('error', broken)
    stream.once('close', onClose)
    send()
  })
}

/** Nobody sees it; an abort without a reason would make an error with a stack for every request. */
const stopped = 'stopped'

/** Ends when the caller cancels or the time is up; its reason is always an AppError. */
function startDeadline(clock: Clock, request: Request): { signal: AbortSignal; stop: () => void } {
  const { session, target, limits } = request
  const controller = new AbortController()
  const cancel = (): void =>
    controller.abort(
      limits.signal.reason instanceof AppError
        ? limits.signal.reason
        : new AppError('request.cancelled', `The request to ${target.path} on ${session.nodeId} was cancelled.`, {
            effect: request.effect,
            cause: limits.signal.reason,
          }),
    )
  if (limits.signal.aborted) cancel()
  else limits.signal.addEventListener('abort', cancel, { once: true })
  clock.sleep(limits.timeoutMs, controller.signal).then(
    () =>
      controller.abort(
        new AppError(
          'daemon.unexpected-reply',
          `HAProxy on ${session.nodeId} did not answer on ${target.path} within ${limits.timeoutMs} ms. It may be stopped, overloaded, or have all ten of its CLI connections in use.`,
          { effect: request.effect, details: { timeoutMs: limits.timeoutMs } },
        ),
      ),
    // Cancelled, or `stop` ended the wait: the reply came first.
    () => undefined,
  )
  return {
    signal: controller.signal,
    stop: () => {
      limits.signal.removeEventListener('abort', cancel)
      controller.abort(stopped)
    },
  }
}
