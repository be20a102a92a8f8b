/*
 * The life of one node's connection.
 *
 *   idle ──session()──▶ connecting ──▶ connected ──lost──▶ waiting ──session() after retryAt──▶ connecting
 *                            │
 *                            ├─ a key or login problem ──▶ refused   (until reset or force: more tries could lock the account)
 *                            └─ anything else ──────────▶ waiting   (full jitter, at most a minute)
 *
 * Nothing dials by itself: a dial starts when somebody asks for a session, is shared by all who ask meanwhile, and ends when the last of
 * them has gone. A connection that lived shorter than `stableMs` does not clear the count of failures, so a node that accepts and drops
 * every connection is not dialled once a second.
 */
import { refusingCodes, type ErrorCode, type NodeId } from '#contract'
import { AppError, appErrorFrom } from '../../app/app-error.ts'
import type { Clock } from '../../app/ports/clock.ts'
import type { CallLimits, ConnectionStatus, NodeSession } from '../../app/ports/node-session.ts'
import { backOffMs } from './back-off.ts'
import type { Chain } from './chain.ts'
import { abortable, startDeadline } from './deadline.ts'
import type { SshSession } from './ssh-session.ts'

export interface Dialled {
  chain: Chain
  session: SshSession
}

/** Makes the connection. `signal`'s reason is an AppError; `onPhase` feeds the message of a timeout. */
export type Dial = (signal: AbortSignal, onPhase: (phase: string) => void) => Promise<Dialled>

interface Attempt {
  controller: AbortController
  outcome: Promise<Dialled>
  waiters: number
  phase: string
}

const stableMs = 30_000

const refusing: ReadonlySet<ErrorCode> = new Set(refusingCodes)

export class NodeLink {
  readonly #nodeId: NodeId
  readonly #dial: Dial
  readonly #clock: Clock
  readonly #random: () => number
  readonly #onStatus: (status: ConnectionStatus) => void
  #state: ConnectionStatus['state'] = 'idle'
  #since: number
  #error: AppError | null = null
  #failures = 0
  /** on the monotonic clock */
  #retryAt = 0
  #retryAtWall: number | null = null
  #attempt: Attempt | null = null
  #live: (Dialled & { since: number }) | null = null
  #closed = false

  constructor(parts: {
    nodeId: NodeId
    dial: Dial
    clock: Clock
    random: () => number
    onStatus: (status: ConnectionStatus) => void
  }) {
    this.#nodeId = parts.nodeId
    this.#dial = parts.dial
    this.#clock = parts.clock
    this.#random = parts.random
    this.#onStatus = parts.onStatus
    this.#since = parts.clock.now()
  }

  status(): ConnectionStatus {
    return {
      state: this.#state,
      since: this.#since,
      error: this.#error,
      attempts: this.#failures,
      retryAt: this.#retryAtWall,
      roundTripMs: this.#live?.session.roundTripMs() ?? null,
    }
  }

  async session(options: CallLimits & { force?: boolean }): Promise<NodeSession> {
    if (this.#closed) throw this.#goneError()
    if (this.#live !== null) return this.#live.session
    if (this.#attempt === null && options.force !== true) this.#throwIfHeldBack()
    this.#attempt ??= this.#start()
    return this.#join(this.#attempt, options)
  }

  reset(): void {
    this.#failures = 0
    this.#retryAt = 0
    if (this.#state === 'waiting' || this.#state === 'refused') this.#become('idle', null)
  }

  /** Final: the link is not used again. */
  async close(): Promise<void> {
    this.#closed = true
    const attempt = this.#attempt
    attempt?.controller.abort(this.#goneError())
    this.#live?.chain.close()
    await attempt?.outcome.catch(() => undefined) // its failure was told to its waiters
  }

  #throwIfHeldBack(): void {
    if (this.#error === null) return
    if (this.#state === 'refused' || (this.#state === 'waiting' && this.#clock.monotonic() < this.#retryAt)) throw this.#error
  }

  #start(): Attempt {
    const controller = new AbortController()
    const attempt: Attempt = {
      controller,
      outcome: this.#dial(controller.signal, (phase) => {
        attempt.phase = phase
      }),
      waiters: 0,
      phase: 'waiting for its turn',
    }
    this.#become('connecting', this.#error)
    attempt.outcome.then(
      (dialled) => {
        if (this.#attempt === attempt) this.#connected(dialled)
        else dialled.chain.close()
      },
      (error: unknown) => {
        if (this.#attempt === attempt) this.#failed(error)
      },
    )
    return attempt
  }

  async #join(attempt: Attempt, options: CallLimits): Promise<NodeSession> {
    attempt.waiters += 1
    const call = { what: () => `Connecting to ${this.#nodeId} (${attempt.phase})`, effect: () => 'none' as const }
    const deadline = startDeadline(options, call)
    try {
      const { session } = await abortable<Dialled>(
        deadline.signal,
        (resolve, reject) => void attempt.outcome.then(resolve, reject),
      )
      return session
    } finally {
      deadline.dispose()
      attempt.waiters -= 1
      if (attempt.waiters === 0) this.#abandon(attempt, deadline.signal.reason)
    }
  }

  /** Nobody waits any more. Settled here and now, so that the next one to ask starts a new dial instead of joining a dying one. */
  #abandon(attempt: Attempt, reason: unknown): void {
    if (this.#attempt !== attempt) return
    this.#failed(reason)
    attempt.controller.abort(reason)
  }

  #connected(dialled: Dialled): void {
    this.#attempt = null
    if (this.#closed) return dialled.chain.close()
    const live = { ...dialled, since: this.#clock.monotonic() }
    this.#live = live
    this.#become('connected', null)
    const onLost = (): void => {
      this.#live = null
      if (this.#closed) return
      if (this.#clock.monotonic() - live.since >= stableMs) this.#failures = 0
      this.#holdBack(dialled.chain.lost.reason as AppError)
    }
    if (dialled.chain.lost.aborted) onLost()
    else dialled.chain.lost.addEventListener('abort', onLost, { once: true })
  }

  #failed(thrown: unknown): void {
    this.#attempt = null
    if (this.#closed) return
    const error = appErrorFrom(thrown)
    if (error.code === 'request.cancelled') return this.#become('idle', null)
    if (!refusing.has(error.code)) return this.#holdBack(error)
    this.#failures += 1
    this.#become('refused', error)
  }

  #holdBack(error: AppError): void {
    this.#failures += 1
    const wait = backOffMs(this.#failures, this.#random)
    this.#retryAt = this.#clock.monotonic() + wait
    this.#become('waiting', error, this.#clock.now() + wait)
  }

  #become(state: ConnectionStatus['state'], error: AppError | null, retryAtWall: number | null = null): void {
    this.#state = state
    this.#error = error
    this.#retryAtWall = retryAtWall
    this.#since = this.#clock.now()
    this.#onStatus(this.status())
  }

  #goneError(): AppError {
    return new AppError('request.cancelled', `The connection to ${this.#nodeId} is being closed.`)
  }
}
