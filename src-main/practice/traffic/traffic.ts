/*
 * What moves the bytes of a practice balancer. A daemon reads its configuration, builds one Engine for each worker process, and gives its
 * listeners (ListenerSet, which the master keeps over reloads) the new engine's services. The old engine finishes its sessions and says
 * when it is empty. All times are milliseconds; `…At` is on the machine's monotonic clock.
 */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Algorithm } from '../../domain/balance/create-picker.ts'
import type { Connection } from '../machine/machine.ts'

export type AdminState = 'ready' | 'drain' | 'maint'

/** What is counted alike for a service, a pool and a server. HAProxy's column names in brackets. */
export interface Figures {
  /** open now: connections of a service, requests (HTTP) or connections (TCP) of a pool or server [scur, smax, stot] */
  sessions: number
  mostSessions: number
  totalSessions: number
  /** waiting for a server [qcur, qmax] */
  queue: number
  mostQueue: number
  /** from clients, to clients [bin, bout] */
  bytesIn: number
  bytesOut: number
  /** [req_tot] */
  requests: number
  /** by status class: 1xx, 2xx, 3xx, 4xx, 5xx, other [hrsp_…] */
  responses: [number, number, number, number, number, number]
  /** requests that could not be understood [ereq], were refused by a rule [dreq] */
  requestErrors: number
  denied: number
  /** the server could not be reached [econ]; it was, and failed before its answer was complete [eresp] */
  connectionErrors: number
  responseErrors: number
  /** [cli_abrt, srv_abrt] */
  clientAborts: number
  serverAborts: number
  /** [wretr, wredis] */
  retries: number
  redispatches: number
  /** times the algorithm chose it, persistence apart [lbtot] */
  chosen: number
  /** [lastsess]; null: never */
  lastSessionAt: number | null
  /** recent averages [qtime, ctime, rtime, ttime]; null before the first */
  readonly times: { queueMs: number | null; connectMs: number | null; responseMs: number | null; totalMs: number | null }
  /** new sessions in the last second, and the most there were [rate, rate_max] */
  sessionsPerSecond(): number
  mostSessionsPerSecond: number
}

/** How a server is asked whether it is well. Exactly `fall` failures in a row take it out, `rise` passes in a row bring it back. */
export interface ActiveCheck {
  readonly kind: 'tcp' | 'http'
  readonly intervalMs: number
  /** instead of `intervalMs` between the first sign of a change and its confirmation; null: the same */
  readonly fastIntervalMs: number | null
  /** instead of `intervalMs` while down; null: the same */
  readonly downIntervalMs: number | null
  readonly timeoutMs: number
  readonly rise: number
  readonly fall: number
  /** asked instead of the server's own port */
  readonly port: number | null
  /** for `http` */
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
  } | null
  /** for `http`; HAProxy's and nginx's default is 2xx and 3xx */
  readonly passes: (status: number) => boolean
  /** for `http`: the header of a good answer that is kept as what the server said; null: none */
  readonly saidBy: string | null
}

/** What real traffic says of a server: `ejects` is asked after each failure with the figures of the last `windowMs`. */
export interface PassiveCheck {
  readonly windowMs: number
  readonly coolDownMs: number
  /** nginx's `max_fails`: `(failed) => failed >= maxFails`; see also `errorRateAboveHalf` */
  readonly ejects: (failed: number, requests: number) => boolean
  /** an HTTP status that counts as a failure; connection errors and broken answers always do */
  readonly failedStatus: (status: number) => boolean
}

export interface ServerSpec {
  /** unique within the pool */
  readonly id: string
  readonly address: string
  readonly port: number
  readonly weight: number
  readonly admin: AdminState
  /** takes work only when no other server can */
  readonly backup: boolean
  /** at most so many sessions at once; more wait. null: no limit */
  readonly maxSessions: number | null
  readonly check: ActiveCheck | null
  readonly passive: PassiveCheck | null
  /** passes in a row before the first traffic of an added server; 0: it is taken to be well until its first check */
  readonly warmUpPasses: number
  /** after it comes up its weight grows linearly over this time; 0: full weight at once */
  readonly slowStartMs: number
  /** what the persistence cookie says for this server; null: no cookie for it */
  readonly cookie: string | null
  /** `BalanceServer.hashedBy`; null: the picker's default */
  readonly hashedBy: string | null
}

