/**
 * The one way in, for every shell.
 *
 * Model: a shell opens a `Connection` for an authenticated caller and feeds it raw frames; the dispatcher does the same things for all
 * of them: looks the name up among the contract's own properties, parses the input, makes an AbortSignal, calls the handler, parses the
 * output, maps errors to codes, logs with the request id. Handlers never see a raw frame, and identity never comes from the payload.
 * A command that carries a request id is remembered per caller, so that a frame repeated after a reconnect is answered from memory.
 *
 * Not guaranteed: memory of commands does not survive the process (jobs do; they are journaled).
 */
import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import {
  ClientFrame,
  PROTOCOL,
  contract,
  type CallName,
  type ErrorReply,
  type EventName,
  type HostFrame,
  type PayloadOf,
} from '#contract'
import { AppError, appErrorFrom } from './app-error.ts'
import type { CallContext, Caller, Handlers } from './handlers-type.ts'
import type { Log } from './ports/log.ts'

export interface Connection {
  /** one frame as it came off the wire, already JSON-decoded; never throws */
  receive(frame: unknown): void
  /** the peer is gone: queries are aborted, commands run on, their answers are remembered */
  close(): void
}

export interface Dispatcher {
  connect(caller: Caller, send: (frame: HostFrame) => void): Connection
  /** tell every open connection; all of them receive the same frame object */
  publish<N extends EventName>(name: N, payload: PayloadOf<N>): void
}

/** How many finished commands are remembered, over all callers. */
const REMEMBERED_COMMANDS = 500
/** Calls in flight per connection; more than this is a defect of the shell or an attack. */
const MAX_CALLS_IN_FLIGHT = 256

type Reply = Extract<HostFrame, { type: 'reply' }>
type Answer = { ok: true; value: unknown } | { ok: false; error: ErrorReply }

export function createDispatcher(parts: { handlers: Handlers; log: Log }): Dispatcher {
  const { handlers, log } = parts
  const connections = new Set<(frame: HostFrame) => void>()
  const commands = new Map<string, Promise<Answer>>()
  let seq = 0

  async function answer(name: string, input: unknown, context: CallContext): Promise<Answer> {
    try {
      return { ok: true, value: await call(handlers, name, input, context) }
    } catch (thrown) {
      const error = context.signal.aborted && !(thrown instanceof AppError) ? cancelled() : appErrorFrom(thrown)
      const fields = { name, requestId: context.requestId, user: context.caller.user, code: error.code }
      if (error.code === 'host.internal')
        log.error('call failed', { ...fields, message: error.message, stack: stackOf(thrown) })
      else log.info('call refused', { ...fields, message: error.message })
      return { ok: false, error: error.toReply() }
    }
  }

  function answerOnce(name: string, input: unknown, context: CallContext): Promise<Answer> {
    if (context.requestId === null || !isCommand(name)) return answer(name, input, context)
    const key = JSON.stringify([context.caller.shell, context.caller.user, context.requestId])
    const known = commands.get(key)
    if (known) return known
    const pending = answer(name, input, context)
    commands.set(key, pending)
    for (const oldest of commands.keys()) {
      if (commands.size <= REMEMBERED_COMMANDS) break
      commands.delete(oldest)
    }
    return pending
  }

  return {
    connect(caller, send) {
      const connection = randomUUID()
      const inFlight = new Map<string, { controller: AbortController; isCommand: boolean }>()
      connections.add(send)
      send({ type: 'hello', protocol: PROTOCOL })
      return {
        receive(raw) {
          const parsed = v.safeParse(ClientFrame, raw)
          if (!parsed.success) {
            const id = frameIdOf(raw)
            log.warn('frame refused', { user: caller.user, why: parsed.issues[0].message })
            if (id !== null) send(replyOf(id, { ok: false, error: invalid('frame', parsed.issues).toReply() }))
            return
          }
          const frame = parsed.output
          if (frame.type === 'cancel') {
            inFlight.get(frame.id)?.controller.abort(cancelled())
            return
          }
          if (inFlight.has(frame.id) || inFlight.size >= MAX_CALLS_IN_FLIGHT) {
            const why = inFlight.has(frame.id) ? `Call id "${frame.id}" is already in use.` : 'Too many calls are in flight.'
            send(replyOf(frame.id, { ok: false, error: new AppError('request.invalid', why).toReply() }))
            return
          }
          const controller = new AbortController()
          inFlight.set(frame.id, { controller, isCommand: isCommand(frame.name) })
          const context: CallContext = { signal: controller.signal, caller, connection, requestId: frame.requestId ?? null }
          void answerOnce(frame.name, frame.input, context).then((result) => {
            inFlight.delete(frame.id)
            if (connections.has(send)) send(replyOf(frame.id, result))
          })
        },
        close() {
          connections.delete(send)
          for (const { controller, isCommand } of inFlight.values()) if (!isCommand) controller.abort(cancelled())
          const context: CallContext = { signal: new AbortController().signal, caller, connection, requestId: null }
          void answer('host.watch', { visible: false }, context)
        },
      }
    },
    publish(name, payload) {
      const frame: HostFrame = { type: 'event', name, seq: ++seq, payload }
      for (const send of connections) send(frame)
    },
  }
}

/** Call one handler as the dispatcher does, for shells that live in the same process (the command line, tests). */
export async function call(handlers: Handlers, name: string, input: unknown, context: CallContext): Promise<unknown> {
  if (!isCall(name)) throw new AppError('request.unknown', `There is no call named "${name.slice(0, 80)}".`)
  const entry = contract[name]
  const parsed = v.safeParse(entry.input as v.GenericSchema, input)
  if (!parsed.success) throw invalid(name, parsed.issues)
  context.signal.throwIfAborted()
  // The table's types tie name, input and output together; a dynamic lookup has to be told so once.
  const handler = handlers[name] as (input: unknown, context: CallContext) => Promise<unknown>
  const value = await handler(parsed.output, context)
  const output = v.safeParse(entry.output as v.GenericSchema, value)
  if (output.success) return output.output
  throw new AppError('host.internal', `The answer of ${name} does not fit the contract: ${describeIssues(output.issues)}`, {
    effect: entry.kind === 'query' ? 'none' : 'unknown',
  })
}

function isCall(name: string): name is CallName {
  return Object.hasOwn(contract, name) && contract[name as keyof typeof contract].kind !== 'event'
}

function isCommand(name: string): boolean {
  return isCall(name) && contract[name].kind === 'command'
}

function replyOf(id: string, result: Answer): Reply {
  return { type: 'reply', id, ...result }
}

function frameIdOf(raw: unknown): string | null {
  if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, 'id')) return null
  const id = (raw as { id: unknown }).id
  return typeof id === 'string' && id.length > 0 && id.length <= 64 ? id : null
}

function cancelled(): AppError {
  return new AppError('request.cancelled', 'The call was cancelled.')
}

function invalid(what: string, issues: readonly v.BaseIssue<unknown>[]): AppError {
  return new AppError('request.invalid', `${what}: ${describeIssues(issues)}`, {
    details: { issues: issues.slice(0, 20).map((issue) => ({ path: v.getDotPath(issue) ?? '', message: issue.message })) },
  })
}

function describeIssues(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues
    .slice(0, 3)
    .map((issue) => [v.getDotPath(issue), issue.message].filter(Boolean).join(': '))
    .join('; ')
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
}
