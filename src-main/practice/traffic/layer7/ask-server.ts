import { request as httpRequest, type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { connectFailure, Failure } from '../failure.ts'
import { watchSilence } from '../silence.ts'
import type { Wheel } from '../wheel.ts'

export interface Question {
  readonly address: string
  readonly port: number
  readonly headers: OutgoingHttpHeaders
  /** the client's; its body, when it has one, goes to the server as soon as there is a connection */
  readonly from: IncomingMessage
  readonly hasBody: boolean
  readonly kept: Agent
  readonly fresh: Agent
  readonly silenceMs: number
  /** the last byte from or to the client */
  readonly lastActivityAt: () => number
  readonly signal: AbortSignal
}

export interface Answer {
  readonly response: IncomingMessage
  /** after `101 Switching Protocols`: the connection, and what came behind the head */
  readonly upgraded: { readonly socket: Socket; readonly head: Buffer } | null
  readonly connectMs: number
  readonly responseMs: number
}

/** One attempt at one server: resolves with the head of its answer, rejects with Failure. */
export async function askServer(question: Question, { wheel, now }: { wheel: Wheel; now: () => number }): Promise<Answer> {
  const { hasBody, kept, fresh } = question
  // What was sent on a kept connection that the server closes at that moment is lost: a body could not be sent again.
  if (hasBody) return attempt(question, fresh, { wheel, now })
  try {
    return await attempt(question, kept, { wheel, now })
  } catch (thrown) {
    if (thrown !== staleConnection) throw thrown
    return attempt(question, fresh, { wheel, now })
  }
}

/** a kept connection that the server had closed meanwhile: says nothing of the server */
const staleConnection = new Failure('response')

function attempt(question: Question, agent: Agent, { wheel, now }: { wheel: Wheel; now: () => number }): Promise<Answer> {
  const { address, port, headers, from, hasBody, signal } = question
  return new Promise((resolve, reject) => {
    const since = now()
    let connectedAt: number | null = null
    let stopWatching = (): void => {}
    let reason: 'client' | 'response-timeout' | null = null
    const abandon = (why: 'client' | 'response-timeout'): void => {
      reason = why
      out.destroy()
      fail(new Failure(why))
    }
    const leave = (): void => abandon('client')
    const settle = (): void => {
      stopWatching()
      signal.removeEventListener('abort', leave)
    }
    const fail = (failure: Failure): void => {
      settle()
      from.unpipe(out)
      reject(failure)
    }
    const answered = (response: IncomingMessage, upgraded: Answer['upgraded']): void => {
      settle()
      const at = connectedAt ?? since
      resolve({ response, upgraded, connectMs: at - since, responseMs: now() - at })
    }

    const out = httpRequest({ agent, host: address, port, method: from.method, path: from.url, headers, setHost: false })
    out.on('response', (response) => answered(response, null))
    out.on('upgrade', (response, socket, head) => answered(response, { socket, head }))
    out.on('socket', () => {
      connectedAt = now()
      if (reason !== null) return
      const lastAt = (): number => Math.max(connectedAt ?? since, question.lastActivityAt())
      stopWatching = watchSilence(wheel, now, question.silenceMs, lastAt, () => abandon('response-timeout'))
      if (hasBody) from.pipe(out)
    })
    out.on('error', (error) => {
      if (reason !== null) return
      if (connectedAt === null) fail(connectFailure(error))
      else fail(out.reusedSocket && !hasBody ? staleConnection : new Failure('response', error))
    })
    if (!hasBody) out.end()
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
  })
}