/** Words as HAProxy's check_status: `L4OK L4CON L4TOUT L7OK L7STS L7RSP L7TOUT`. */
export interface CheckResult {
  readonly passed: boolean
  readonly word: 'L4OK' | 'L4CON' | 'L4TOUT' | 'L7OK' | 'L7STS' | 'L7RSP' | 'L7TOUT'
  /** HTTP status; null for TCP or without an answer */
  readonly code: number | null
  readonly durationMs: number
  /** the backend's own report in `X-Health: degraded…` or a JSON body `{"status":"degraded"}` */
  readonly degraded: boolean
  /** e.g. `OK`, `Service Unavailable`, `Connection refused` */
  readonly text: string
  /** the header of a good answer that was asked for */
  readonly said: string
  readonly at: number
}

/** `warming`: waits for its passes, or is in slow start. `ejected`: taken out by its traffic for a while. */
export type ServerCondition = 'up' | 'degraded' | 'warming' | 'down' | 'ejected' | 'draining' | 'maintenance'

export interface Server {
  readonly spec: ServerSpec
  readonly figures: Readonly<Figures>
  /** `set server … addr`: for new connections */
  readonly address: string
  readonly port: number
  setAddress(address: string, port: number): void
  readonly admin: AdminState
  setAdmin(admin: AdminState): void
  /** as set; slow start is in `effectiveWeight` */
  readonly weight: number
  setWeight(weight: number): void
  readonly effectiveWeight: number
  readonly maxSessions: number | null
  setMaxSessions(maxSessions: number | null): void
  /** HAProxy's health: 0 … rise + fall - 1; up from `rise` on. `UP 1/3` is `health - rise + 1` of `fall`, `DOWN 1/2` is `health` of `rise` */
  readonly health: number
  /** false: the active check is switched off at run time, or there is none */
  readonly checked: boolean
  setChecked(checked: boolean): void
  /** as the last check said, or an operator (`set server … health down`) */
  readonly up: boolean
  setUp(up: boolean): void
  readonly starting: boolean
  readonly degraded: boolean
  /** null: not ejected */
  readonly ejectedUntil: number | null
  readonly condition: ServerCondition
  readonly lastChangeAt: number
  /** total time down, the present one included */
  downtimeMs(): number
  /** failed checks while up [chkfail], transitions to down [chkdown] */
  readonly failedChecks: number
  readonly timesDown: number
  readonly lastCheck: CheckResult | null
}

export interface ServerEvent {
  readonly server: Server
  readonly was: ServerCondition
  readonly is: ServerCondition
  readonly cause: 'check' | 'traffic' | 'operator' | 'time'
  readonly at: number
}

export type Persistence =
  /** `insert`: the balancer's own cookie, which the server never sees; `prefix`: `SERVER~` before the value of the server's own */
  | { readonly kind: 'cookie'; readonly name: string; readonly mode: 'insert' | 'prefix' }
  /** the source address, remembered */
  | { readonly kind: 'source'; readonly expireMs: number; readonly size: number }

