/*
 * One authenticated SSH connection. The only place that calls ssh2's Client.connect.
 *
 * Model: ssh2 accepts every host key when it has no verifier, and takes any defined return value of a verifier (a promise included) for
 * a yes. So `judgeKey` is required, its answer is awaited here, and the function handed to ssh2 returns nothing: only the callback with
 * a literal `true` lets a handshake go on. A key that is not accepted ends the dial with the error the judge gave.
 *
 * The transport stream is always made by the caller with TCP_NODELAY: ssh2 never sets it, and every round trip would cost 40 ms more.
 */
import type { Duplex } from 'node:stream'
import { type AnyAuthMethod, Client, type NextAuthHandler, type ServerHostKeyAlgorithm } from 'ssh2'
import type { AuthPlan } from './auth-plan.ts'
import { AppError } from '../../app/app-error.ts'
import { abortable } from './deadline.ts'
import { dialError } from './ssh-errors.ts'

export interface ConnectOptions {
  stream: Duplex
  user: string
  /** for messages: `user@host:port` */
  where: string
  auth: AuthPlan
  /** null: the key may be used; an error: it may not, and this is why */
  judgeKey: (key: Buffer) => Promise<AppError | null>
  /** key types on record, asked for first so that a known host never looks unknown */
  knownKeyTypes: readonly string[]
  /** a connection is given up after intervalMs × (countMax + 1) without an answer */
  keepalive: { intervalMs: number; countMax: number }
  /** told when the phase changes, for the message of a timeout */
  onPhase: (phase: string) => void
  /** ends the dial; its reason is an AppError */
  signal: AbortSignal
}

/** SHA-1 signatures (`ssh-rsa`) are left out, as in OpenSSH since 8.8. */
const hostKeyAlgorithms: readonly { algorithm: ServerHostKeyAlgorithm; keyType: string }[] = [
  { algorithm: 'ssh-ed25519', keyType: 'ssh-ed25519' },
  { algorithm: 'ecdsa-sha2-nistp256', keyType: 'ecdsa-sha2-nistp256' },
  { algorithm: 'ecdsa-sha2-nistp384', keyType: 'ecdsa-sha2-nistp384' },
  { algorithm: 'ecdsa-sha2-nistp521', keyType: 'ecdsa-sha2-nistp521' },
  { algorithm: 'rsa-sha2-512', keyType: 'ssh-rsa' },
  { algorithm: 'rsa-sha2-256', keyType: 'ssh-rsa' },
]

/** Resolves with a client that is logged in. Rejects with AppError; the stream is destroyed then. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const { signal, where } = options
  const client = new Client()
  let keyError: AppError | null = null
  const login = loginSteps(options)

  try {
    await abortable<void>(signal, (resolve, reject) => {
      client.on('ready', () => resolve())
      client.on('error', (error: Error & { level?: string }) => {
        // ssh2 reports an agent or a key that could not sign, and goes on with the next method by itself
        const goesOn = (error.level === 'agent' || error.level === 'client-authentication') && !login.exhausted()
        if (!goesOn) reject(keyError ?? login.explain(error))
      })
      client.on('close', () => reject(keyError ?? login.explain(new Error('the connection was closed'))))
      client.connect({
        sock: options.stream,
        username: options.user,
        readyTimeout: 0, // the signal is the limit
        keepaliveInterval: options.keepalive.intervalMs,
        keepaliveCountMax: options.keepalive.countMax,
        algorithms: { serverHostKey: orderedAlgorithms(options.knownKeyTypes) },
        hostVerifier: (key: Buffer, verify: (accepted: boolean) => void): void => {
          options.judgeKey(key).then(
            (refusal) => {
              keyError = refusal
              verify(refusal === null)
            },
            (error: unknown) => {
              keyError = dialError(error, where, false)
              verify(false)
            },
          )
        },
        authHandler: login.next,
      })
      options.onPhase('SSH handshake')
    })
    return client
  } catch (error) {
    client.on('error', () => undefined) // late errors of a connection that is given up
    client.destroy()
    options.stream.destroy()
    throw error
  }
}

function orderedAlgorithms(knownTypes: readonly string[]): ServerHostKeyAlgorithm[] {
  const known = hostKeyAlgorithms.filter((each) => knownTypes.includes(each.keyType))
  const others = hostKeyAlgorithms.filter((each) => !knownTypes.includes(each.keyType))
  return [...known, ...others].map((each) => each.algorithm)
}

/** Goes through the plan, skipping what the server does not offer, and remembers what was tried. */
function loginSteps({ auth, where, onPhase }: ConnectOptions) {
  const tried: string[] = []
  let offered: readonly string[] | null = null
  let started = false
  let exhausted = false
  let at = 0

  const nextMethod = (): AnyAuthMethod | null => {
    for (; at < auth.attempts.length; at += 1) {
      const attempt = auth.attempts[at]
      if (attempt === undefined) break
      const wireName = attempt.method.type === 'agent' ? 'publickey' : attempt.method.type
      if (offered !== null && !offered.includes(wireName)) continue
      at += 1
      tried.push(attempt.label)
      return attempt.method
    }
    return null
  }

  return {
    exhausted: () => exhausted,
    next: (methodsLeft: readonly string[] | null, _partial: boolean | null, next: NextAuthHandler): void => {
      if (!started) onPhase('login')
      started = true
      offered = methodsLeft
      const method = nextMethod()
      exhausted = method === null
      // @types/ssh2 1.15 leaves out `false`, which ends the login
      next(method ?? (false as unknown as AnyAuthMethod))
    },
    explain: (error: Error & { level?: string }): AppError => {
      if (error.level !== 'client-authentication' && !(started && error.level === undefined))
        return dialError(error, where, started)
      const clauses = [
        tried.length === 0 ? 'nothing could be tried' : `tried ${tried.join(', ')}`,
        ...auth.notes,
        ...(offered === null ? [] : [`the server offers ${offered.join(', ')}`]),
        ...(exhausted ? [] : [`it said "${error.message}"`]),
      ]
      return new AppError('ssh.auth-failed', `${where} did not accept the login: ${clauses.join('; ')}.`, {
        details: { where, tried, notes: auth.notes, offered },
        cause: error,
      })
    },
  }
}