export interface PoolSpec {
  readonly name: string
  readonly servers: readonly ServerSpec[]
  readonly algorithm: Algorithm
  /** which of them work when no other server can: HAProxy takes the first, nginx all */
  readonly backups: 'first' | 'all'
  readonly persistence: Persistence | null
  readonly connectTimeoutMs: number
  /** how long a free server is waited for; 0: not at all */
  readonly queueTimeoutMs: number
  /** at most so many sessions at once over all servers; null: no limit */
  readonly maxSessions: number | null
  /** further attempts after a failed connection */
  readonly retries: number
  /**
   * whether an attempt may go to another server: HAProxy's `option redispatch` does so at the `last`; nginx `always`, and to
   * none twice. Before the same server is tried again a second passes, at most the connect timeout
   */
  readonly redispatch: 'never' | 'last' | 'always'
  /**
   * what is followed by another attempt (nginx's `proxy_next_upstream`, HAProxy's `retry-on`): failures, and answers with such a status, which
   * then count as failures. A request with a body is given to another server only when the connection failed
   */
  readonly retryOn: readonly (FailureReason | number)[]
  /** idle connections to each server that are kept for the next request; 0: a connection for each (nginx without `keepalive`) */
  readonly keptConnections: number
}

/** What different users of one pool may want differently. */
export type ForwardRules = Pick<PoolSpec, 'connectTimeoutMs' | 'retries' | 'redispatch' | 'retryOn' | 'keptConnections'>

export interface StickEntry {
  readonly key: string
  readonly server: string
  readonly expiresAt: number
}

export interface Pool {
  readonly spec: PoolSpec
  readonly figures: Readonly<Figures>
  readonly servers: readonly Server[]
  server(id: string): Server | null
  /** Throws RangeError when there is one of that name. */
  add(spec: ServerSpec): Server
  /** Stops its checks. Its sessions live on; whether it may go is the daemon's rule. */
  remove(id: string): void
  onEvent(listener: (event: ServerEvent) => void): () => void
  stickEntries(): StickEntry[]
  clearStick(key?: string): void
}

/** One client connection of a service. */
export interface Session {
  readonly id: number
  readonly service: string
  readonly source: { readonly address: string; readonly port: number }
  readonly local: { readonly address: string; readonly port: number }
  readonly startedAt: number
  readonly pool: string | null
  readonly server: string | null
  /** `GET /path`, the one in progress; null: none, or TCP */
  readonly request: string | null
  /** requests so far on this connection */
  readonly requests: number
  readonly lastActivityAt: number
  readonly bytesIn: number
  readonly bytesOut: number
  cut(): void
}

/** What accepts connections: HAProxy's frontend, nginx's `server`. */
export interface Service {
  readonly name: string
  readonly figures: Readonly<Figures>
  readonly accept: (connection: Connection) => void
  sessions(): Session[]
}

export interface TcpServiceSpec {
  readonly name: string
  readonly pool: Pool
  /** connections over this are closed at once [maxconn]; null: no limit */
  readonly maxSessions: number | null
  /** no byte in either direction for this long ends the session */
  readonly idleTimeoutMs: number
  /** one server failed; another may be tried */
  readonly attemptFailed: ((failed: FailedAttempt, session: Session) => void) | null
  readonly log: ((entry: AccessEntry, session: Session) => void) | null
}

export interface HttpAnswer {
  readonly status: number
  /** null: the engine asks `errorAnswer` */
  readonly body: string | null
  readonly headers: OutgoingHttpHeaders
}

/**
 * Why there was no answer from a server: none was usable; none became free in time; the connection failed, or took too long; the server broke
 * off before its answer began, or was silent; its answer had a status that is not good enough.
 */
export type FailureReason =
  'no-server' | 'queue-timeout' | 'connect' | 'connect-timeout' | 'response' | 'response-timeout' | 'status'

/** One server that did not do the work. `cause` is a PosixError where the connection failed. */
export interface FailedAttempt {
  readonly server: Server
  readonly reason: FailureReason
  readonly cause: unknown
}

/** What is known of a request when it is routed. */
export interface HttpFacts {
  readonly request: IncomingMessage
  readonly session: Session
}

export interface HttpServiceSpec {
  readonly name: string
  readonly maxSessions: number | null
  /** Where a request goes: by path, host, header, a limiter's word; or the daemon's own answer (a redirect, a 429, its status page). */
  readonly route: (facts: HttpFacts) => Pool | HttpAnswer | Promise<Pool | HttpAnswer>
  /** what the algorithms hash; the source address when null */
  readonly balanceKey: ((facts: HttpFacts) => string) | null
  /** last change to the headers that the server gets, and to the request's `url`; see `addForwarded` */
  readonly editRequest: ((headers: OutgoingHttpHeaders, facts: HttpFacts) => void) | null
  readonly editResponse: ((headers: OutgoingHttpHeaders, facts: HttpFacts & { server: Server; status: number }) => void) | null
  /** one server failed; another may be asked */
  readonly attemptFailed: ((failed: FailedAttempt, facts: HttpFacts) => void) | null
  /** HAProxy answers 503 where a connection failed, nginx 502 */
  readonly failureStatus: (reason: FailureReason) => number
  /** the daemon's page for 400, 429, 502, 503, 504; `facts` is null for what was no request */
  readonly errorAnswer: (status: number, facts: HttpFacts | null) => { headers: OutgoingHttpHeaders; body: string }
  /** the client has this long for a request's head, and for the next request on a kept connection */
  readonly requestTimeoutMs: number
  readonly keepAliveMs: number
  /** silence of the server: a 504 before the answer began, a cut afterwards */
  readonly serverTimeoutMs: (facts: HttpFacts) => number
  /** silence of an upgraded connection */
  readonly tunnelTimeoutMs: (facts: HttpFacts) => number
  readonly log: ((entry: AccessEntry, facts: HttpFacts) => void) | null
}

export interface AccessEntry {
  readonly service: string
  readonly pool: string | null
  readonly server: string | null
  readonly source: { readonly address: string; readonly port: number }
  /** null for TCP */
  readonly request: { method: string; url: string; httpVersion: string; headers: IncomingMessage['headers'] } | null
  /** null for TCP, and when the client left before an answer */
  readonly status: number | null
  readonly bytesIn: number
  readonly bytesOut: number
  /** of `bytesOut` what came behind the head of an HTTP answer */
  readonly bodyBytes: number
  readonly queueMs: number
  readonly connectMs: number | null
  /** to the first byte of the answer */
  readonly responseMs: number | null
  readonly totalMs: number
  readonly retries: number
  readonly redispatched: boolean
  /** why it did not end well: the client left, the session was cut, the server failed; null: it did */
  readonly ended: 'client' | 'cut' | 'idle' | FailureReason | null
}

/** One worker's traffic. */
export interface Engine {
  addPool(spec: PoolSpec): Pool
  /**
   * The same servers, counts and turns under rules of one's own: nginx's locations differ in them. The pool may be another engine's, which
   * must live as long as this one: so nginx's workers share what has a `zone`.
   */
  sharePool(pool: Pool, rules: ForwardRules): Pool
  addTcpService(spec: TcpServiceSpec): Service
  addHttpService(spec: HttpServiceSpec): Service
  /** of every service, oldest first */
  sessions(): Session[]
  /**
   * The worker retires: it checks no server any more, idle connections close, requests under way end and close theirs. Resolves when the last
   * session is gone. Its listeners must have been given away or closed before.
   */
  finish(): Promise<void>
  /** Cuts what is left, at once. A worker that crashes does both: `finish`, whose promise nobody awaits, and this. */
  finishNow(): void
}

export interface Binding {
  readonly address: string
  readonly port: number
  readonly nonlocal: boolean
  readonly accept: (connection: Connection) => void
}

/** Listening sockets that outlive a reload: the newest binding of an address accepts, without a moment in which nobody does. */
export interface ListenerSet {
  /**
   * From now on exactly these. Addresses kept change hands, new ones are opened, others closed. All or nothing: on PosixError (an address in
   * use) everything stays as it was. `acceptedBy`: the process that ss shows for them; the holder of the set unless it is given.
   */
  replace(bindings: readonly Binding[], acceptedBy?: number): void
  bindings(): readonly { address: string; port: number }[]
  close(): void
}
